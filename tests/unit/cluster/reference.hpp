#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "winnow/cluster/kmeans.hpp"

namespace winnow::cluster {

/// Lloyd's algorithm as a textbook has it: double throughout, one thread, no products.
struct SlowKMeans {
  std::vector<std::vector<double>> centroids;
  std::vector<std::size_t> assignment;
  std::vector<double> distance;
  std::vector<double> margin;  ///< Second smallest distance minus smallest.
  std::vector<double> objective;

  SlowKMeans(MatrixView<const float> points, MatrixView<const float> initial, Geometry geometry,
             std::int64_t iterations)
      : geometry_(geometry), rows_(rows_of(points)) {
    centroids = rows_of(initial);
    assign();
    for (std::int64_t i = 0; i < iterations; ++i) {
      update();
      assign();
    }
  }

 private:
  using Row = std::vector<double>;

  static std::vector<Row> rows_of(MatrixView<const float> matrix) {
    std::vector<Row> rows;
    for (std::int64_t i = 0; i < matrix.rows(); ++i) {
      rows.emplace_back(matrix.row(i).begin(), matrix.row(i).end());
    }
    return rows;
  }

  double between(const Row& x, const Row& c) const {
    double dot = 0.0;
    double squares = 0.0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      dot += x[j] * c[j];
      squares += (x[j] - c[j]) * (x[j] - c[j]);
    }
    return geometry_ == Geometry::spherical ? 1.0 - dot : squares;
  }

  void assign() {
    assignment.assign(rows_.size(), 0);
    distance.assign(rows_.size(), std::numeric_limits<double>::infinity());
    margin.assign(rows_.size(), std::numeric_limits<double>::infinity());
    double sum = 0.0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      for (std::size_t j = 0; j < centroids.size(); ++j) {
        const double d = between(rows_[i], centroids[j]);
        if (d < distance[i]) {
          margin[i] = distance[i] - d;
          distance[i] = d;
          assignment[i] = j;
        } else {
          margin[i] = std::min(margin[i], d - distance[i]);
        }
      }
      sum += distance[i];
    }
    objective.push_back(sum / static_cast<double>(rows_.size()));
  }

  void update() {
    for (std::size_t j = 0; j < centroids.size(); ++j) {
      Row sum(rows_.front().size(), 0.0);
      double count = 0.0;
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (assignment[i] != j) continue;
        count += 1.0;
        for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += rows_[i][c];
      }
      if (count == 0.0) continue;
      double scale = count;
      if (geometry_ == Geometry::spherical) {
        scale = 0.0;
        for (const double value : sum) scale += value * value;
        scale = std::sqrt(scale);
      }
      for (std::size_t c = 0; c < sum.size(); ++c) centroids[j][c] = sum[c] / scale;
    }
  }

  Geometry geometry_;
  std::vector<Row> rows_;
};

}  // namespace winnow::cluster
