#include "winnow/numerics/vectors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::numerics {
namespace {

using testing::expect_error;
using testing::matrix_of;
using testing::normal_matrix;
using testing::StoppingProgress;
using testing::Threads;
using testing::values_of;

std::vector<double> values_of_doubles(const Matrix<double>& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

TEST(Vectors, NormsOfRows) {
  EXPECT_EQ(row_norms(matrix_of(3, 2, {3, 4, 0, 0, -5, 12})), (std::vector<double>{5, 0, 13}));
}

TEST(Vectors, NormalizedRowsHaveLengthOneAndKeepTheirDirection) {
  Matrix<float> rows = normal_matrix(2500, 9, 1);
  for (float& value : rows.row(3)) value *= 1e-30F;  // squares vanish in float32
  for (float& value : rows.row(4)) value *= 1e30F;   // squares overflow in float32
  const Matrix<float> unit = normalize_rows(rows);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    long double squares = 0.0L;
    for (const float value : rows.row(i)) squares += static_cast<long double>(value) * value;
    for (std::int64_t j = 0; j < rows.cols(); ++j) {
      const auto expected = static_cast<double>(rows(i, j) / std::sqrt(squares));
      // One rounding to float32 of a number that double had nearly right.
      ASSERT_NEAR(unit(i, j), expected, 1.01 * 0x1p-24 * std::abs(expected)) << i << ", " << j;
    }
  }
}

TEST(Vectors, ARowOfZerosHasNoDirection) {
  Matrix<float> rows = normal_matrix(3000, 4, 2);
  for (float& value : rows.row(2222)) value = 0.0F;
  for (float& value : rows.row(2999)) value = 0.0F;
  expect_error<InvalidArgument>([&] { normalize_rows(rows); }, {"row 2222", "norm 0", "euclidean"});
}

TEST(Vectors, ColumnMeans) {
  // Three blocks of 1,024 rows; a mean far above the spread.
  Matrix<float> rows = normal_matrix(2500, 7, 3);
  for (std::int64_t i = 0; i < rows.rows(); ++i) rows(i, 2) += 1e6F;
  const std::vector<double> mean = column_means(rows);
  ASSERT_EQ(mean.size(), 7U);
  for (std::int64_t j = 0; j < 7; ++j) {
    long double sum = 0.0L;
    long double sizes = 0.0L;
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      sum += rows(i, j);
      sizes += std::abs(rows(i, j));
    }
    // n roundings in double of partial sums that are at most the sum of sizes: over n, 2^-53 sizes.
    EXPECT_NEAR(mean[static_cast<std::size_t>(j)], static_cast<double>(sum / 2500.0L),
                static_cast<double>(0x1p-52L * sizes));
  }
}

TEST(Vectors, CovarianceOfAKnownPair) {
  const Matrix<float> rows = matrix_of(4, 2, {1, 10, 2, 30, 3, 20, 6, 40});
  const std::vector<double> mean = column_means(rows);
  EXPECT_EQ(mean, (std::vector<double>{3, 25}));
  // Deviations (-2, -15), (-1, 5), (0, -5), (3, 15), divided by n = 4.
  EXPECT_EQ(values_of_doubles(covariance(rows, mean)), (std::vector<double>{3.5, 17.5, 17.5, 125}));
}

class Covariances : public ::testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {};

TEST_P(Covariances, AgreeWithLongDouble) {
  const auto [n, d] = GetParam();
  Matrix<float> rows = normal_matrix(n, d, 4);
  for (std::int64_t i = 0; i < n; ++i) {
    rows(i, 0) += 100.0F;                     // a mean to be taken out
    rows(i, d - 1) += 0.5F * rows(i, d / 2);  // correlated columns
  }
  const std::vector<double> mean = column_means(rows);
  const Matrix<double> result = covariance(rows, mean);
  ASSERT_EQ(result.rows(), d);
  ASSERT_EQ(result.cols(), d);
  // A few rows of the result: [d, d] in full takes long double too long.
  for (const std::int64_t a : {std::int64_t{0}, d / 2, d - 1}) {
    for (std::int64_t b = 0; b < d; ++b) {
      long double sum = 0.0L;
      long double sizes = 0.0L;
      for (std::int64_t i = 0; i < n; ++i) {
        const long double term =
            (rows(i, a) - static_cast<long double>(mean[static_cast<std::size_t>(a)])) *
            (rows(i, b) - static_cast<long double>(mean[static_cast<std::size_t>(b)]));
        sum += term;
        sizes += std::abs(term);
      }
      // Float32 products over blocks of at most 1,024 rows: (1024 + 3) 2^-24 of the sizes.
      const auto bound = static_cast<double>(1027 * 0x1p-24L * sizes / n);
      ASSERT_NEAR(result(a, b), static_cast<double>(sum / n), bound) << a << ", " << b;
      ASSERT_EQ(result(a, b), result(b, a));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Vectors, Covariances,
                         ::testing::Values(std::pair{1, 1}, std::pair{3, 5}, std::pair{1025, 7},
                                           std::pair{2100, 300}, std::pair{40, 513}),
                         [](const auto& test) {
                           return std::to_string(test.param.first) + "x" +
                                  std::to_string(test.param.second);
                         });

TEST(Vectors, SameBitsForAnyNumberOfThreads) {
  const Matrix<float> rows = normal_matrix(3333, 301, 5);
  std::vector<std::vector<double>> norms;
  std::vector<std::vector<double>> means;
  std::vector<std::vector<double>> covariances;
  std::vector<std::vector<float>> units;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    norms.push_back(row_norms(rows));
    units.push_back(values_of(normalize_rows(rows)));
    means.push_back(column_means(rows));
    covariances.push_back(values_of_doubles(covariance(rows, means.back())));
  }
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(norms[i], norms[0]);
    EXPECT_EQ(units[i], units[0]);
    EXPECT_EQ(means[i], means[0]);
    EXPECT_EQ(covariances[i], covariances[0]);
  }
}

TEST(Vectors, CovarianceCanBeCancelled) {
  const Matrix<float> rows = normal_matrix(3000, 20, 6);
  StoppingProgress progress(0);
  EXPECT_THROW(covariance(rows, column_means(rows), progress), Interrupted);
}

}  // namespace
}  // namespace winnow::numerics
