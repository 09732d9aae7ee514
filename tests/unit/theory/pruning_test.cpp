#include "winnow/theory/pruning.hpp"

#include <gtest/gtest.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "theory/gaussian.hpp"
#include "unit/support.hpp"
#include "unit/theory/fixture_table.hpp"
#include "winnow/core/error.hpp"

namespace winnow::theory {
namespace {

using testing::FixtureTable;
using winnow::testing::expect_error;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Policy policy_of(const std::string& name) { return parse_enum<Policy>("policy", name); }

/// E w(s) by quadrature of the density 2 phi(s) Phi(s cot theta).
double kept_share(const Pruning& pruning) {
  double sum = 0.0;
  for (const Band& band : pruning.bands()) {
    const auto density = [&](double s) {
      return 2.0 * phi(s) * Phi(s * pruning.cosine() / pruning.sine());
    };
    const double low = std::max(band.low, -9.0), high = std::min(band.high, 9.0);
    const auto pieces = static_cast<int>(std::ceil((high - low) / 0.25));
    for (int piece = 0; piece < pieces; ++piece) {
      const double at = low + 0.25 * piece;
      sum += band.weight * boost::math::quadrature::gauss_kronrod<double, 31>::integrate(
                               density, at, std::min(at + 0.25, high), 10, 1e-14);
    }
  }
  return sum;
}

TEST(MarginThreshold, AbsoluteMarginsToTheLastBits) {
  for (double keep : {1e-6, 1e-4, 0.01, 0.3, 0.5, 0.9, 0.999}) {
    for (double angle : {0.0, 30.0, 90.0}) {
      const double hard = margin_threshold(Policy::hard, Margin::absolute, keep, angle);
      EXPECT_NEAR(std::erf(hard / std::numbers::sqrt2) / keep, 1.0, 1e-14) << keep;
      const double easy = margin_threshold(Policy::easy, Margin::absolute, keep, angle);
      EXPECT_NEAR(std::erfc(easy / std::numbers::sqrt2) / keep, 1.0, 2e-14) << keep;
    }
  }
}

TEST(MarginThreshold, SignedMarginsMeetThirtyDigitArithmetic) {
  const FixtureTable table("margin_thresholds.csv");
  ASSERT_EQ(table.size(), 40U);
  for (std::size_t row = 0; row < table.size(); ++row) {
    const double angle = table.number(row, "probe_angle"), keep = table.number(row, "keep");
    const double g =
        margin_threshold(policy_of(table.text(row, "policy")), Margin::times_label, keep, angle);
    const double exact = table.number(row, "threshold");
    // Absolute accuracy 1e-14 of P, over the density there.
    const double slope =
        angle == 90.0 ? 0.5 : Phi(exact / std::tan(angle * std::numbers::pi / 180.0));
    EXPECT_NEAR(g, exact, 1e-14 / (2.0 * phi(exact) * slope))
        << table.text(row, "policy") << ' ' << keep << ' ' << angle;
  }
}

TEST(MarginThreshold, SignedIsAbsoluteForAPerfectProbe) {
  for (Policy policy : {Policy::hard, Policy::easy}) {
    EXPECT_EQ(margin_threshold(policy, Margin::times_label, 0.3, 0.0),
              margin_threshold(policy, Margin::absolute, 0.3, 0.0));
  }
}

TEST(MarginThreshold, EverythingStays) {
  for (double angle : {0.0, 45.0, 90.0}) {
    for (Margin margin : {Margin::absolute, Margin::times_label}) {
      EXPECT_EQ(margin_threshold(Policy::hard, margin, 1.0, angle), infinity);
      EXPECT_EQ(margin_threshold(Policy::easy, margin, 1.0, angle), -infinity);
      EXPECT_EQ(margin_threshold(Policy::random, margin, 0.2, angle), infinity);
      for (Policy policy : {Policy::hard, Policy::easy, Policy::random}) {
        const auto all = Pruning::of(policy, margin, 1.0, angle);
        ASSERT_EQ(all.bands().size(), 1U);
        EXPECT_EQ(all.bands()[0].low, angle == 0.0 ? 0.0 : -infinity);
        EXPECT_EQ(all.bands()[0].high, infinity);
        EXPECT_TRUE(all.is_random());
        EXPECT_TRUE(all.is_exact());
      }
    }
  }
}

TEST(MarginProbability, KnownValues) {
  for (double angle : {0.0, 10.0, 45.0, 90.0}) {
    EXPECT_EQ(margin_probability(-infinity, angle), 0.0);
    EXPECT_EQ(margin_probability(infinity, angle), 1.0);
    // P(s < 0) = theta / pi: labels the probe gets wrong
    EXPECT_NEAR(margin_probability(0.0, angle), angle / 180.0, 1e-15);
  }
  EXPECT_EQ(margin_probability(-1.0, 0.0), 0.0);
  EXPECT_DOUBLE_EQ(margin_probability(1.0, 0.0), std::erf(1.0 / std::numbers::sqrt2));
  // labels unrelated to the probe
  EXPECT_NEAR(margin_probability(0.7, 90.0), Phi(0.7), 1e-15);
}

TEST(PruningOf, KeepsItsShare) {
  for (Policy policy : {Policy::hard, Policy::easy, Policy::random}) {
    for (Margin margin : {Margin::absolute, Margin::times_label}) {
      for (double angle : {5.0, 37.0, 90.0}) {
        for (double keep : {0.02, 0.5, 0.97, 1.0}) {
          const auto pruning = Pruning::of(policy, margin, keep, angle);
          EXPECT_EQ(pruning.keep(), keep);
          EXPECT_NEAR(kept_share(pruning), keep, 3e-14)
              << enum_name(policy) << ' ' << enum_name(margin) << ' ' << angle << ' ' << keep;
        }
      }
    }
  }
}

TEST(PruningOf, BandsOfEachPolicy) {
  const auto hard = Pruning::of(Policy::hard, Margin::absolute, 0.4, 30.0);
  const double g = margin_threshold(Policy::hard, Margin::absolute, 0.4, 30.0);
  ASSERT_EQ(hard.bands().size(), 1U);
  EXPECT_EQ(hard.bands()[0].low, -g);
  EXPECT_EQ(hard.bands()[0].high, g);
  EXPECT_FALSE(hard.is_exact());

  const auto easy = Pruning::of(Policy::easy, Margin::absolute, 0.4, 30.0);
  ASSERT_EQ(easy.bands().size(), 2U);
  EXPECT_EQ(easy.bands()[0].low, -infinity);
  EXPECT_EQ(easy.bands()[0].high, -easy.bands()[1].low);
  EXPECT_EQ(easy.bands()[1].high, infinity);

  const auto random = Pruning::of(Policy::random, Margin::times_label, 0.4, 30.0);
  ASSERT_EQ(random.bands().size(), 1U);
  EXPECT_EQ(random.bands()[0].weight, 0.4);
  EXPECT_TRUE(random.is_exact());
}

TEST(PruningOf, PerfectProbeHasNoNegativeMargins) {
  for (Margin margin : {Margin::absolute, Margin::times_label}) {
    const auto hard = Pruning::of(Policy::hard, margin, 0.4, 0.0);
    ASSERT_EQ(hard.bands().size(), 1U);
    EXPECT_EQ(hard.bands()[0].low, 0.0);
    EXPECT_NEAR(std::erf(hard.bands()[0].high / std::numbers::sqrt2), 0.4, 1e-15);
    const auto easy = Pruning::of(Policy::easy, margin, 0.4, 0.0);
    ASSERT_EQ(easy.bands().size(), 1U);
    EXPECT_EQ(easy.bands()[0].high, infinity);
    EXPECT_TRUE(easy.is_exact());
    EXPECT_FALSE(easy.is_random());
  }
}

TEST(PruningOf, RightAngle) {
  const auto pruning = Pruning::of(Policy::hard, Margin::times_label, 0.4, 90.0);
  EXPECT_EQ(pruning.cosine(), 0.0);
  EXPECT_EQ(pruning.sine(), 1.0);
  EXPECT_NEAR(Phi(pruning.bands()[0].high), 0.4, 1e-15);
}

TEST(PruningOfBands, ModerateAndStratified) {
  const auto moderate = Pruning::of_bands({{0.3, 0.9}}, Margin::absolute, 20.0);
  ASSERT_EQ(moderate.bands().size(), 2U);
  EXPECT_EQ(moderate.bands()[0].low, -0.9);
  EXPECT_EQ(moderate.bands()[0].high, -0.3);
  EXPECT_EQ(moderate.bands()[1].low, 0.3);
  const double within = std::erf(0.9 / std::numbers::sqrt2) - std::erf(0.3 / std::numbers::sqrt2);
  EXPECT_NEAR(moderate.keep(), within, 1e-15);
  EXPECT_NEAR(kept_share(moderate), within, 1e-14);

  const auto stratified =
      Pruning::of_bands({{0.0, 0.4, 1.0}, {0.4, infinity, 0.15}}, Margin::absolute, 20.0);
  ASSERT_EQ(stratified.bands().size(), 3U);  // both halves of |z| < 0.4 are one band
  EXPECT_EQ(stratified.bands()[1].low, -0.4);
  EXPECT_EQ(stratified.bands()[1].high, 0.4);
  EXPECT_NEAR(kept_share(stratified), stratified.keep(), 1e-14);

  const auto of_signed =
      Pruning::of_bands({{-infinity, -0.1, 0.5}, {0.2, 1.0, 0.7}}, Margin::times_label, 50.0);
  EXPECT_NEAR(kept_share(of_signed), of_signed.keep(), 1e-14);
  const auto at_zero = Pruning::of_bands({{-1.0, -0.1}, {-0.05, 0.5}}, Margin::times_label, 0.0);
  ASSERT_EQ(at_zero.bands().size(), 1U);
  EXPECT_EQ(at_zero.bands()[0].low, 0.0);
}

TEST(PruningOfBands, EqualNeighboursMakeOneBand) {
  const auto all =
      Pruning::of_bands({{0.0, 0.5, 0.3}, {0.5, infinity, 0.3}}, Margin::absolute, 20.0);
  ASSERT_EQ(all.bands().size(), 1U);
  EXPECT_TRUE(all.is_random());
  EXPECT_NEAR(all.keep(), 0.3, 1e-15);
}

TEST(Pruning, RefusesSharesAndAnglesOutOfRange) {
  for (double keep : {0.0, -0.1, 1.0000001, not_a_number}) {
    expect_error<InvalidArgument>([&] { Pruning::of(Policy::hard, Margin::absolute, keep, 10.0); },
                                  {"keep = ", "(0, 1]"});
    expect_error<InvalidArgument>(
        [&] { margin_threshold(Policy::random, Margin::times_label, keep, 10.0); }, {"keep = "});
  }
  for (double angle : {-1.0, 90.5, not_a_number}) {
    expect_error<InvalidArgument>(
        [&] { Pruning::of(Policy::easy, Margin::times_label, 0.5, angle); },
        {"probe-angle = ", "[0, 90]"});
    expect_error<InvalidArgument>(
        [&] {
          Pruning::of_bands({{0.0, 1.0}}, Margin::absolute, angle);
        },
        {"probe-angle = "});
    expect_error<InvalidArgument>([&] { margin_probability(0.5, angle); }, {"probe-angle = "});
  }
}

TEST(Pruning, RefusesBandsThatAreNone) {
  const auto refuse = [](const std::vector<Band>& bands, const std::vector<std::string>& parts,
                         Margin margin = Margin::absolute, double angle = 20.0) {
    expect_error<InvalidArgument>([&] { Pruning::of_bands(bands, margin, angle); }, parts);
  };
  refuse({}, {"bands = none"});
  refuse({{-0.1, 0.5}}, {"-0.1:0.5:1", "begins at 0"});
  refuse({{0.0, 0.5}, {0.4, 0.9}}, {"0.4:0.9:1", "begins at 0.5", "ascending"});
  refuse({{0.5, 0.5}}, {"0.5:0.5:1", "low < high"});
  refuse({{0.5, 0.2}}, {"low < high"});
  refuse({{not_a_number, 1.0}}, {"nan:1:1"});
  refuse({{0.0, not_a_number}}, {"0:nan:1"});
  refuse({{0.0, 1.0, 0.0}}, {"0:1:0", "weight in (0, 1]"});
  refuse({{0.0, 1.0, 1.5}}, {"0:1:1.5", "weight in (0, 1]"});
  refuse({{0.0, 1.0, not_a_number}}, {"weight in (0, 1]"});
  refuse({{-2.0, -1.0}}, {"keep no example"}, Margin::times_label, 0.0);
  refuse({{50.0, 60.0}}, {"keep no example"});
}

}  // namespace
}  // namespace winnow::theory
