#include "theory/gaussian.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/theory/fixture_table.hpp"

namespace winnow::theory {
namespace {

using testing::FixtureTable;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// The density's exponent is rounded to half an epsilon of y^2 / 2, with 0.5 for `share`, before
/// exp sees it; y / sqrt(2) in erfc to one epsilon, which is y^2 epsilon of the result. Ten more
/// roundings, relative.
double tolerance(double y, double share) { return (5.0 + share * y * y) * epsilon; }

class GaussianFixture : public ::testing::Test {
 protected:
  /// Every row with y in [low, high], relative to the exact value.
  template <class F>
  void expect(const char* column, double low, const F& f, double share = 0.5) const {
    int n_rows = 0;
    for (std::size_t row = 0; row < table_.size(); ++row) {
      const double y = table_.number(row, "y");
      if (y < low) continue;
      ++n_rows;
      const double exact = table_.number(row, column);
      EXPECT_NEAR(f(y), exact, tolerance(std::max(y, -37.0), share) * std::abs(exact))
          << column << ' ' << y;
    }
    EXPECT_GT(n_rows, 300);
  }
  FixtureTable table_{"gaussian_50_digits.csv"};
};

TEST_F(GaussianFixture, Psi) {
  expect("psi0", -37.0, [](double y) { return psi(y).zero; });
  expect("psi1", -37.0, [](double y) { return psi(y).one; });
  expect("psi2", -37.0, [](double y) { return psi(y).two; });
  expect("psi3", -37.0, psi3);
  expect("psi0", -37.0, Phi, 1.0);
}

/// Right of 0 nothing grows with y but the polynomials: no more than ten roundings.
TEST_F(GaussianFixture, PsiOfPositiveNumbersToTheLastBits) {
  for (std::size_t row = 0; row < table_.size(); ++row) {
    const double y = table_.number(row, "y");
    if (y < 0.0) continue;
    EXPECT_NEAR(psi(y).zero / table_.number(row, "psi0"), 1.0, 5e-15) << y;
    EXPECT_NEAR(psi(y).one / table_.number(row, "psi1"), 1.0, 5e-15) << y;
    EXPECT_NEAR(psi(y).two / table_.number(row, "psi2"), 1.0, 5e-15) << y;
    EXPECT_NEAR(psi3(y) / table_.number(row, "psi3"), 1.0, 5e-15) << y;
  }
}

TEST_F(GaussianFixture, LogPhiAndInverseMillsRatio) {
  const double infinity = std::numeric_limits<double>::infinity();
  expect("log_Phi", -infinity, log_Phi, 1.0);
  expect("inverse_mills", -infinity, inverse_mills);
  expect("log_Phi", -infinity, [](double y) { return log_Phi_jet(y).value; });
  expect("inverse_mills", -infinity, [](double y) { return log_Phi_jet(y).one; });
  for (std::size_t row = 0; row < table_.size(); ++row) {
    const double y = table_.number(row, "y");
    if (y > 0.0) continue;
    // No density is left in these ratios.
    EXPECT_NEAR(inverse_mills(y) / table_.number(row, "inverse_mills"), 1.0, 5e-15) << y;
    EXPECT_NEAR(log_Phi(y) / table_.number(row, "log_Phi"), 1.0, 5e-15) << y;
  }
}

/// (f(y - 2h) - 8 f(y - h) + 8 f(y + h) - f(y + 2h)) / 12 h
template <class F>
double slope(const F& f, double y, double h) {
  return (f(y - 2.0 * h) - 8.0 * f(y - h) + 8.0 * f(y + h) - f(y + 2.0 * h)) / (12.0 * h);
}

TEST(Gaussian, EachIsTheNextOnesDerivative) {
  for (int i = 0; i <= 162; ++i) {
    const double y = -30.0 + 0.37 * i;
    // Functions change over 1 / |y| in the left tail; the rule leaves h^4 / 30 of the fifth
    // derivative, roundings tolerance / h.
    const double h = 2e-3 / (1.0 + std::max(-y, 0.0));
    const double bound = 1e-10 + 4.0 * tolerance(y, 0.5) / h;
    EXPECT_NEAR(slope(psi3, y, h) / psi(y).two, 1.0, bound * (1.0 + std::abs(y))) << y;
    EXPECT_NEAR(slope([](double v) { return psi(v).two; }, y, h) / (2.0 * psi(y).one), 1.0,
                bound * (1.0 + std::abs(y)))
        << y;
    EXPECT_NEAR(slope([](double v) { return psi(v).one; }, y, h) / psi(y).zero, 1.0,
                bound * (1.0 + std::abs(y)))
        << y;
  }
}

TEST(Gaussian, LogPhiAndItsDerivatives) {
  for (int i = 0; i <= 102; ++i) {
    const double y = -30.0 + 0.37 * i;
    const double h = 1e-2;
    const auto jet = log_Phi_jet(y);
    EXPECT_NEAR(slope(log_Phi, y, h), jet.one, 1e-9 + 1e-13 * y * y / h) << y;
    EXPECT_NEAR(slope(inverse_mills, y, h), jet.two, 1e-8) << y;
    EXPECT_LT(jet.two, 0.0);
    EXPECT_GT(jet.two, -1.0);
  }
  // -two = 1 - 1 / y^2 + 6 / y^4 - ... in the far left tail
  EXPECT_NEAR(1.0 + log_Phi_jet(-100.0).two, 1e-4 - 6e-8, 1e-10);
}

TEST(Gaussian, RecurrenceOfMoments) {
  for (int i = 0; i <= 142; ++i) {
    const double y = 0.21 * i;
    const auto at = psi(y);
    EXPECT_NEAR((y * at.zero + phi(y)) / at.one, 1.0, 4e-15) << y;
    EXPECT_NEAR((y * at.one + at.zero) / at.two, 1.0, 4e-15) << y;
    EXPECT_NEAR((y * at.two + 2.0 * at.one) / (3.0 * psi3(y)), 1.0, 4e-15) << y;
    // and of both tails
    const auto left = psi(-y);
    EXPECT_NEAR(at.one - left.one, y, 4e-15 * (1.0 + y)) << y;
    EXPECT_NEAR(at.two + left.two, 1.0 + y * y, 4e-15 * (1.0 + y * y)) << y;
  }
}

}  // namespace
}  // namespace winnow::theory
