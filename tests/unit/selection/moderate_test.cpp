#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {
namespace {

using Ids = std::vector<std::int64_t>;

const std::vector<std::int32_t> no_labels;

Ids moderate(const std::vector<double>& scores, const std::vector<std::int32_t>& labels,
             std::int64_t n_classes, std::int64_t k) {
  return select(scores, labels, n_classes,
                {.keep_count = k, .policy = Policy::moderate, .class_balance = 0.0})
      .ids;
}

/// The median by a full sort; those nearest to it by another.
Ids sorted_reference(const std::vector<double>& scores, Ids ids, std::size_t k) {
  std::vector<double> values;
  values.reserve(ids.size());
  for (const std::int64_t id : ids) values.push_back(scores[id]);
  std::sort(values.begin(), values.end());
  const double median = (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2.0;
  std::stable_sort(ids.begin(), ids.end(), [&](std::int64_t a, std::int64_t b) {
    return std::abs(scores[a] - median) < std::abs(scores[b] - median);
  });
  ids.resize(k);
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(SelectModerate, KeepsTheNearestToTheMedian) {
  // Median 4 of 1, 2, 4, 5, 100: distances 3, 2, 0, 1, 96. A slice in the middle of the sorted
  // scores would be the same here; that the mean 22.4 is none of our business is the point.
  const std::vector<double> scores = {100, 1, 4, 2, 5};
  EXPECT_EQ(moderate(scores, no_labels, 0, 1), (Ids{2}));
  EXPECT_EQ(moderate(scores, no_labels, 0, 2), (Ids{2, 4}));
  EXPECT_EQ(moderate(scores, no_labels, 0, 3), (Ids{2, 3, 4}));
  EXPECT_EQ(moderate(scores, no_labels, 0, 4), (Ids{1, 2, 3, 4}));
}

TEST(SelectModerate, MedianOfAnEvenNumberIsMidway) {
  // Median (2 + 6) / 2 = 4: distances 4, 2, 2, 6; the lower id goes first, then 0.
  const std::vector<double> scores = {0, 2, 6, 10};
  const Selection one = select(scores, no_labels, 0, {.keep_count = 1, .policy = Policy::moderate});
  EXPECT_EQ(one.ids, (Ids{1}));
  EXPECT_EQ(one.details["medians"], Json::array({4.0}));
  EXPECT_FALSE(one.cut.has_value());
  EXPECT_EQ(moderate(scores, no_labels, 0, 2), (Ids{1, 2}));
  EXPECT_EQ(moderate(scores, no_labels, 0, 3), (Ids{0, 1, 2}));
}

TEST(SelectModerate, EveryClassHasItsOwnMedianAndShare) {
  // Class 0: scores 0, 1, 2, 3, 4, 5 around 2.5; class 1: 100, 101, 109 around 101; class 2 has
  // none. Places (r + 1/2) / n_c: class 0 1/12, 3/12, 5/12, ...; class 1 1/6, 3/6, 5/6.
  const std::vector<double> scores = {0, 100, 1, 2, 101, 3, 4, 109, 5};
  const std::vector<std::int32_t> labels = {0, 1, 0, 0, 1, 0, 0, 1, 0};
  const Selection three = select(
      scores, labels, 3, {.keep_count = 3, .policy = Policy::moderate, .class_balance = 0.0});
  EXPECT_EQ(three.details["medians"], Json::array({2.5, 101.0, Json()}));
  EXPECT_EQ(three.ids, (Ids{3, 4, 5}));                                // 2 and 3 of class 0, 101
  EXPECT_EQ(moderate(scores, labels, 3, 6), (Ids{1, 2, 3, 4, 5, 6}));  // 4 and 2
  EXPECT_EQ(three.audit.classes[0].kept, 2);
  EXPECT_EQ(three.audit.classes[1].kept, 1);
}

TEST(SelectModerate, AgreesWithSortingWithinEachClass) {
  RandomStream stream(Seed{11}, "moderate-test");
  for (const bool ties : {false, true}) {
    std::vector<double> scores(3000);
    std::vector<std::int32_t> labels(scores.size());
    std::vector<Ids> classes(3);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      labels[i] = static_cast<std::int32_t>(i % 6 == 0 ? 0 : i % 3 == 0 ? 1 : 2);
      scores[i] = ties ? static_cast<double>(stream.below(40)) : stream.normal();
      classes[labels[i]].push_back(static_cast<std::int64_t>(i));
    }
    // 500, 500 and 2000 examples: three tenths are whole numbers, so the shares are exact.
    Ids expected;
    for (const Ids& ids : classes) {
      const Ids kept = sorted_reference(scores, ids, ids.size() * 3 / 10);
      expected.insert(expected.end(), kept.begin(), kept.end());
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(moderate(scores, labels, 3, 900), expected) << ties;
    Ids all(scores.size());
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(moderate(scores, no_labels, 0, 777), sorted_reference(scores, all, 777)) << ties;
  }
}

TEST(SelectModerate, SharesOfClassesAreThoseOfWebster) {
  const std::vector<std::int64_t> sizes = {1, 7, 50, 333};
  std::vector<std::int32_t> labels;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    labels.insert(labels.end(), static_cast<std::size_t>(sizes[c]), static_cast<std::int32_t>(c));
  }
  const std::vector<double> scores(labels.size(), 1.0);
  // One place after the other to the class of the largest n_c / (2 s + 1), s the places it has.
  Ids expected(sizes.size());
  for (std::int64_t k = 1; k <= 391; ++k) {
    std::size_t next = 0;
    for (std::size_t c = 1; c < sizes.size(); ++c) {
      if (sizes[c] * (2 * expected[next] + 1) > sizes[next] * (2 * expected[c] + 1)) next = c;
    }
    ++expected[next];
    if (k % 40 != 1) continue;
    const Selection chosen = select(
        scores, labels, 4, {.keep_count = k, .policy = Policy::moderate, .class_balance = 0.0});
    Ids kept;
    for (const ClassAudit& entry : chosen.audit.classes) kept.push_back(entry.kept);
    EXPECT_EQ(kept, expected) << k;
  }
  EXPECT_EQ(expected, sizes);
}

TEST(SelectModerate, EqualCountsOfClassesOverruleShares) {
  // By shares class 1 keeps 1 of 5; with full balance by count, min(5 / 2, n_c) = 2.
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  const std::vector<double> scores = {1, 2, 3, 4, 5, 6, 7, 8, 0, 9};
  const Selection chosen = select(scores, labels, 2,
                                  {.keep_count = 5,
                                   .policy = Policy::moderate,
                                   .class_balance = 1.0,
                                   .balance_by = BalanceBy::count});
  EXPECT_EQ(chosen.ids, (Ids{2, 3, 4, 8, 9}));
  EXPECT_EQ(chosen.outcomes[9], Outcome::kept_for_balance);
  EXPECT_EQ(chosen.outcomes[5], Outcome::dropped_for_balance);
}

TEST(SelectModerate, DistancesNeedNotBeFinite) {
  const double huge = std::numeric_limits<double>::max();
  // Median midway between -huge and huge is 0, though huge - (-huge) is infinite.
  EXPECT_EQ(moderate({-huge, huge, huge, -huge, 1.0, -2.0}, no_labels, 0, 2), (Ids{4, 5}));
}

}  // namespace
}  // namespace winnow::selection
