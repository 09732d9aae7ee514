#include "report/distribution.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "winnow/core/rng.hpp"

namespace winnow::report {
namespace {

std::int64_t total(const std::vector<Bin>& bins) {
  std::int64_t sum = 0;
  for (const auto& bin : bins) sum += bin.kept + bin.dropped;
  return sum;
}

TEST(Histogram, CountsEveryScoreOnceInItsBin) {
  RandomStream random(Seed{1}, "histogram");
  std::vector<double> scores(5000);
  std::vector<std::uint8_t> kept(scores.size());
  for (auto& score : scores) score = -3.0 + 7.0 * random.uniform();
  for (auto& flag : kept) flag = random.below(3) == 0 ? 1 : 0;
  const auto bins = histogram(scores, kept, 40);
  EXPECT_EQ(total(bins), 5000);
  for (std::size_t b = 0; b < bins.size(); ++b) {
    std::int64_t n_kept = 0;
    std::int64_t n_dropped = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (scores[i] < bins[b].low || scores[i] >= bins[b].high) continue;
      ++(kept[i] != 0 ? n_kept : n_dropped);
    }
    EXPECT_EQ(bins[b].kept, n_kept) << b;
    EXPECT_EQ(bins[b].dropped, n_dropped) << b;
  }
}

TEST(Histogram, EdgesAreRoundAndTheirNumberIsAboutWhatWasAsked) {
  const std::vector<double> scores = {0.013, 0.5, 0.887};
  const auto bins = histogram(scores, {}, 60);
  EXPECT_DOUBLE_EQ(bins.front().low, 0.0);
  EXPECT_DOUBLE_EQ(bins.front().high - bins.front().low, 0.02);
  EXPECT_EQ(bins.size(), 45U);
  EXPECT_EQ(bins.back().kept, 1);
}

TEST(Histogram, ScoresThatAreAllEqualFallIntoOneBin) {
  for (const double value : {0.0, 0.3, -1e9, 1e-300}) {
    const std::vector<double> scores(7, value);
    const auto bins = histogram(scores, {}, 60);
    ASSERT_EQ(bins.size(), 1U) << value;
    EXPECT_EQ(bins[0].kept, 7);
    EXPECT_LE(bins[0].low, value);
    EXPECT_GT(bins[0].high, value);
  }
  EXPECT_TRUE(histogram({}, {}, 60).empty());
}

// numpy.quantile([1, 2, 4, 8, 16], [.05, .25, .5, .75, .95])
TEST(Spread, InterpolatesAsNumPyDoes) {
  const Spread spread = spread_of({16.0, 1.0, 4.0, 2.0, 8.0});
  EXPECT_DOUBLE_EQ(spread.p5, 1.2);
  EXPECT_DOUBLE_EQ(spread.p25, 2.0);
  EXPECT_DOUBLE_EQ(spread.median, 4.0);
  EXPECT_DOUBLE_EQ(spread.p75, 8.0);
  EXPECT_DOUBLE_EQ(spread.p95, 14.4);
  EXPECT_DOUBLE_EQ(spread_of({3.0}).p95, 3.0);
}

TEST(Groups, AreSortedByScoreThenId) {
  const std::vector<std::int64_t> index = {1, 0, 1, 1, 3};
  const std::vector<double> scores = {0.5, 0.1, 0.2, 0.5, 0.0};
  const auto groups = group_by(index, {"zero", "one"}, "class", scores);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].name, "zero");
  EXPECT_EQ(groups[1].name, "one");
  EXPECT_EQ(groups[1].members, (std::vector<std::int64_t>{2, 0, 3}));
  EXPECT_EQ(groups[2].name, "class 3");
}

TEST(Groups, TheLargestStayInOrderOfIndex) {
  const std::vector<std::int64_t> index = {0, 1, 1, 2, 3, 3, 3};
  const std::vector<double> scores(index.size(), 0.0);
  const auto groups = largest_groups(group_by(index, {}, "c", scores), 3);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].index, 0);  // as large as group 2, but earlier
  EXPECT_EQ(groups[1].index, 1);
  EXPECT_EQ(groups[2].index, 3);
}

}  // namespace
}  // namespace winnow::report
