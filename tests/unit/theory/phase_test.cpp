#include "winnow/theory/phase.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/support.hpp"

namespace winnow::theory {

namespace {

// Where hard overtakes easy, to the digits of an independent computation.
TEST(Crossings, HardOvertakesEasyWithAPerfectProbe) {
  const std::vector<std::pair<double, double>> known = {
      {0.01, 199.8}, {0.05, 39.96}, {0.1, 20.11},  {0.2, 10.341}, {0.3, 7.2064}, {0.4, 5.7554},
      {0.5, 5.0481}, {0.6, 4.9325}, {0.7, 6.1412}, {0.8, 9.6654}, {0.9, 19.874}, {0.95, 40.02}};
  for (const auto& [keep, alpha] : known) {
    const auto found = crossings(Policy::hard, Policy::easy, Margin::absolute, 0.0, keep);
    ASSERT_EQ(found.size(), 1U) << keep;
    EXPECT_NEAR(found.front() / alpha, 1.0, 2e-4) << keep;
  }
}

TEST(Crossings, HalfKeptIsKnownToMoreDigits) {
  EXPECT_NEAR(crossings(Policy::hard, Policy::easy, Margin::absolute, 0.0, 0.5).front(), 5.048,
              5e-4);
}

TEST(Crossings, TendToTwoOverF) {
  const double keep = 0.002;
  EXPECT_NEAR(crossings(Policy::hard, Policy::easy, Margin::absolute, 0.0, keep).front() * keep,
              2.0, 5e-3);
}

TEST(Crossings, HardOvertakesRandom) {
  for (const auto& [keep, alpha] : std::vector<std::pair<double, double>>{
           {0.05, 38.7}, {0.1, 18.7}, {0.2, 8.80}, {0.4, 3.88}, {0.5, 2.91}, {0.7, 1.78}}) {
    EXPECT_NEAR(
        crossings(Policy::hard, Policy::random, Margin::absolute, 0.0, keep).front() / alpha, 1.0,
        4e-3)
        << keep;
  }
}

TEST(Crossings, ImperfectProbesMoveThem) {
  EXPECT_NEAR(crossings(Policy::hard, Policy::easy, Margin::absolute, 10.0, 0.3).front(), 8.27,
              0.01);
  EXPECT_NEAR(crossings(Policy::hard, Policy::easy, Margin::absolute, 20.0, 0.5).front(), 4.31,
              0.01);
}

TEST(Crossings, EasyAlwaysBeatsRandomWithAPerfectProbe) {
  EXPECT_TRUE(crossings(Policy::easy, Policy::random, Margin::absolute, 0.0, 0.3).empty());
}

TEST(Phase, KeepsEasyWhenScarceAndHardWhenPlenty) {
  const std::vector<double> alphas = {1.0, 5.0, 5.1, 50.0};
  const std::vector<double> keeps = {0.5, 1.0};
  const auto points = phase(Margin::absolute, 0.0, alphas, keeps);
  ASSERT_EQ(points.size(), 8U);
  EXPECT_EQ(points[0].best, Policy::easy);
  EXPECT_EQ(points[1].best, Policy::easy);
  EXPECT_EQ(points[2].best, Policy::hard);
  EXPECT_EQ(points[3].best, Policy::hard);
  EXPECT_EQ(points[3].alpha_tot, 50.0);
  EXPECT_EQ(points[3].keep, 0.5);
  for (std::size_t i = 4; i < 8; ++i) EXPECT_EQ(points[i].best, Policy::random) << "all is kept";
  for (const auto& point : points) EXPECT_TRUE(point.converged);
}

TEST(Phase, SameBitsForAnyThreadCount) {
  const std::vector<double> alphas = {1.0, 10.0};
  const std::vector<double> keeps = {0.1, 0.2, 0.5, 0.9};
  const testing::Threads one(1);
  const auto alone = phase(Margin::times_label, 15.0, alphas, keeps);
  const testing::Threads more(4);
  const auto together = phase(Margin::times_label, 15.0, alphas, keeps);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ(alone[i].hard, together[i].hard);
    EXPECT_EQ(alone[i].easy, together[i].easy);
    EXPECT_EQ(alone[i].random, together[i].random);
  }
}

}  // namespace

}  // namespace winnow::theory
