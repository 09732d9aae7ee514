#include "cluster/seeding.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "winnow/core/parallel.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {

namespace {

constexpr std::int64_t block_rows = 2048;

/// Squared distances to the nearest centroid so far, with their sums by block of rows.
class NearestDistances {
 public:
  explicit NearestDistances(MatrixView<const float> points)
      : points_(points),
        values_(static_cast<std::size_t>(points.rows()), std::numeric_limits<double>::infinity()),
        sums_(static_cast<std::size_t>((points.rows() + block_rows - 1) / block_rows)) {}

  void include(std::span<const float> centroid) {
    parallel_blocks(static_cast<std::int64_t>(sums_.size()), silent(), [&](std::int64_t block) {
      const std::int64_t end = std::min((block + 1) * block_rows, points_.rows());
      double sum = 0.0;
      for (std::int64_t i = block * block_rows; i < end; ++i) {
        double& value = values_[static_cast<std::size_t>(i)];
        value = std::min(value, numerics::squared_distance(points_.row(i), centroid));
        sum += value;
      }
      sums_[static_cast<std::size_t>(block)] = sum;
    });
  }

  double total() const {
    double total = 0.0;
    for (const double sum : sums_) total += sum;
    return total;
  }

  /// The row where the running sum of distances passes `target` in [0, total()).
  std::int64_t row_at(double target) const {
    std::size_t block = 0;
    while (block + 1 < sums_.size() && target >= sums_[block]) target -= sums_[block++];
    const std::int64_t begin = static_cast<std::int64_t>(block) * block_rows;
    const std::int64_t end = std::min(begin + block_rows, points_.rows());
    std::int64_t last_positive = -1;
    for (std::int64_t i = begin; i < end; ++i) {
      const double value = values_[static_cast<std::size_t>(i)];
      if (value > 0.0) last_positive = i;
      if (value > target) return i;
      target -= value;
    }
    // Rounding carried the target past the block's end: its last row with any weight.
    return last_positive >= 0 ? last_positive : farthest();
  }

 private:
  std::int64_t farthest() const {
    return std::max_element(values_.begin(), values_.end()) - values_.begin();
  }

  MatrixView<const float> points_;
  std::vector<double> values_;
  std::vector<double> sums_;
};

}  // namespace

Matrix<float> seed_plus_plus(MatrixView<const float> points, std::int64_t n_clusters, Seed seed,
                             Progress& progress) {
  Matrix<float> centroids(n_clusters, points.cols());
  RandomStream stream(seed, "kmeans-seeding");
  NearestDistances nearest(points);
  auto row = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(points.rows())));
  for (std::int64_t j = 0; j < n_clusters; ++j) {
    progress.throw_if_cancelled();
    if (j > 0) {
      const double total = nearest.total();
      if (total <= 0.0) {
        for (; j < n_clusters; ++j) std::ranges::copy(centroids.row(0), centroids.row(j).begin());
        break;
      }
      row = nearest.row_at(stream.uniform() * total);
    }
    std::ranges::copy(points.row(row), centroids.row(j).begin());
    if (j + 1 < n_clusters) nearest.include(centroids.row(j));
    progress.advance(1);
  }
  return centroids;
}

}  // namespace winnow::cluster
