#include "winnow/numerics/symmetric_eigen.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::numerics {
namespace {

using testing::expect_error;
using testing::Threads;

/// Second differences on a path of n nodes: 2 on the diagonal, -1 beside it. Its eigenvalues are
/// 2 - 2 cos(pi j / (n + 1)), j = 1 .. n.
Matrix<double> path_laplacian(std::int64_t n) {
  Matrix<double> a(n, n);
  for (std::int64_t i = 0; i < n; ++i) {
    a(i, i) = 2.0;
    if (i > 0) a(i, i - 1) = a(i - 1, i) = -1.0;
  }
  return a;
}

Matrix<double> random_symmetric(std::int64_t n, std::uint64_t seed) {
  RandomStream random(Seed{seed}, "symmetric");
  Matrix<double> a(n, n);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = i; j < n; ++j) a(i, j) = a(j, i) = random.normal();
  }
  return a;
}

double largest_entry(const Matrix<double>& a) {
  double largest = 0.0;
  for (std::int64_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a.data()[i]));
  return largest;
}

/// Residuals, orthonormality, order and sign of whatever was found. LAPACK's backward error is a
/// modest multiple of n eps |A|; |A| <= n max |a_ij|.
void expect_eigenpairs(const Matrix<double>& a, const SymmetricEigen& eigen) {
  const std::int64_t n = a.rows();
  const auto count = static_cast<std::int64_t>(eigen.values.size());
  ASSERT_EQ(eigen.vectors.rows(), count);
  ASSERT_EQ(eigen.vectors.cols(), n);
  const double dn = static_cast<double>(n);
  const double bound = 10.0 * dn * 0x1p-52 * dn * largest_entry(a);
  for (std::int64_t k = 0; k < count; ++k) {
    const double lambda = eigen.values[static_cast<std::size_t>(k)];
    if (k > 0) {
      EXPECT_LE(lambda, eigen.values[static_cast<std::size_t>(k - 1)]);
    }
    double peak = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
      double residual = -lambda * eigen.vectors(k, i);
      for (std::int64_t j = 0; j < n; ++j) residual += a(i, j) * eigen.vectors(k, j);
      ASSERT_NEAR(residual, 0.0, bound) << "pair " << k;
      if (std::abs(eigen.vectors(k, i)) > std::abs(peak)) peak = eigen.vectors(k, i);
    }
    EXPECT_GT(peak, 0.0) << "sign of vector " << k;
    for (std::int64_t other = 0; other <= k; ++other) {
      double product = 0.0;
      for (std::int64_t i = 0; i < n; ++i) product += eigen.vectors(k, i) * eigen.vectors(other, i);
      ASSERT_NEAR(product, k == other ? 1.0 : 0.0, 100.0 * dn * 0x1p-52) << k << ", " << other;
    }
  }
}

TEST(SymmetricEigen, PathLaplacianInClosedForm) {
  for (const std::int64_t n : {1, 2, 3, 10, 57}) {
    const Matrix<double> a = path_laplacian(n);
    const SymmetricEigen eigen = largest_eigenpairs(a, n);
    expect_eigenpairs(a, eigen);
    for (std::int64_t k = 0; k < n; ++k) {
      const double angle =
          std::numbers::pi * static_cast<double>(n - k) / static_cast<double>(n + 1);
      EXPECT_NEAR(eigen.values[static_cast<std::size_t>(k)], 2.0 - 2.0 * std::cos(angle), 1e-13);
    }
  }
}

TEST(SymmetricEigen, TheLargestFewAreThoseOfTheWhole) {
  const Matrix<double> a = random_symmetric(40, 1);
  const SymmetricEigen all = largest_eigenpairs(a, 40);
  const SymmetricEigen few = largest_eigenpairs(a, 7);
  expect_eigenpairs(a, all);
  expect_eigenpairs(a, few);
  ASSERT_EQ(few.values.size(), 7U);
  for (std::size_t k = 0; k < 7; ++k) EXPECT_NEAR(few.values[k], all.values[k], 1e-12);
  double trace = 0.0;
  double sum = 0.0;
  for (std::int64_t i = 0; i < 40; ++i) trace += a(i, i);
  for (const double value : all.values) sum += value;
  EXPECT_NEAR(sum, trace, 1e-11);
}

TEST(SymmetricEigen, RepeatedEigenvaluesHaveOrthogonalVectors) {
  // I + ones: n + 1 once, 1 repeated n - 1 times.
  Matrix<double> a(25, 25);
  for (std::int64_t i = 0; i < 25; ++i) {
    for (std::int64_t j = 0; j < 25; ++j) a(i, j) = i == j ? 2.0 : 1.0;
  }
  const SymmetricEigen eigen = largest_eigenpairs(a, 25);
  expect_eigenpairs(a, eigen);
  EXPECT_NEAR(eigen.values.front(), 26.0, 1e-12);
  for (std::size_t k = 1; k < 25; ++k) EXPECT_NEAR(eigen.values[k], 1.0, 1e-12);
  expect_eigenpairs(Matrix<double>(6, 6), largest_eigenpairs(Matrix<double>(6, 6), 6));
}

TEST(SymmetricEigen, NegativeDefiniteStartsNearestToZero) {
  Matrix<double> a(3, 3);
  a(0, 0) = -5.0;
  a(1, 1) = -1.0;
  a(2, 2) = -3.0;
  const SymmetricEigen eigen = largest_eigenpairs(a, 2);
  EXPECT_NEAR(eigen.values[0], -1.0, 1e-14);
  EXPECT_NEAR(eigen.values[1], -3.0, 1e-14);
  EXPECT_NEAR(eigen.vectors(0, 1), 1.0, 1e-14);
  EXPECT_NEAR(eigen.vectors(1, 2), 1.0, 1e-14);
}

TEST(SymmetricEigen, ReadsTheUpperTriangle) {
  Matrix<double> a = path_laplacian(5);
  const SymmetricEigen expected = largest_eigenpairs(a, 5);
  for (std::int64_t i = 0; i < 5; ++i) {
    for (std::int64_t j = 0; j < i; ++j) a(i, j) = 1e6;
  }
  EXPECT_EQ(largest_eigenpairs(a, 5).values, expected.values);
}

TEST(SymmetricEigen, SameBitsForAnyNumberOfThreads) {
  const Matrix<double> a = random_symmetric(150, 2);
  std::vector<std::vector<double>> values;
  std::vector<std::vector<double>> vectors;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    const SymmetricEigen eigen = largest_eigenpairs(a, 60);
    values.push_back(eigen.values);
    vectors.emplace_back(eigen.vectors.data(), eigen.vectors.data() + eigen.vectors.size());
  }
  EXPECT_EQ(values[1], values[0]);
  EXPECT_EQ(values[2], values[0]);
  EXPECT_EQ(vectors[1], vectors[0]);
  EXPECT_EQ(vectors[2], vectors[0]);
}

TEST(SymmetricEigen, RejectsWhatHasNoEigenpairs) {
  expect_error<InvalidArgument>([] { largest_eigenpairs(Matrix<double>(2, 3), 1); }, {"[2, 3]"});
  expect_error<InvalidArgument>([] { largest_eigenpairs(Matrix<double>(0, 0), 1); }, {"[0, 0]"});
  expect_error<InvalidArgument>([] { largest_eigenpairs(Matrix<double>(3, 3), 0); }, {"0 pairs"});
  expect_error<InvalidArgument>([] { largest_eigenpairs(Matrix<double>(3, 3), 4); }, {"4 pairs"});
}

}  // namespace
}  // namespace winnow::numerics
