#include "winnow/theory/max_margin.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::theory {
namespace {

using testing::expect_error;

Matrix<double> rows_of(std::int64_t rows, std::int64_t cols, const std::vector<double>& values) {
  Matrix<double> z(rows, cols);
  std::copy(values.begin(), values.end(), z.data());
  return z;
}

/// Gaussian rows that a teacher along the first axis has signed.
Matrix<double> teacher_rows(std::int64_t n, std::int64_t p, std::uint64_t seed) {
  Matrix<double> z(p, n);
  RandomStream random(Seed{seed}, "max-margin-test");
  for (std::int64_t i = 0; i < p; ++i) {
    for (double& value : z.row(i)) value = random.normal();
    z(i, 0) = std::abs(z(i, 0));
  }
  return z;
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// The Karush-Kuhn-Tucker conditions: J is feasible, a positive combination of the support alone,
/// and the support lies on the margin. They prove that J is the maximum-margin direction.
void expect_optimal(MatrixView<const double> z, const MaxMarginResult& result, double tolerance) {
  EXPECT_TRUE(result.converged);
  ASSERT_GT(result.kappa, 0.0);
  EXPECT_NEAR(dot(result.J, result.J), 1.0, 1e-14);
  for (std::int64_t i = 0; i < z.rows(); ++i) {
    ASSERT_GE(dot(z.row(i), result.J), result.kappa * (1.0 - tolerance)) << "row " << i;
  }
  ASSERT_EQ(result.dual.size(), result.support.size());
  std::vector<double> combination(result.J.size(), 0.0);
  for (std::size_t k = 0; k < result.support.size(); ++k) {
    const auto row = z.row(result.support[k]);
    EXPECT_GT(result.dual[k], 0.0);
    EXPECT_NEAR(dot(row, result.J), result.kappa, tolerance * result.kappa);
    for (std::size_t j = 0; j < row.size(); ++j) combination[j] += result.dual[k] * row[j];
  }
  for (std::size_t j = 0; j < combination.size(); ++j) {
    EXPECT_NEAR(combination[j] * result.kappa, result.J[j], tolerance) << "column " << j;
  }
}

TEST(MaxMargin, OneRowIsItsOwnDirection) {
  const auto result = max_margin(rows_of(1, 3, {3.0, 0.0, -4.0}));
  EXPECT_NEAR(result.kappa, 5.0, 1e-14);
  EXPECT_NEAR(result.J[0], 0.6, 1e-15);
  EXPECT_NEAR(result.J[2], -0.8, 1e-15);
  EXPECT_TRUE(result.polished);
}

TEST(MaxMargin, TwoAxesGiveTheirBisector) {
  const auto result = max_margin(rows_of(3, 2, {1.0, 0.0, 0.0, 1.0, 2.0, 2.0}));
  EXPECT_NEAR(result.kappa, std::numbers::sqrt2 / 2, 1e-14);
  EXPECT_EQ(result.support, (std::vector<std::int64_t>{0, 1}));
  EXPECT_NEAR(result.dual[0], 1.0, 1e-13);
}

TEST(MaxMargin, InOneDimensionTheNearestPointDecides) {
  const auto result = max_margin(rows_of(4, 1, {-3.0, -0.5, -2.0, -0.75}));
  EXPECT_NEAR(result.kappa, 0.5, 1e-14);
  EXPECT_EQ(result.J, std::vector<double>{-1.0});
  EXPECT_EQ(result.support, std::vector<std::int64_t>{1});
}

// Points (cos t, sin t) on an arc from t1 to t2: the bisector, with margin cos((t2 - t1) / 2).
TEST(MaxMargin, AnArcIsCutByItsBisector) {
  Matrix<double> z(41, 2);
  for (std::int64_t i = 0; i < 41; ++i) {
    const double t = 0.3 + 2.9 * static_cast<double>(i) / 40.0;
    z(i, 0) = std::cos(t);
    z(i, 1) = std::sin(t);
  }
  const auto result = max_margin(z);
  EXPECT_NEAR(result.kappa, std::cos(1.45), 1e-13);
  EXPECT_NEAR(std::atan2(result.J[1], result.J[0]), 1.75, 1e-13);
}

struct Reference {
  std::int64_t n = 0, p = 0;
  std::uint64_t seed = 0;
  std::int64_t repeat = 0;
  double kappa = 0.0;
  std::vector<double> J;
};

std::vector<Reference> references() {
  std::ifstream file(WINNOW_FIXTURES "/max_margin.csv");
  std::vector<Reference> found;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::ranges::replace(line, ',', ' ');
    std::istringstream words(line);
    Reference reference;
    words >> reference.n >> reference.p >> reference.seed >> reference.repeat >> reference.kappa;
    for (double value = 0.0; words >> value;) reference.J.push_back(value);
    found.push_back(reference);
  }
  return found;
}

/// The rows of make_max_margin.py.
Matrix<double> points(const Reference& reference) {
  Matrix<double> z(reference.p * reference.repeat, reference.n);
  std::uint64_t state = reference.seed;
  for (std::int64_t i = 0; i < reference.p; ++i) {
    const auto row = z.row(i * reference.repeat);
    for (double& value : row) {
      state = state * 48271 % 2147483647;
      value = 2.0 * static_cast<double>(state) / 2147483647.0 - 1.0;
    }
    row[0] = std::abs(row[0]);
    for (std::int64_t k = 1; k < reference.repeat; ++k) {
      std::ranges::copy(row, z.row(i * reference.repeat + k).begin());
    }
  }
  return z;
}

// Lawson and Hanson's answers are good to about 1e-13.
TEST(MaxMargin, AgreesWithNonNegativeLeastSquares) {
  const auto all = references();
  ASSERT_EQ(all.size(), 9U);
  for (const Reference& reference : all) {
    SCOPED_TRACE(::testing::Message() << "N " << reference.n << " P " << reference.p);
    const Matrix<double> z = points(reference);
    const auto result = max_margin(z);
    EXPECT_TRUE(result.converged);
    EXPECT_NEAR(result.kappa, reference.kappa, 2e-10 * reference.kappa);
    // |J - J*|^2 <= 2 (1 - kappa / bound): without the polish, 1e-10 of the gap is 1.4e-5 of J.
    const double tolerance = result.polished ? 1e-9 : 2e-5;
    ASSERT_EQ(result.J.size(), reference.J.size());
    for (std::size_t j = 0; j < result.J.size(); ++j) {
      EXPECT_NEAR(result.J[j], reference.J[j], tolerance);
    }
  }
}

TEST(MaxMargin, MeetsTheConditionsOfOptimality) {
  for (const auto& [n, p] : {std::pair{40, 20}, {40, 40}, {40, 120}, {150, 1500}, {33, 1300}}) {
    SCOPED_TRACE(::testing::Message() << "N " << n << " P " << p);
    const Matrix<double> z = teacher_rows(n, p, 5);
    const auto result = max_margin(z);
    EXPECT_TRUE(result.polished);
    EXPECT_LT(std::abs(result.relative_gap), 1e-11);
    expect_optimal(z, result, 1e-10);
  }
}

TEST(MaxMargin, RowsOfVeryDifferentLengths) {
  Matrix<double> z = teacher_rows(30, 200, 8);
  for (std::int64_t i = 0; i < z.rows(); ++i) {
    const double scale = std::pow(10.0, static_cast<double>(i % 5) - 2.0);
    for (double& value : z.row(i)) value *= scale;
  }
  expect_optimal(z, max_margin(z), 1e-9);
}

TEST(MaxMargin, ScalesWithTheRows) {
  Matrix<double> z = teacher_rows(20, 100, 9);
  const double kappa = max_margin(z).kappa;
  for (double& value : std::span(z.data(), static_cast<std::size_t>(z.size()))) value *= 1e6;
  EXPECT_NEAR(max_margin(z).kappa, 1e6 * kappa, 1e-4 * kappa);
}

TEST(MaxMargin, RepeatedRowsChangeNothing) {
  const Matrix<double> once = teacher_rows(50, 150, 10);
  Matrix<double> thrice(450, 50);
  for (std::int64_t i = 0; i < 450; ++i) {
    std::ranges::copy(once.row(i % 150), thrice.row(i).begin());
  }
  const auto expected = max_margin(once);
  const auto result = max_margin(thrice);
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(result.kappa, expected.kappa, 2e-10 * expected.kappa);
}

// Fewer directions than columns: rows in a subspace, a column of zeros, P below N.
TEST(MaxMargin, RowsOfLowRank) {
  const Matrix<double> small = teacher_rows(6, 80, 11);
  Matrix<double> z(80, 25);
  for (std::int64_t i = 0; i < 80; ++i) {
    for (std::int64_t j = 0; j < 25; ++j) z(i, j) = j < 18 ? small(i, j % 6) : 0.0;
  }
  const auto result = max_margin(z);
  expect_optimal(z, result, 1e-9);
  // Every coordinate stands three times: the same problem stretched by sqrt(3).
  EXPECT_NEAR(result.kappa, std::sqrt(3.0) * max_margin(small).kappa, 1e-9);
}

TEST(MaxMargin, WhatCannotBeSeparatedIsSaidInTheResult) {
  Matrix<double> z = teacher_rows(10, 60, 12);
  for (std::int64_t i = 0; i < 60; i += 4) {
    for (double& value : z.row(i)) value = -value;
  }
  const auto result = max_margin(z);
  EXPECT_FALSE(result.converged);
  EXPECT_LE(result.kappa, 0.0);
  EXPECT_LT(result.bound, 1e-6);
  const auto opposite = max_margin(rows_of(2, 2, {1.0, 2.0, -1.0, -2.0}));
  EXPECT_FALSE(opposite.converged);
  EXPECT_LE(opposite.kappa, 0.0);
}

TEST(MaxMargin, TheGapIsHonestWhenStepsRunOut) {
  const Matrix<double> z = teacher_rows(60, 400, 13);
  const double best = max_margin(z).kappa;
  double last = 0.0;
  for (const std::int32_t steps : {1, 3, 6, 9}) {
    const auto result = max_margin(z, {.max_iterations = steps});
    EXPECT_LE(result.kappa, best * (1.0 + 1e-12));
    EXPECT_GE(result.bound, best * (1.0 - 1e-12));
    EXPECT_NEAR(result.relative_gap, (result.bound - result.kappa) / result.bound, 1e-12);
    EXPECT_EQ(result.converged, result.relative_gap <= 1e-10 && result.kappa > 0.0);
    EXPECT_EQ(result.iterations, steps);
    last = result.relative_gap;
  }
  EXPECT_LT(last, 1.0);
}

TEST(MaxMargin, AWiderGapTakesFewerSteps) {
  const Matrix<double> z = teacher_rows(60, 600, 19);
  const auto exact = max_margin(z);
  for (const double gap : {0.3, 0.03, 1e-3}) {
    const auto result = max_margin(z, {.tolerance = gap});
    EXPECT_TRUE(result.converged);
    EXPECT_LE(result.relative_gap, gap);
    EXPECT_GE(result.kappa, (1.0 - gap) * exact.kappa);
    EXPECT_LT(result.iterations, exact.iterations);
  }
}

TEST(MaxMargin, AWarmStartGivesTheSameAnswerInFewerSteps) {
  const Matrix<double> z = teacher_rows(80, 800, 14);
  const auto cold = max_margin(z);
  const auto same = max_margin(z, {}, &cold);
  EXPECT_EQ(same.iterations, 0);
  EXPECT_NEAR(same.kappa, cold.kappa, 1e-13);

  const auto fewer = max_margin(z.view().block(0, 790));
  const auto warm = max_margin(z, {}, &fewer);
  expect_optimal(z, warm, 1e-10);
  EXPECT_NEAR(warm.kappa, cold.kappa, 1e-12);
  EXPECT_LT(warm.iterations, cold.iterations);
}

TEST(MaxMargin, AWrongWarmStartIsOnlySlower) {
  const Matrix<double> z = teacher_rows(40, 300, 15);
  const auto other = max_margin(teacher_rows(40, 300, 16));
  expect_optimal(z, max_margin(z, {}, &other), 1e-10);
}

TEST(MaxMargin, SameBitsForAnyThreadCount) {
  const Matrix<double> z = teacher_rows(300, 1500, 17);
  std::vector<MaxMarginResult> results;
  for (const int count : {1, 2, 3}) {
    const testing::Threads threads(count);
    results.push_back(max_margin(z));
  }
  EXPECT_EQ(results[0].J, results[1].J);
  EXPECT_EQ(results[0].J, results[2].J);
  EXPECT_EQ(results[0].dual, results[1].dual);
  EXPECT_EQ(results[0].kappa, results[2].kappa);
}

TEST(MaxMargin, CallersMistakes) {
  const Matrix<double> z = teacher_rows(4, 6, 18);
  expect_error<InvalidArgument>([] { max_margin(Matrix<double>(0, 3)); }, {"[0, 3]"});
  expect_error<InvalidArgument>([&] { max_margin(z, {.tolerance = 0.0}); }, {"gap = 0", "(0, 1)"});
  expect_error<InvalidArgument>([&] { max_margin(z, {.max_iterations = 0}); },
                                {"max-iterations = 0"});
  Matrix<double> bad = teacher_rows(4, 6, 18);
  bad(3, 2) = std::nan("");
  expect_error<NonFiniteInput>([&] { max_margin(bad); }, {"row 3 column 2", "nan"});
  const auto narrow = max_margin(teacher_rows(3, 6, 18));
  expect_error<InvalidArgument>([&] { max_margin(z, {}, &narrow); }, {"3 columns", "[6, 4]"});
  testing::StoppingProgress stop(0);
  EXPECT_THROW(max_margin(z, {}, nullptr, stop), Interrupted);
}

}  // namespace
}  // namespace winnow::theory
