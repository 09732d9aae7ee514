#include "train/views.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace winnow::train {
namespace {

constexpr io::ImageShape image{32, 24, 3};

SelfSupervisedOptions options_for(SelfSupervision method) {
  return resolve({.method = method, .small_crops = 3, .seed = Seed{4}}, image, 1000);
}

TEST(DrawViews, TwoFullOnesThenSmallOnes) {
  const auto views = draw_views(options_for(SelfSupervision::swav), image, 300, 5);
  ASSERT_EQ(views.size(), 5U);
  for (std::size_t v = 0; v < views.size(); ++v) {
    EXPECT_EQ(views[v].full(image), v < 2);
    EXPECT_EQ(views[v].shape, (v < 2 ? image : io::ImageShape{12, 12, 3}));
    ASSERT_EQ(views[v].placements.size(), 300U);
    for (const Placement& placement : views[v].placements) {
      const double area = static_cast<double>(placement.height * placement.width) / (32.0 * 24.0);
      // Sides are rounded: half a pixel each of at least 6 x 6.
      EXPECT_GT(area, (v < 2 ? 0.25 : 0.15) * 0.8);
      EXPECT_LT(area, v < 2 ? 1.0001 : 0.25 * 1.2);
      EXPECT_GE(placement.top, 0);
      EXPECT_LE(placement.top + placement.height, 32);
      EXPECT_LE(placement.left + placement.width, 24);
    }
  }
  EXPECT_EQ(draw_views(options_for(SelfSupervision::simclr), image, 9, 5).size(), 2U);
}

TEST(DrawViews, EveryViewHasItsOwnOrder) {
  const auto views = draw_views(options_for(SelfSupervision::swav), image, 50, 0);
  std::vector<std::int64_t> all(50);
  std::iota(all.begin(), all.end(), std::int64_t{0});
  for (const BatchView& view : views) {
    EXPECT_TRUE(std::is_permutation(all.begin(), all.end(), view.order.begin()));
    EXPECT_NE(view.order, all);
  }
  EXPECT_NE(views[0].order, views[1].order);
}

TEST(DrawViews, ColoursChangeAsOftenAsAsked) {
  SelfSupervisedOptions options = options_for(SelfSupervision::simclr);
  double grey = 0.0;
  double jittered = 0.0;
  double mirrored = 0.0;
  const auto views = draw_views(options, image, 5000, 1);
  for (const BatchView& view : views) {
    for (const Placement& placement : view.placements) {
      grey += placement.grey ? 1e-4 : 0.0;
      jittered += placement.hue != 0.0F ? 1e-4 : 0.0;
      mirrored += placement.mirrored ? 1e-4 : 0.0;
      EXPECT_LE(std::abs(placement.hue), 0.1F);
      EXPECT_LE(std::abs(placement.brightness - 1.0F), 0.4001F);
    }
  }
  // 5 standard errors of 10,000 trials are at most 0.025.
  EXPECT_NEAR(grey, 0.2, 0.025);
  EXPECT_NEAR(jittered, 0.8, 0.025);
  EXPECT_NEAR(mirrored, 0.5, 0.025);
}

TEST(DrawViews, DependOnSeedAndStepOnly) {
  SelfSupervisedOptions options = options_for(SelfSupervision::swav);
  const auto lefts = [&](std::int64_t step) {
    std::vector<int> values;
    for (const auto& view : draw_views(options, image, 20, step)) {
      for (const auto& placement : view.placements) values.push_back(placement.left);
    }
    return values;
  };
  const auto first = lefts(7);
  EXPECT_EQ(first, lefts(7));
  EXPECT_NE(first, lefts(8));
  options.seed = Seed{5};
  EXPECT_NE(first, lefts(7));
}

}  // namespace
}  // namespace winnow::train
