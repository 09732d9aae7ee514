#include "winnow/theory/asymptotics.hpp"

#include <gtest/gtest.h>

#include <boost/math/tools/minima.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "theory/gaussian.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/theory/information.hpp"
#include "winnow/theory/solve.hpp"

namespace winnow::theory {
namespace {

using winnow::testing::expect_error;

constexpr double c0 = 0.500488931777;

double sine_of(double degrees) { return std::sin(degrees * std::numbers::pi / 180.0); }
double cosine_of(double degrees) { return std::cos(degrees * std::numbers::pi / 180.0); }

double error_of(Policy policy, double keep, double angle, double alpha_prune) {
  return solve(Pruning::of(policy, Margin::absolute, keep, angle), alpha_prune).epsilon;
}

TEST(AsymptoticConstants, HaveTheDigitsKnown) {
  const auto& constants = asymptotic_constants();
  EXPECT_NEAR(constants.max_margin_error, 0.500488931777, 5e-13);
  EXPECT_NEAR(constants.max_margin_x, 0.638833215804, 5e-13);
  EXPECT_NEAR(constants.max_margin, 1.00445813, 5e-9);
  EXPECT_NEAR(constants.gibbs_error, 0.624658192, 5e-10);
  EXPECT_NEAR(constants.bayes_error, 0.441700044, 5e-10);
  EXPECT_EQ(constants.critical_alpha, 2.0);
  EXPECT_NEAR(constants.critical_error, 0.1499, 5e-5);
  EXPECT_NEAR(constants.hard_easy_tie, 2.005, 5e-4);
  EXPECT_NEAR(constants.best_threshold, 1.794, 5e-4);
  EXPECT_NEAR(constants.best_correction, 0.805, 5e-4);
  EXPECT_NEAR(constants.least_threshold, 1.167, 5e-4);
  EXPECT_NEAR(constants.instability, 3.2019, 5e-5);
  EXPECT_NEAR(constants.instability_width, 1.27536, 5e-6);
  const double x = constants.max_margin_x;
  EXPECT_NEAR(x * x * x * Phi(x), (1.0 - x * x) * phi(x), 1e-15);
}

TEST(AsymptoticConstants, AreWhatSolutionsTendTo) {
  const auto pruning = Pruning::of(Policy::random, Margin::absolute, 1.0, 0.0);
  const auto found = solve(pruning, 1e6);
  EXPECT_NEAR(found.epsilon * 1e6, asymptotic_constants().max_margin_error, 1e-10);
  EXPECT_NEAR(found.kappa * 1e6, asymptotic_constants().max_margin, 1e-10);
  const auto students = information(pruning, 1e6);
  EXPECT_NEAR(students.epsilon_gibbs * 1e6, asymptotic_constants().gibbs_error, 1e-10);
  EXPECT_NEAR(students.epsilon_bayes * 1e6, asymptotic_constants().bayes_error, 1e-10);
}

TEST(ErrorAmplitude, PerfectProbe) {
  for (double keep : {1.0, 0.6, 0.1, 0.01}) {
    const auto hard = Pruning::of(Policy::hard, Margin::absolute, keep, 0.0);
    EXPECT_NEAR(error_amplitude(hard).value() / keep, c0, 1e-12);
    const auto easy = Pruning::of(Policy::easy, Margin::absolute, keep, 0.0);
    const double expected = solve(easy, 1e6).epsilon * 1e6;
    EXPECT_NEAR(error_amplitude(easy).value() / expected, 1.0, 1e-5) << keep;
    EXPECT_NEAR(error_amplitude(Pruning::of(Policy::random, Margin::absolute, keep, 0.0)).value(),
                c0, 1e-12);
  }
  const double infinity = std::numeric_limits<double>::infinity();
  const auto stratified =
      Pruning::of_bands({{0.0, 0.4, 0.25}, {0.4, infinity, 0.5}}, Margin::absolute, 0.0);
  EXPECT_NEAR(error_amplitude(stratified).value() * 0.25, c0 * stratified.keep(), 1e-12);
  EXPECT_NEAR(solve(stratified, 1e6).epsilon * 1e6, error_amplitude(stratified).value(), 1e-6);
}

TEST(ErrorAmplitude, AbsoluteMarginsDivideByWhatStaysOfTheBoundary) {
  for (double angle : {5.0, 40.0, 90.0}) {
    for (double keep : {0.9, 0.2, 0.01}) {
      const double g = margin_threshold(Policy::hard, Margin::absolute, keep, angle);
      const double share = std::erf(g / sine_of(angle) / std::numbers::sqrt2);
      const auto hard = Pruning::of(Policy::hard, Margin::absolute, keep, angle);
      EXPECT_NEAR(error_amplitude(hard).value() * share / keep, c0, 1e-11) << angle << ' ' << keep;
    }
    const double g = margin_threshold(Policy::easy, Margin::absolute, 0.7, angle);
    const double share = std::erfc(g / sine_of(angle) / std::numbers::sqrt2);
    const auto easy = Pruning::of(Policy::easy, Margin::absolute, 0.7, angle);
    EXPECT_NEAR(error_amplitude(easy).value() * share / 0.7, c0, 1e-11) << angle;
  }
  const auto random = Pruning::of(Policy::random, Margin::absolute, 0.3, 20.0);
  EXPECT_NEAR(error_amplitude(random).value(), c0, 1e-11);
  const auto none = Pruning::of(Policy::easy, Margin::absolute, 0.1, 1.0);
  EXPECT_EQ(error_amplitude(none).value(), std::numeric_limits<double>::infinity());
}

TEST(ErrorAmplitude, IsWhatSolutionsTendTo) {
  struct Case {
    Policy policy;
    Margin margin;
    double keep, angle;
  };
  for (const Case& c : {Case{Policy::hard, Margin::absolute, 0.3, 20.0},
                        Case{Policy::easy, Margin::absolute, 0.7, 40.0},
                        Case{Policy::hard, Margin::times_label, 0.3, 20.0},
                        Case{Policy::hard, Margin::times_label, 0.7, 90.0},
                        Case{Policy::easy, Margin::times_label, 0.95, 20.0}}) {
    const auto pruning = Pruning::of(c.policy, c.margin, c.keep, c.angle);
    const auto found = solve(pruning, 1e6);
    ASSERT_TRUE(found.converged);
    EXPECT_NEAR(found.epsilon * 1e6 / error_amplitude(pruning).value(), 1.0, 1e-4)
        << enum_name(c.policy) << ' ' << enum_name(c.margin) << ' ' << c.keep << ' ' << c.angle;
  }
}

TEST(ErrorAmplitude, NoneWhereOneSideOfTheBoundaryIsLeft) {
  // P(s < 0) = theta / pi = 1 / 9
  const auto hard = [](double keep) {
    return Pruning::of(Policy::hard, Margin::times_label, keep, 20.0);
  };
  const auto easy = [](double keep) {
    return Pruning::of(Policy::easy, Margin::times_label, keep, 20.0);
  };
  EXPECT_FALSE(error_amplitude(hard(0.11)).has_value());
  EXPECT_TRUE(error_amplitude(hard(0.12)).has_value());
  EXPECT_FALSE(error_amplitude(easy(0.88)).has_value());
  EXPECT_TRUE(error_amplitude(easy(0.9)).has_value());
  const double slow = solve(easy(0.5), 1e4).epsilon / solve(easy(0.5), 1e5).epsilon;
  EXPECT_LT(slow, 5.0);
}

TEST(FrontierScaling, HasTheDigitsKnown) {
  EXPECT_NEAR(frontier_scaling(2.1), 1.096, 5e-4);
  EXPECT_NEAR(frontier_scaling(2.5), 0.607, 5e-4);
  EXPECT_NEAR(frontier_scaling(3.0), 0.529, 5e-4);
  EXPECT_NEAR(frontier_scaling(4.0), 0.503, 5e-4);
  EXPECT_NEAR(frontier_scaling(5.0), 0.5006, 5e-5);
  EXPECT_NEAR(frontier_scaling(1e6), c0, 1e-12);
  // Lambda^2 = 6 (a - 2) near 2
  const double near = 2.0 + 1e-6;
  EXPECT_NEAR(frontier_scaling(near) * std::sqrt(6e-6) / (near * phi0), 1.0, 1e-5);
}

TEST(FrontierScaling, IsWhatSolutionsTendTo) {
  for (double alpha : {2.2, 2.7, 4.0, 30.0}) {
    const double keep = 1e-4;
    const double found = error_of(Policy::hard, keep, 0.0, alpha) * alpha / keep;
    EXPECT_NEAR(found / frontier_scaling(alpha), 1.0, 2e-5) << alpha;
  }
}

TEST(Transition, IsWhatSolutionsTendTo) {
  for (double alpha : {1.9995, 2.0, 2.0005}) {
    const double expected = error_of(Policy::hard, 1e-4, 0.0, alpha);
    EXPECT_NEAR(transition_error(alpha, 1e-4) / expected, 1.0, 2e-3) << alpha;
  }
  const double g = margin_threshold(Policy::hard, Margin::absolute, 1e-6, 0.0);
  EXPECT_NEAR(transition_error(2.0, 1e-6) / std::cbrt(g), asymptotic_constants().critical_error,
              1e-5);
}

TEST(Transition, LeastErrorBelowTwo) {
  const auto near = transition_optimum(1.99), nearer = transition_optimum(1.999);
  EXPECT_NEAR(near.keep, 0.0442, 5e-5);
  EXPECT_NEAR(near.epsilon, 0.0720, 5e-5);
  EXPECT_NEAR(nearer.keep, 0.0079, 5e-5);
  EXPECT_NEAR(nearer.epsilon, 0.04049, 5e-6);
  // Exact optima are .07259 and .04060: corrections of relative order (2 - a)^(1/2) / 10.
  const auto error = [](double log_keep) {
    return error_of(Policy::hard, std::exp(log_keep), 0.0, 1.999);
  };
  const auto exact =
      boost::math::tools::brent_find_minima(error, std::log(1e-3), std::log(0.1), 24);
  EXPECT_NEAR(std::exp(exact.first), 0.0078, 5e-5);
  EXPECT_NEAR(exact.second, 0.04060, 5e-6);
  EXPECT_NEAR(nearer.epsilon / exact.second, 1.0, 5e-3);
  EXPECT_NEAR(nearer.threshold, margin_threshold(Policy::hard, Margin::absolute, nearer.keep, 0.0),
              1e-6);
}

TEST(Ties, HardAndEasyAsFTendsToOne) {
  const double keep = 0.999;
  const auto excess = [&](double alpha_tot) {
    return error_of(Policy::hard, keep, 0.0, keep * alpha_tot) /
               error_of(Policy::easy, keep, 0.0, keep * alpha_tot) -
           1.0;
  };
  std::uintmax_t limit = 60;
  const auto tie = boost::math::tools::toms748_solve(
      excess, 1000.0, 4000.0, boost::math::tools::eps_tolerance<double>(20), limit);
  EXPECT_NEAR(tie.first * (1.0 - keep) / asymptotic_constants().hard_easy_tie, 1.0, 2e-3);
}

TEST(BestThreshold, IsWhatTheLeastErrorsTendTo) {
  for (double angle : {10.0, 60.0}) {
    const double alpha = 1e4;
    const auto error = [&](double log_g) {
      return error_of(Policy::hard, std::erf(std::exp(log_g) / std::numbers::sqrt2), angle, alpha);
    };
    const auto expected = best_threshold(angle, alpha);
    const double guess = std::log(expected.threshold);
    const auto exact = boost::math::tools::brent_find_minima(error, guess - 0.5, guess + 0.5, 22);
    EXPECT_NEAR(expected.threshold / std::exp(exact.first), 1.0, 0.01) << angle;
    EXPECT_NEAR(expected.epsilon / exact.second, 1.0, 1e-4) << angle;
    // The correction itself, from the least error.
    const double gain = exact.second * alpha / (c0 * sine_of(angle)) - 1.0;
    EXPECT_NEAR(gain / (asymptotic_constants().best_correction * std::pow(cosine_of(angle), 2) *
                        std::pow(alpha, -2.0 / 3.0)),
                1.0, 0.03)
        << angle;
  }
  EXPECT_NEAR(best_threshold(90.0, 8.0).threshold, asymptotic_constants().best_threshold / 2.0,
              1e-12);
}

TEST(LeastThreshold, DoublesTheError) {
  for (double angle : {10.0, 60.0}) {
    const double alpha = 1e5;
    const auto least = least_threshold(angle, alpha);
    EXPECT_NEAR(error_of(Policy::hard, least.keep, angle, alpha) / least.epsilon, 1.0, 0.02)
        << angle;
  }
}

TEST(Asymptotics, RefuseWhatIsOutOfRange) {
  expect_error<InvalidArgument>([] { frontier_scaling(2.0); }, {"alpha-prune = 2", "(2, "});
  expect_error<InvalidArgument>([] { transition_optimum(2.0); }, {"alpha-prune = 2", "(0, 2)"});
  expect_error<InvalidArgument>([] { transition_error(std::nan(""), 0.1); }, {"alpha-prune = nan"});
  expect_error<InvalidArgument>([] { transition_error(2.0, 1.0); }, {"keep = 1"});
  expect_error<InvalidArgument>([] { best_threshold(0.0, 10.0); }, {"probe-angle = 0"});
  expect_error<InvalidArgument>([] { best_threshold(91.0, 10.0); }, {"probe-angle = 91"});
  expect_error<InvalidArgument>([] { least_threshold(90.0, 10.0); }, {"probe-angle = 90"});
}

}  // namespace
}  // namespace winnow::theory
