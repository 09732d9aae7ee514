// k-means against one plain loop, bit for bit, on rows full of ties.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "unit/support.hpp"
#include "winnow/cluster/kmeans.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {
namespace {

using testing::values_of;

/// Lloyd on whole numbers times a power of two, of which all sums are exact in double: nearest by
/// distance, then number; means rounded once; empty clusters to the farthest rows.
struct PlainLloyd {
  Matrix<float> rows;
  Matrix<float> centroids;
  std::vector<std::int32_t> assignment{};
  std::vector<double> distance{};

  void assign() {
    assignment.assign(static_cast<std::size_t>(rows.rows()), 0);
    distance.assign(assignment.size(), std::numeric_limits<double>::infinity());
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      for (std::int64_t j = 0; j < centroids.rows(); ++j) {
        double sum = 0.0;
        for (std::int64_t c = 0; c < rows.cols(); ++c) {
          const double difference = static_cast<double>(rows(i, c)) - centroids(j, c);
          sum += difference * difference;
        }
        if (sum >= distance[static_cast<std::size_t>(i)]) continue;
        distance[static_cast<std::size_t>(i)] = sum;
        assignment[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(j);
      }
    }
  }

  void update() {
    std::vector<std::int64_t> far;
    for (std::int64_t i = 0; i < rows.rows(); ++i) far.push_back(i);
    std::ranges::stable_sort(far, [&](std::int64_t a, std::int64_t b) {
      return distance[static_cast<std::size_t>(a)] > distance[static_cast<std::size_t>(b)];
    });
    auto farthest = far.begin();
    for (std::int64_t j = 0; j < centroids.rows(); ++j) {
      const auto count = std::ranges::count(assignment, static_cast<std::int32_t>(j));
      for (std::int64_t c = 0; count > 0 && c < rows.cols(); ++c) {
        double sum = 0.0;
        for (std::int64_t i = 0; i < rows.rows(); ++i) {
          if (assignment[static_cast<std::size_t>(i)] == j) sum += rows(i, c);
        }
        centroids(j, c) = static_cast<float>(sum / static_cast<double>(count));
      }
      if (count > 0 || farthest == far.end()) continue;
      if (distance[static_cast<std::size_t>(*farthest)] <=
          1e-12 * numerics::dot(rows.row(*farthest), rows.row(*farthest))) {
        farthest = far.end();
        continue;
      }
      std::ranges::copy(rows.row(*farthest++), centroids.row(j).begin());
    }
  }
};

/// Means of small whole numbers over counts that are no powers of two are rounded, and the squares
/// of the differences then are, too: sums in another order may differ in the last bit. Widths of
/// one number have no order.
RC_GTEST_PROP(ExactKMeans, IsOneLoopOnRowsOfOneNumber, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 300);
  const auto k = *rc::gen::inRange<std::int64_t>(1, n + 1);
  const auto range = *rc::gen::element(1, 3, 20, 1000);
  const auto exponent = *rc::gen::element(0, -60, 60, -120, 110);
  const auto iterations = *rc::gen::inRange<std::int64_t>(0, 6);
  Matrix<float> rows(n, 1);
  for (std::int64_t i = 0; i < n; ++i) {
    rows(i, 0) = std::ldexp(static_cast<float>(*rc::gen::inRange(-range, range + 1)), exponent);
  }
  Matrix<float> initial(k, 1);
  for (std::int64_t j = 0; j < k; ++j)
    initial(j, 0) = rows(*rc::gen::inRange<std::int64_t>(0, n), 0);
  PlainLloyd plain{rows, initial};
  plain.assign();
  for (std::int64_t i = 0; i < iterations; ++i) {
    plain.update();
    plain.assign();
  }
  const KMeansResult result =
      kmeans(rows, {.n_clusters = k, .iterations = iterations, .geometry = Geometry::euclidean},
             silent(), initial.view());
  RC_ASSERT(result.assignment == plain.assignment);
  RC_ASSERT(result.distance == plain.distance);
  RC_ASSERT(values_of(result.centroids) == values_of(plain.centroids));
}

/// One assignment of rows of small whole numbers, whose distances are exact in any order.
RC_GTEST_PROP(ExactKMeans, TheNearestIsThatOfOneLoopAtAnyWidth, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 60);
  const auto d = *rc::gen::inRange<std::int64_t>(1, 70);
  const auto k = *rc::gen::inRange<std::int64_t>(1, 150);
  const auto range = *rc::gen::element(1, 2, 50);
  const auto exponent = *rc::gen::element(0, -50, 50);
  const auto seed = *rc::gen::inRange<std::uint64_t>(0, 1000);
  RandomStream random(Seed{seed}, "exact-test");
  const auto draw = [&](std::int64_t count) {
    Matrix<float> matrix(count, d);
    for (std::int64_t i = 0; i < matrix.size(); ++i) {
      const auto whole = static_cast<std::int64_t>(random.below(2 * range + 1)) - range;
      matrix.data()[i] = std::ldexp(static_cast<float>(whole), exponent);
    }
    return matrix;
  };
  const Matrix<float> rows = draw(n);
  PlainLloyd plain{rows, draw(k)};
  plain.assign();
  const KMeansResult result = assign(rows, plain.centroids, Geometry::euclidean);
  RC_ASSERT(result.assignment == plain.assignment);
  RC_ASSERT(result.distance == plain.distance);
}

}  // namespace
}  // namespace winnow::cluster
