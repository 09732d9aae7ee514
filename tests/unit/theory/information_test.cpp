#include "winnow/theory/information.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>

#include "theory/gaussian.hpp"
#include "theory/information_integrals.hpp"
#include "unit/support.hpp"
#include "unit/theory/fixture_table.hpp"
#include "winnow/core/error.hpp"

namespace winnow::theory {
namespace {

using testing::FixtureTable;
using winnow::testing::expect_error;

Pruning keeping(Policy policy, double keep) {
  return Pruning::of(policy, Margin::absolute, keep, 0.0);
}

/// "hard 0.5" or "bands 0.3:0.9:1;..."
Pruning pruning_of(const std::string& text) {
  const auto space = text.find(' ');
  const std::string name = text.substr(0, space), values = text.substr(space + 1);
  if (name != "bands") return keeping(parse_enum<Policy>("policy", name), std::stod(values));
  std::vector<Band> bands;
  std::stringstream parts(values);
  for (std::string part; std::getline(parts, part, ';');) {
    const auto first = part.find(':'), second = part.find(':', first + 1);
    bands.push_back(
        {std::stod(part), std::stod(part.substr(first + 1)), std::stod(part.substr(second + 1))});
  }
  return Pruning::of_bands(bands, Margin::absolute, 0.0);
}

class InformationFixture : public ::testing::TestWithParam<std::size_t> {};

TEST_P(InformationFixture, MeetsThirtyDigitArithmetic) {
  const FixtureTable table("information.csv");
  ASSERT_EQ(table.size(), 16U);
  const std::size_t row = GetParam();
  SCOPED_TRACE(table.text(row, "pruning") + ", alpha " + table.text(row, "alpha_prune"));
  const auto found =
      information(pruning_of(table.text(row, "pruning")), table.number(row, "alpha_prune"));
  ASSERT_TRUE(found.converged);
  const auto expect = [&](const char* column, double value, double bound) {
    const double exact = table.number(row, column);
    EXPECT_NEAR(value, exact, 1e-10 * std::abs(exact)) << column;
    EXPECT_NEAR(value, exact, bound + 2e-16 * std::abs(exact)) << column;
  };
  const auto& bound = found.error_bound;
  expect("keep", found.keep, 1e-15);
  expect("R", found.R, bound.R);
  expect("q", found.q, bound.q);
  expect("epsilon_gibbs", found.epsilon_gibbs, bound.epsilon_gibbs);
  expect("epsilon_bayes", found.epsilon_bayes, bound.epsilon_bayes);
  expect("entropy", found.entropy, bound.entropy);
  expect("information", found.information, bound.information);
  EXPECT_NEAR(found.A / table.number(row, "A"), 1.0, 1e-11);
  EXPECT_NEAR(found.zeta / table.number(row, "zeta"), 1.0, 1e-11);
}

INSTANTIATE_TEST_SUITE_P(Mpmath, InformationFixture, ::testing::Range<std::size_t>(0, 16));

TEST(Information, NothingPrunedMakesStudentsAsCloseToEachOtherAsToTheTeacher) {
  for (double alpha : {1e-3, 0.1, 1.0, 2.0, 10.0, 1e3, 1e5}) {
    for (double keep : {1.0, 0.3}) {
      const auto found = information(keeping(Policy::random, keep), alpha);
      ASSERT_TRUE(found.converged);
      EXPECT_NEAR(found.q / found.R, 1.0, 1e-13) << alpha;
      // the same of 1 - R and 1 - q, where they are small: zeta^2 = R
      EXPECT_NEAR(found.zeta * found.zeta / found.R, 1.0, 1e-12) << alpha;
      ASSERT_TRUE(found.paper_closure.exists);
      EXPECT_NEAR(found.paper_closure.R / found.R, 1.0, 1e-12) << alpha;
      EXPECT_NEAR(found.paper_closure.epsilon / found.epsilon_gibbs, 1.0, 1e-9) << alpha;
      EXPECT_NEAR(found.paper_closure.entropy / found.entropy, 1.0, 1e-10) << alpha;
      EXPECT_NEAR(found.paper_closure.information / found.information, 1.0, 1e-9) << alpha;
      EXPECT_NEAR(found.paper_closure.information_at_exact_R / found.information, 1.0, 1e-12);
    }
  }
}

TEST(Information, IsMinusTheSlopeOfTheEntropy) {
  for (Policy policy : {Policy::random, Policy::hard, Policy::easy}) {
    for (double keep : {0.5, 0.1}) {
      for (double alpha : {0.1, 1.0, 1.9, 5.0}) {
        const auto pruning = keeping(policy, keep);
        const double h = 4e-4 * alpha;
        const auto S = [&](double steps) {
          return information(pruning, alpha + steps * h).entropy;
        };
        const double slope = (S(-2) - 8.0 * S(-1) + 8.0 * S(1) - S(2)) / (12.0 * h);
        const double exact = information(pruning, alpha).information;
        // The formula leaves h^4 S^(5) / 30, and S has an error of 1e-14 of its terms over h.
        EXPECT_NEAR(-slope / exact, 1.0, 5e-10) << enum_name(policy) << ' ' << keep << ' ' << alpha;
      }
    }
  }
}

/// Monte Carlo in the version space at N = 150, 12 sets of examples; standard errors are over
/// those.
TEST(Information, AgreesWithSampledVersionSpaces) {
  const auto expect = [](double value, double sampled, double standard_error) {
    EXPECT_NEAR(value, sampled, 3.0 * standard_error);
  };
  const auto fifth = information(keeping(Policy::hard, 0.2), 1.0);
  expect(fifth.q, 0.579, 0.006);
  expect(fifth.R, 0.182, 0.009);
  expect(fifth.information, 1.079, 0.009);
  const auto half = information(keeping(Policy::hard, 0.5), 1.0);
  expect(half.q, 0.553, 0.003);
  expect(half.R, 0.358, 0.010);
  expect(half.information, 0.849, 0.008);
  expect(information(keeping(Policy::hard, 0.5), 3.0).information, 0.339, 0.011);
  expect(information(keeping(Policy::random, 1.0), 2.0).information, 0.376, 0.004);
}

TEST(Information, ManyExamplesOfFixedFraction) {
  for (double keep : {1.0, 0.3}) {
    const auto found = information(keeping(Policy::hard, keep), 1e5);
    EXPECT_NEAR(found.epsilon_gibbs * found.alpha_tot, 0.624658192, 1e-9);
    EXPECT_NEAR(found.epsilon_bayes * found.alpha_tot, 0.441700044, 1e-9);
    EXPECT_NEAR(found.information * found.alpha_prune, 1.0, 1e-8);
  }
}

TEST(Information, HoldsItsOwnIdentityEverywhere) {
  for (Policy policy : {Policy::hard, Policy::easy}) {
    for (double keep : {0.9, 0.3, 1e-2, 1e-4}) {
      double last_error = 0.5;
      for (double alpha : {1e-3, 0.03, 0.7, 1.9, 1.99, 2.0, 2.01, 2.2, 7.0, 1e2, 1e4, 1e5}) {
        const auto found = information(keeping(policy, keep), alpha);
        SCOPED_TRACE(fmt::format("{} {} {}", enum_name(policy), keep, alpha));
        EXPECT_TRUE(found.converged);
        EXPECT_LT(found.residual, 1e-13);
        EXPECT_LT(found.identity_error, 1e-12);
        EXPECT_LT(found.epsilon_gibbs, last_error);
        EXPECT_LT(found.epsilon_bayes, found.epsilon_gibbs);
        EXPECT_GT(found.information, 0.0);
        EXPECT_LT(found.error_bound.epsilon_gibbs, 1e-9 * found.epsilon_gibbs);
        last_error = found.epsilon_gibbs;
      }
    }
  }
}

TEST(Information, DivergesAlongTheFrontierWhileTheClosureTendsToOneNat) {
  struct Row {
    double alpha, exact, closure;
  };
  for (const Row& row : {Row{1.25, 0.52, 0.51}, Row{1.5, 0.57, 0.53}, Row{1.75, 0.73, 0.60},
                         Row{1.9, 1.11, 0.70}, Row{1.95, 1.63, 0.78}, Row{1.98, 2.90, 0.86}}) {
    const auto error = [&](double log_keep) {
      return information(keeping(Policy::hard, std::exp(log_keep)), row.alpha).epsilon_gibbs;
    };
    const double best = boost::math::tools::brent_find_minima(error, std::log(0.02), 0.0, 20).first;
    const auto found = information(keeping(Policy::hard, std::exp(best)), row.alpha);
    EXPECT_NEAR(found.information, row.exact, 0.005) << row.alpha;
    EXPECT_NEAR(found.paper_closure.information_at_exact_R, row.closure, 0.005) << row.alpha;
  }
}

TEST(Closure, TendsToOneNatWhenLittleIsKeptBeforeTheStudentIsGood) {
  const auto hardest = keeping(Policy::hard, 1e-6);
  EXPECT_DOUBLE_EQ(closure_information(hardest, 0.0), std::numbers::ln2);
  for (double R : {1e-6, 0.3, 0.9, 0.999}) {
    const double limit = boost::math::quadrature::gauss_kronrod<double, 61>::integrate(
        [&](double t) { return -phi(t) * log_Phi(std::sqrt(R) * t); }, -12.0, 12.0, 15, 1e-13);
    // A z < 1.3e-6 A of the argument is neglected.
    EXPECT_NEAR(closure_information(hardest, R), limit, 1e-6 * R / std::sqrt(1.0 - R)) << R;
  }
  EXPECT_NEAR(closure_information(hardest, 0.9), 0.97015, 1e-5);
  EXPECT_NEAR(closure_information(hardest, 0.9999), 1.0, 1e-4);
  // the other order of limits
  EXPECT_LT(closure_information(keeping(Policy::hard, 0.1), 1.0 - 1e-9), 0.01);
}

TEST(Closure, IsFarOffOnceDataIsPruned) {
  const auto found = information(keeping(Policy::hard, 0.2), 1.0);
  EXPECT_NEAR(found.information, 1.061, 5e-4);
  EXPECT_NEAR(found.paper_closure.information_at_exact_R, 0.729, 5e-4);
  EXPECT_NEAR(closure_information(keeping(Policy::hard, 0.2), found.R),
              found.paper_closure.information_at_exact_R, 1e-13);
  EXPECT_FALSE(found.paper_closure.exists);
  EXPECT_TRUE(std::isnan(found.paper_closure.R));
}

TEST(Closure, ItsEntropyIsStationary) {
  for (Policy policy : {Policy::hard, Policy::easy}) {
    for (double alpha : {3.0, 20.0}) {
      const auto pruning = keeping(policy, 0.5);
      const auto closure = information(pruning, alpha).paper_closure;
      ASSERT_TRUE(closure.exists);
      const auto S = [&](double R) {
        return 0.5 * (std::log1p(-R) + R) - alpha * closure_information(pruning, R);
      };
      EXPECT_NEAR(S(closure.R), closure.entropy, 1e-13);
      EXPECT_NEAR(closure_information(pruning, closure.R), closure.information, 1e-13);
      EXPECT_NEAR(std::cos(std::numbers::pi * closure.epsilon), closure.R, 1e-14);
      const double h = 1e-4 * (1.0 - closure.R);
      EXPECT_NEAR((S(closure.R + h) - S(closure.R - h)) / (2.0 * h), 0.0, 1e-5);
    }
  }
}

TEST(Information, RandomSelectionDoesNotCareForTheProbe) {
  const auto at_zero = information(Pruning::of(Policy::random, Margin::absolute, 0.4, 0.0), 3.0);
  const auto at_sixty =
      information(Pruning::of(Policy::random, Margin::times_label, 0.4, 60.0), 3.0);
  EXPECT_EQ(at_zero.entropy, at_sixty.entropy);
  EXPECT_EQ(at_zero.alpha_tot, 7.5);
}

/// A band cut in two parts, which other integrals than the whole's make up.
TEST(VersionSpace, AddsUpOverBands) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (double A : {1e-4, 0.3, 2.0, 50.0}) {
    for (double zeta : {0.03, 1.0, 40.0}) {
      const std::vector<Band> whole = {{0.0, infinity}};
      const std::vector<Band> parts = {{0.0, 1e-3}, {1e-3, 0.4}, {0.4, 2.1}, {2.1, infinity}};
      const auto one = version_space(whole, A, zeta), sum = version_space(parts, A, zeta);
      EXPECT_NEAR(sum.alignment / one.alignment, 1.0, 1e-13) << A << ' ' << zeta;
      EXPECT_NEAR(sum.overlap / one.overlap, 1.0, 1e-13) << A << ' ' << zeta;
      EXPECT_NEAR(sum.log_volume / one.log_volume, 1.0, 1e-13) << A << ' ' << zeta;
      EXPECT_NEAR(((1.0 + zeta * zeta) * one.overlap - A * one.alignment) / one.square, 1.0, 1e-9)
          << A << ' ' << zeta;
    }
  }
}

TEST(Information, RefusesWhatItCannotSolve) {
  expect_error<InvalidArgument>(
      [] { information(Pruning::of(Policy::hard, Margin::absolute, 0.5, 20.0), 1.0); },
      {"probe-angle = 20", "expected 0", "random"});
  const auto pruning = keeping(Policy::hard, 0.5);
  expect_error<InvalidArgument>([&] { information(pruning, 0.0); }, {"alpha-prune = 0"});
  expect_error<InvalidArgument>([&] { information(pruning, std::nan("")); }, {"alpha-prune = nan"});
  expect_error<InvalidArgument>([&] { information(pruning, 1e8); }, {"alpha-prune = 100000000"});
  expect_error<InvalidArgument>([&] { closure_information(pruning, 1.0); }, {"R = 1", "[0, 1)"});
  expect_error<InvalidArgument>([&] { closure_information(pruning, std::nan("")); }, {"R = nan"});
}

}  // namespace
}  // namespace winnow::theory
