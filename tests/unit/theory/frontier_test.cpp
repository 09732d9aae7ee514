#include "winnow/theory/frontier.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::theory {

namespace {

using testing::expect_error;

TEST(Frontier, KnownOptimaBelowTwo) {
  // alpha_prune, f_opt, epsilon: an independent computation's digits.
  const double known[][3] = {{1.0, 0.950, 0.26413}, {1.25, 0.855, 0.23611},
                             {1.5, 0.693, 0.20630}, {1.75, 0.446, 0.16836},
                             {1.9, 0.234, 0.13140}, {1.99, 0.0433, 0.07259}};
  std::vector<double> alphas;
  for (const auto& row : known) alphas.push_back(row[0]);
  const auto points = frontier({}, alphas, {});
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_TRUE(points[i].interior);
    EXPECT_NEAR(points[i].best.keep / known[i][1], 1.0, 2e-3) << alphas[i];
    EXPECT_NEAR(points[i].best.epsilon, known[i][2], 6e-6) << alphas[i];
  }
}

TEST(Frontier, NoOptimumFromTwoOnWithAPerfectProbe) {
  const std::vector<double> alphas = {2.1, 3.0, 5.0};
  const double scaling[] = {1.096, 0.529, 0.5006};
  const auto points = frontier({}, alphas, {});
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_FALSE(points[i].interior);
    EXPECT_DOUBLE_EQ(points[i].best.keep, 1e-4);
    EXPECT_NEAR(points[i].best.epsilon * points[i].best.alpha_tot, scaling[i], 6e-4) << alphas[i];
  }
}

TEST(Frontier, LimitsDecide) {
  const std::vector<double> alphas = {3.0};
  const auto by_keep = frontier({}, alphas, {.min_keep = 0.25});
  EXPECT_DOUBLE_EQ(by_keep.front().best.keep, 0.25);
  const auto by_total = frontier({}, alphas, {.max_alpha_tot = 30.0});
  EXPECT_NEAR(by_total.front().best.keep, 0.1, 1e-15);
  EXPECT_LT(by_total.front().best.epsilon, by_keep.front().best.epsilon);
  const auto all = frontier({}, alphas, {.max_alpha_tot = 3.0});
  EXPECT_DOUBLE_EQ(all.front().best.keep, 1.0);
  expect_error<InvalidArgument>([&] { frontier({}, alphas, {.max_alpha_tot = 2.0}); },
                                {"max-alpha-tot = 2", "alpha-prune = 3"});
  expect_error<InvalidArgument>([&] { frontier({}, alphas, {.min_keep = 0.0}); }, {"min-keep"});
}

TEST(Frontier, ImperfectProbesHaveAnOptimumAndFollowTheirAsymptotics) {
  // g_opt -> 1.794 sin(theta) a^(-1/3), epsilon -> (c0 sin(theta) / a) (1 + .805 cos^2 a^(-2/3))
  const double a = 1000.0;
  const double sine = std::sin(10.0 * M_PI / 180.0);
  const auto point = frontier({.probe_angle = 10.0}, std::vector<double>{a}, {}).front();
  ASSERT_TRUE(point.interior);
  const double threshold = margin_threshold(Policy::hard, Margin::absolute, point.best.keep, 10.0);
  EXPECT_NEAR(threshold / (1.794 * sine * std::cbrt(1.0 / a)), 1.0, 0.01);
  EXPECT_NEAR(point.best.epsilon / (0.500488931777 * sine / a), 1.0081, 2e-4);
}

TEST(Frontier, IsNowhereAboveTheCurves) {
  const Setting setting{.probe_angle = 20.0};
  const std::vector<double> alphas = {0.5, 2.0, 8.0};
  const std::vector<double> keeps = {0.05, 0.2, 0.5, 0.8, 1.0};
  const auto best = frontier(setting, alphas, {});
  const auto grid = curves(setting, Alpha::kept, alphas, keeps);
  for (std::size_t k = 0; k < keeps.size(); ++k) {
    for (std::size_t i = 0; i < alphas.size(); ++i) {
      const auto& point = grid[k * alphas.size() + i];
      EXPECT_DOUBLE_EQ(point.keep, keeps[k]);
      EXPECT_DOUBLE_EQ(point.alpha_prune, alphas[i]);
      EXPECT_LE(best[i].best.epsilon, point.epsilon * (1.0 + 1e-12));
    }
  }
}

TEST(SmallestKeep, DoublesTheBestError) {
  const Setting setting{.probe_angle = 10.0};
  const auto found = smallest_keep(setting, std::vector<double>{4.0, 20.0});
  for (const auto& point : found) {
    ASSERT_TRUE(point.found);
    EXPECT_LT(point.smallest.keep, point.best.keep);
    EXPECT_NEAR(point.smallest.epsilon / point.best.epsilon, 2.0, 1e-8);
  }
  EXPECT_LT(found[1].smallest.keep, found[0].smallest.keep);
  // Linear in theta.
  const auto half = smallest_keep({.probe_angle = 5.0}, std::vector<double>{4.0}).front();
  EXPECT_NEAR(half.smallest.keep / found[0].smallest.keep, 0.5, 0.06);
}

TEST(Curves, TakeTotalOrKept) {
  const std::vector<double> alphas = {4.0, 10.0};
  const std::vector<double> keeps = {0.5};
  const auto total = curves({}, Alpha::total, alphas, keeps);
  EXPECT_DOUBLE_EQ(total[1].alpha_tot, 10.0);
  EXPECT_DOUBLE_EQ(total[1].alpha_prune, 5.0);
}

}  // namespace

}  // namespace winnow::theory
