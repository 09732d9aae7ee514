#include "winnow/selection/stratified.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {
namespace {

using Ids = std::vector<std::int64_t>;
using testing::expect_error;

const std::vector<std::int32_t> no_labels;

SelectOptions stratified(std::int64_t k, double cut_off, std::int64_t strata,
                         std::uint64_t seed = 0) {
  return {.keep_count = k,
          .policy = Policy::stratified,
          .seed = Seed{seed},
          .stratified = {.cut_off = cut_off, .strata = strata}};
}

/// Algorithm 1 word by word: of the strata left, the one with fewest examples, again and again.
Ids algorithm_one(const Ids& sizes, std::int64_t k) {
  std::set<std::size_t> left;
  for (std::size_t j = 0; j < sizes.size(); ++j) left.insert(j);
  Ids budgets(sizes.size());
  while (!left.empty()) {
    const std::size_t smallest = *std::min_element(
        left.begin(), left.end(), [&](auto a, auto b) { return sizes[a] < sizes[b]; });
    budgets[smallest] = std::min(sizes[smallest], k / static_cast<std::int64_t>(left.size()));
    k -= budgets[smallest];
    left.erase(smallest);
  }
  return budgets;
}

TEST(StrataBudgets, ByHand) {
  // 12 places for 5 strata: the empty one takes none; 12 / 4 = 3 each, 1 has only one; the other
  // three share 11: 3, then 8 / 2 = 4, then 4.
  EXPECT_EQ(strata_budgets(Ids{10, 0, 1, 20, 10}, 12), (Ids{3, 0, 1, 4, 4}));
  EXPECT_EQ(strata_budgets(Ids{5, 5, 5}, 7), (Ids{2, 2, 3}));
  EXPECT_EQ(strata_budgets(Ids{5, 5, 5}, 0), (Ids{0, 0, 0}));
  EXPECT_EQ(strata_budgets(Ids{5, 1, 2}, 8), (Ids{5, 1, 2}));
  EXPECT_EQ(strata_budgets(Ids{7}, 4), (Ids{4}));
}

TEST(StrataBudgets, FollowTheAlgorithmAndAlwaysSumToK) {
  RandomStream stream(Seed{3}, "strata-test");
  for (int trial = 0; trial < 300; ++trial) {
    Ids sizes(1 + stream.below(12));
    for (std::int64_t& size : sizes) size = static_cast<std::int64_t>(stream.below(9));
    const std::int64_t total = std::reduce(sizes.begin(), sizes.end());
    for (std::int64_t k = 0; k <= total; ++k) {
      const Ids budgets = strata_budgets(sizes, k);
      ASSERT_EQ(budgets, algorithm_one(sizes, k));
      ASSERT_EQ(std::reduce(budgets.begin(), budgets.end()), k);
    }
  }
}

TEST(StrataBudgets, PlacesMustBeThere) {
  expect_error<InvalidArgument>([] { strata_budgets(Ids{3, 4}, 8); }, {"k = 8", "[0, 7]"});
  expect_error<InvalidArgument>([] { strata_budgets(Ids{3, 4}, -1); }, {"k = -1", "[0, 7]"});
}

TEST(SelectStratified, ByHand) {
  // The hardest tenth, floor(0.1 * 20) = 2, are ids 18 and 19, however far out. Below are 0 to 17
  // but for 1 to 7: strata of width 17 / 2 hold id 0 and 8 (0, 8) and 9 to 17 (nine).
  std::vector<double> scores(20);
  std::iota(scores.begin(), scores.end(), 0.0);
  scores[18] = 1e9;
  scores[19] = 1e9;
  for (std::size_t i = 1; i < 8; ++i) scores[i] = 17.0;
  const Selection chosen = select(scores, no_labels, 0, stratified(6, 0.1, 2));
  EXPECT_EQ(chosen.details["cut_off_examples"], 2);
  EXPECT_EQ(chosen.details["highest_score_below"], 17.0);
  EXPECT_EQ(chosen.details["strata_sizes"], Json::array({2, 16}));
  EXPECT_EQ(chosen.details["strata_budgets"], Json::array({2, 4}));
  EXPECT_EQ(chosen.ids.size(), 6U);
  EXPECT_EQ(chosen.outcomes[0], Outcome::kept);  // the small stratum stays whole
  EXPECT_EQ(chosen.outcomes[8], Outcome::kept);
  EXPECT_EQ(chosen.outcomes[18], Outcome::cut_off);
  EXPECT_EQ(chosen.outcomes[19], Outcome::cut_off);
  EXPECT_EQ(std::count(chosen.outcomes.begin(), chosen.outcomes.end(), Outcome::dropped), 12);
  EXPECT_EQ(chosen.audit.kept, 6);
  EXPECT_FALSE(chosen.cut.has_value());
}

TEST(SelectStratified, TheCutOffGoesByScoreThenId) {
  // Two of five go: 9, then the first of three eights.
  const std::vector<double> scores = {8, 1, 8, 9, 8};
  const Selection chosen = select(scores, no_labels, 0, stratified(3, 0.4, 50));
  EXPECT_EQ(chosen.ids, (Ids{1, 2, 4}));
  EXPECT_EQ(chosen.outcomes[0], Outcome::cut_off);
  EXPECT_EQ(chosen.outcomes[3], Outcome::cut_off);
}

TEST(SelectStratified, TheCutOffIsThatOfTheDecimalNumber) {
  EXPECT_EQ((StratifiedOptions{.cut_off = 0.29}.cut_off_of(100)), 29);  // 28.999999999999996
  EXPECT_EQ((StratifiedOptions{.cut_off = 0.29}.cut_off_of(99)), 28);
  EXPECT_EQ((StratifiedOptions{.cut_off = 0.0}.cut_off_of(99)), 0);
}

TEST(SelectStratified, EveryStratumKeepsItsBudget) {
  RandomStream stream(Seed{5}, "stratified-test");
  std::vector<double> scores(5000);
  for (double& score : scores) score = stream.normal();
  constexpr std::int64_t strata = 17;
  const Selection chosen = select(scores, no_labels, 0, stratified(1000, 0.2, strata));
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end());
  const double min = sorted.front();
  const double max = sorted[3999];
  Ids sizes(strata);
  Ids kept(strata);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > max) {
      EXPECT_EQ(chosen.outcomes[i], Outcome::cut_off);
      continue;
    }
    std::int64_t stratum = 0;  // the last whose lower edge is not above the score
    while (stratum + 1 < strata &&
           scores[i] >= min + (max - min) * static_cast<double>(stratum + 1) / strata) {
      ++stratum;
    }
    ++sizes[stratum];
    kept[stratum] += is_kept(chosen.outcomes[i]) ? 1 : 0;
  }
  EXPECT_EQ(kept, algorithm_one(sizes, 1000));
  EXPECT_EQ(chosen.details["strata_sizes"], Json(sizes));
  EXPECT_EQ(chosen.details["strata_budgets"], Json(kept));
}

TEST(SelectStratified, SeedsDrawOthersFairly) {
  // One stratum, so that a fair draw takes 250 +- 7.9 (one deviation) of either half.
  std::vector<double> scores(1000, 1.0);
  const Ids chosen = select(scores, no_labels, 0, stratified(500, 0.0, 50, 1)).ids;
  EXPECT_EQ(chosen, select(scores, no_labels, 0, stratified(500, 0.0, 50, 1)).ids);
  EXPECT_NE(chosen, select(scores, no_labels, 0, stratified(500, 0.0, 50, 2)).ids);
  const auto in_first_half = std::lower_bound(chosen.begin(), chosen.end(), 500) - chosen.begin();
  EXPECT_NEAR(static_cast<double>(in_first_half), 250.0, 5 * 7.9);
}

TEST(SelectStratified, KeepingMoreAddsToWhatWasKept) {
  RandomStream stream(Seed{6}, "nested-test");
  std::vector<double> scores(400);
  for (double& score : scores) score = stream.uniform();
  Ids fewer = select(scores, no_labels, 0, stratified(50, 0.1, 10)).ids;
  const Ids more = select(scores, no_labels, 0, stratified(90, 0.1, 10)).ids;
  EXPECT_TRUE(std::includes(more.begin(), more.end(), fewer.begin(), fewer.end()));
}

TEST(SelectStratified, AnExampleBeyondTheCutOffStaysOnlyForItsClass) {
  // Class 1 is the hardest fifth, all cut off; its floor is floor(1 * 0.5 * 2) = 1.
  std::vector<double> scores = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  SelectOptions options = stratified(5, 0.2, 4);
  options.class_balance = 1.0;
  const Selection balanced = select(scores, labels, 2, options);
  EXPECT_EQ(balanced.audit.classes[1].kept, 1);
  EXPECT_EQ(balanced.audit.moved, 1);
  EXPECT_EQ(std::count(balanced.outcomes.begin(), balanced.outcomes.end(), Outcome::cut_off), 1);
  EXPECT_EQ(
      std::count(balanced.outcomes.begin(), balanced.outcomes.end(), Outcome::kept_for_balance), 1);
  options.class_balance = 0.0;
  const Selection by_policy = select(scores, labels, 2, options);
  EXPECT_EQ(by_policy.audit.classes[1].kept, 0);
  EXPECT_EQ(by_policy.audit.classes[1].before, 2);
}

TEST(SelectStratified, RangesNeedNotBeFinite) {
  const double huge = std::numeric_limits<double>::max();
  const std::vector<double> scores = {-huge, -huge, -huge, huge};
  const Selection chosen = select(scores, no_labels, 0, stratified(2, 0.0, 2));
  EXPECT_EQ(chosen.details["strata_sizes"], Json::array({3, 1}));
  EXPECT_TRUE(is_kept(chosen.outcomes[3]));
}

TEST(SelectStratified, KMustFitBelowTheCutOff) {
  const std::vector<double> scores(10, 1.0);
  EXPECT_EQ(select(scores, no_labels, 0, stratified(8, 0.2, 50)).ids.size(), 8U);
  expect_error<InvalidArgument>([&] { select(scores, no_labels, 0, stratified(9, 0.2, 50)); },
                                {"cut-off = 0.2", "9 of 10", "8 are left"});
}

TEST(SelectStratified, OptionsOutOfRange) {
  const std::vector<double> scores(10, 1.0);
  const auto refuse = [&](double cut_off, std::int64_t strata, const std::string& part) {
    expect_error<InvalidArgument>(
        [&] { select(scores, no_labels, 0, stratified(1, cut_off, strata)); }, {part});
  };
  refuse(1.0, 50, "cut-off = 1; expected a value in [0, 1)");
  refuse(-0.1, 50, "cut-off = -0.1");
  refuse(0.1, 0, "strata = 0");
  refuse(0.1, 1'000'001, "strata = 1000001");
}

}  // namespace
}  // namespace winnow::selection
