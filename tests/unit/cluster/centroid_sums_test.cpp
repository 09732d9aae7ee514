#include "cluster/centroid_sums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cluster/assigner.hpp"
#include "unit/support.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::cluster {
namespace {

using testing::normal_matrix;
using testing::Threads;
using testing::values_of;

Matrix<float> means_of(CentroidSums& sums, std::int64_t k, std::int64_t d) {
  Matrix<float> centroids(k, d);
  sums.combine(comm::self());
  sums.update(centroids, Geometry::euclidean);
  return centroids;
}

Magnitudes magnitudes_of(const Matrix<float>& rows) {
  Magnitudes found;
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    float size = 0.0F;
    for (const float value : rows.row(i)) size = std::max(size, std::abs(value));
    found.largest = std::max(found.largest, size);
    if (size > 0.0F && (found.smallest == 0.0F || size < found.smallest)) found.smallest = size;
  }
  return found;
}

/// Rows whose sizes differ by 2^spread: each cluster's mean is that of its own rows to the last bit
/// or two of float32, however large the rows of others are.
class Spread : public ::testing::TestWithParam<int> {};

TEST_P(Spread, MeansAreExactForRowsOfAnySize) {
  Matrix<float> rows = normal_matrix(600, 9, 1);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    for (float& value : rows.row(i)) {
      value = std::ldexp(value, GetParam() * static_cast<int>(i % 3) / 2 - GetParam() / 2);
    }
  }
  CentroidSums sums(3, 9, 600, magnitudes_of(rows));
  for (std::int64_t i = 0; i < 600; ++i) sums.add(rows.row(i), static_cast<std::int32_t>(i % 3));
  const Matrix<float> means = means_of(sums, 3, 9);
  for (std::int64_t j = 0; j < 3; ++j) {
    for (std::int64_t c = 0; c < 9; ++c) {
      long double sum = 0.0L;
      long double size = 0.0L;
      for (std::int64_t i = j; i < 600; i += 3) {
        sum += rows(i, c);
        size += std::abs(rows(i, c));
      }
      // Entries round by 2^-27 of their row's largest, which is at most ten times their mean size.
      EXPECT_NEAR(means(j, c), static_cast<double>(sum / 200),
                  static_cast<double>(size / 200) * 10 * 0x1p-26);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(CentroidSums, Spread, ::testing::Values(0, 20, 60, 120, 200));

TEST(CentroidSums, RowsComeAndGoInAnyOrder) {
  const Matrix<float> rows = normal_matrix(5000, 7, 2);
  std::vector<std::int32_t> cluster(5000);
  for (std::size_t i = 0; i < cluster.size(); ++i) cluster[i] = static_cast<std::int32_t>(i % 11);
  CentroidSums forward(11, 7, 5000, magnitudes_of(rows));
  CentroidSums wandering(11, 7, 5000, magnitudes_of(rows));
  for (std::int64_t i = 0; i < 5000; ++i) {
    forward.add(rows.row(i), cluster[static_cast<std::size_t>(i)]);
  }
  const Threads threads(4);
  parallel_blocks(5000, silent(), [&](std::int64_t block) {
    const std::int64_t i = 4999 - block;
    wandering.add(rows.row(i), static_cast<std::int32_t>(i % 5));
    wandering.subtract(rows.row(i), static_cast<std::int32_t>(i % 5));
    wandering.add(rows.row(i), cluster[static_cast<std::size_t>(i)]);
  });
  EXPECT_EQ(values_of(means_of(wandering, 11, 7)), values_of(means_of(forward, 11, 7)));
  EXPECT_EQ(std::accumulate(wandering.sizes().begin(), wandering.sizes().end(), 0), 5000);
}

TEST(CentroidSums, ABillionRowsDoNotOverflow) {
  // As many rows as there may be, all of the largest size, as one that counts for all.
  const std::int64_t n = std::int64_t{1} << 30U;
  const Matrix<float> row = testing::matrix_of(1, 1, {-1.999F});
  CentroidSums sums(1, 1, n, {1.999F, 1.999F});
  for (int i = 0; i < 1000; ++i) sums.add(row.row(0), 0);
  EXPECT_FLOAT_EQ(means_of(sums, 1, 1)(0, 0), -1.999F);
  // 62 bits are for n of them.
  EXPECT_EQ(sums.message_bytes(), 16);
}

TEST(CentroidSums, RowsOfZerosHaveAMeanOfZero) {
  const Matrix<float> rows(4, 3);
  CentroidSums sums(2, 3, 4, {});
  for (std::int64_t i = 0; i < 4; ++i) sums.add(rows.row(i), 1);
  EXPECT_EQ(values_of(means_of(sums, 2, 3)), std::vector<float>(6));
}

TEST(Parts, AreWholeChunksThatCoverAllRows) {
  for (const std::int64_t n : {1L, 2047L, 2048L, 2049L, 10'000L, 100'000L}) {
    for (const int ranks : {1, 2, 3, 5, 64}) {
      std::int64_t end = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Part part = part_of(n, rank, ranks);
        EXPECT_EQ(part.begin, end);
        EXPECT_TRUE(part.begin % chunk_rows == 0 || part.begin == n);
        EXPECT_LE(part.size(), n / ranks + chunk_rows);
        end = part.end;
      }
      EXPECT_EQ(end, n);
    }
  }
}

}  // namespace
}  // namespace winnow::cluster
