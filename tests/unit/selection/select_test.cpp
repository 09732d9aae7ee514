#include "winnow/selection/select.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "unit/selection/reference.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::selection {
namespace {

using Ids = std::vector<std::int64_t>;

/// Message of the `Failure` that `work` throws.
template <class Failure, class Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const Failure& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

std::vector<std::int64_t> floors_of(const Selection& selection) {
  std::vector<std::int64_t> floors;
  for (const ClassAudit& entry : selection.audit.classes) floors.push_back(entry.floor);
  return floors;
}

/// `sizes[c]` examples of class c, one class after the other.
std::vector<std::int32_t> labels_of_sizes(const std::vector<std::int64_t>& sizes) {
  std::vector<std::int32_t> labels;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    labels.insert(labels.end(), static_cast<std::size_t>(sizes[c]), static_cast<std::int32_t>(c));
  }
  return labels;
}

std::vector<double> increasing_scores(std::size_t n) {
  std::vector<double> scores(n);
  std::iota(scores.begin(), scores.end(), 0.0);
  return scores;
}

const std::vector<std::int32_t> no_labels;

TEST(SelectSize, RoundsHalvesUpAndKeepsAtLeastOne) {
  const auto kept_of = [](double keep, std::int64_t n) {
    return SelectOptions{.keep = keep}.kept_of(n);
  };
  EXPECT_EQ(kept_of(0.3, 60000), 18000);
  EXPECT_EQ(kept_of(0.25, 10), 3);     // 2.5
  EXPECT_EQ(kept_of(0.24, 10), 2);     // 2.4
  EXPECT_EQ(kept_of(0.145, 100), 15);  // 14.5, but 14.499999999999998 in doubles
  EXPECT_EQ(kept_of(0.001, 10), 1);
  EXPECT_EQ(kept_of(1.0, 7), 7);
  EXPECT_EQ(kept_of(0.4999999, 10'000'000), 4'999'999);  // nothing near a half is pulled up
}

TEST(SelectSize, CountWinsOverFraction) {
  const std::vector<double> scores = {1, 2, 3, 4};
  const SelectOptions options{.keep = 1.0, .keep_count = 2};
  EXPECT_EQ(select(scores, no_labels, 0, options).ids, (Ids{2, 3}));
}

TEST(SelectPolicy, HardKeepsLargestAndEasySmallest) {
  const std::vector<double> scores = {0.5, -2.0, 3.0, 0.0, 1.0, -1.0};
  const Selection hard = select(scores, no_labels, 0, {.keep = 0.5});
  EXPECT_EQ(hard.ids, (Ids{0, 2, 4}));
  EXPECT_EQ(hard.cut, 0.5);
  EXPECT_FALSE(hard.balanced);
  const Selection easy = select(scores, no_labels, 0, {.keep = 0.5, .policy = Policy::easy});
  EXPECT_EQ(easy.ids, (Ids{1, 3, 5}));
  EXPECT_EQ(easy.cut, 0.0);
}

TEST(SelectPolicy, EasyMirrorsHard) {
  RandomStream stream(Seed{5}, "mirror");
  std::vector<double> scores(101);
  std::vector<double> negated(101);
  std::vector<std::int32_t> labels(101);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    labels[i] = static_cast<std::int32_t>(stream.below(4));
    scores[i] = static_cast<double>(stream.below(20)) + labels[i];
    negated[i] = -scores[i];
  }
  const Selection hard = select(scores, labels, 4, {.keep = 0.4});
  const Selection easy = select(negated, labels, 4, {.keep = 0.4, .policy = Policy::easy});
  EXPECT_EQ(hard.ids, easy.ids);
  EXPECT_EQ(hard.outcomes, easy.outcomes);
}

TEST(SelectPolicy, RandomDependsOnSeedNotOnScores) {
  const std::vector<double> scores = increasing_scores(1000);
  const std::vector<double> constant(1000, 1.0);
  const SelectOptions options{.keep = 0.5, .policy = Policy::random, .seed = Seed{3}};
  SelectOptions other_seed = options;
  other_seed.seed = Seed{4};
  const Selection chosen = select(scores, no_labels, 0, options);
  EXPECT_EQ(chosen.ids, select(constant, no_labels, 0, options).ids);
  EXPECT_NE(chosen.ids, select(scores, no_labels, 0, other_seed).ids);
  EXPECT_FALSE(chosen.cut.has_value());
  // 500 of 1000: a fair choice takes 250 +- 7.9 (one deviation) of either half.
  const auto in_first_half =
      std::count_if(chosen.ids.begin(), chosen.ids.end(), [](std::int64_t id) { return id < 500; });
  EXPECT_NEAR(static_cast<double>(in_first_half), 250.0, 5 * 7.9);
}

TEST(SelectTies, GoToTheLowerId) {
  const std::vector<double> scores = {1, 1, 1, 2, 1, 0};
  EXPECT_EQ(select(scores, no_labels, 0, {.keep = 0.5}).ids, (Ids{0, 1, 3}));
  EXPECT_EQ(select(scores, no_labels, 0, {.keep = 0.5, .policy = Policy::easy}).ids,
            (Ids{0, 1, 5}));
}

TEST(SelectTies, NegativeZeroIsZero) {
  const std::vector<double> scores = {-0.0, 0.0, -0.0, 0.0};
  EXPECT_EQ(select(scores, no_labels, 0, {.keep = 0.5}).ids, (Ids{0, 1}));
  EXPECT_EQ(select(scores, no_labels, 0, {.keep = 0.5, .policy = Policy::easy}).ids, (Ids{0, 1}));
}

TEST(SelectTies, InsideAClassFloorToo) {
  // Floor of class 1: floor(1 * 0.5 * 4) = 2 of four equal scores.
  const std::vector<double> scores = {9, 8, 7, 6, 1, 1, 1, 1};
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 1, 1, 1, 1};
  EXPECT_EQ(select(scores, labels, 2, {.keep = 0.5, .class_balance = 1.0}).ids, (Ids{0, 1, 4, 5}));
}

TEST(SelectBalance, FractionFloorsByHand) {
  // n = 10, K = 5. Floors: floor(0.5 * 0.5 * 6) = 1, floor(0.5 * 0.5 * 4) = 1. By rank alone all
  // five would be of class 0; the hardest of class 1 (id 9) takes the place of id 1.
  const std::vector<double> scores = {10, 11, 12, 13, 14, 15, 0, 1, 2, 3};
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
  const Selection selection = select(scores, labels, 2, {.keep = 0.5});
  EXPECT_TRUE(selection.balanced);
  EXPECT_EQ(floors_of(selection), (Ids{1, 1}));
  EXPECT_EQ(selection.ids, (Ids{2, 3, 4, 5, 9}));
  EXPECT_EQ(selection.cut, 12.0);
  EXPECT_EQ(selection.outcomes[0], Outcome::dropped);
  EXPECT_EQ(selection.outcomes[1], Outcome::dropped_for_balance);
  EXPECT_EQ(selection.outcomes[2], Outcome::kept);
  EXPECT_EQ(selection.outcomes[8], Outcome::dropped);
  EXPECT_EQ(selection.outcomes[9], Outcome::kept_for_balance);
  EXPECT_EQ(selection.audit.moved, 1);
}

TEST(SelectBalance, CountFloorsByHand) {
  // K = 6, C = 3: K / C = 2. B = 1: floors min(2, n_c) = 2, 2, 1. K = 5 would give 1.67, so that
  // B = 0.9 gives floor(1.5) = 1 and, for the class of one, floor(0.9) = 0.
  const std::vector<std::int32_t> labels = labels_of_sizes({6, 5, 1});
  const std::vector<double> scores = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1, -2};
  const Selection six = select(scores, labels, 3,
                               {.keep = 0.5, .class_balance = 1.0, .balance_by = BalanceBy::count});
  EXPECT_EQ(floors_of(six), (Ids{2, 2, 1}));
  EXPECT_EQ(six.ids, (Ids{0, 1, 2, 6, 7, 11}));
  const Selection five = select(
      scores, labels, 3, {.keep_count = 5, .class_balance = 0.9, .balance_by = BalanceBy::count});
  EXPECT_EQ(floors_of(five), (Ids{1, 1, 0}));
  EXPECT_EQ(five.ids, (Ids{0, 1, 2, 3, 6}));
}

TEST(SelectBalance, EqualPartsAreOfClassesThatHaveExamples) {
  // Of five names two have examples: K / C = 4 / 2.
  const std::vector<std::int32_t> labels = {1, 1, 1, 1, 3, 3, 3, 3};
  const Selection selection =
      select(increasing_scores(8), labels, 5,
             {.keep = 0.5, .class_balance = 1.0, .balance_by = BalanceBy::count});
  EXPECT_EQ(floors_of(selection), (Ids{0, 2, 0, 2, 0}));
}

TEST(SelectBalance, FloorsAreThoseOfDecimalNumbers) {
  const auto floor_of = [](double balance, double keep, std::int64_t size) {
    const std::vector<std::int32_t> labels = labels_of_sizes({size});
    const Selection selection = select(std::vector<double>(labels.size()), labels, 1,
                                       {.keep = keep, .class_balance = balance});
    return selection.audit.classes[0].floor;
  };
  EXPECT_EQ(floor_of(0.5, 0.3, 6000), 900);
  EXPECT_EQ(floor_of(0.7, 0.1, 100), 7);  // 0.7 * 0.1 * 100 is 6.999999999999999 in doubles
  EXPECT_EQ(floor_of(1.0, 0.29, 100), 29);
  EXPECT_EQ(floor_of(0.5, 0.3, 5999), 899);
  for (std::int64_t percent = 1; percent <= 100; ++percent) {
    for (std::int64_t tenths = 0; tenths <= 10; ++tenths) {
      EXPECT_EQ(
          floor_of(static_cast<double>(tenths) / 10.0, static_cast<double>(percent) / 100.0, 1000),
          tenths * percent)
          << tenths << " tenths, " << percent << " %";
    }
  }
}

TEST(SelectBalance, FullBalanceLeavesNothingToRank) {
  // Floors 2 + 2 = K: no example was admitted by its global rank.
  const std::vector<std::int32_t> labels = labels_of_sizes({4, 4});
  const Selection selection =
      select(increasing_scores(8), labels, 2, {.keep = 0.5, .class_balance = 1.0});
  EXPECT_EQ(selection.ids, (Ids{2, 3, 6, 7}));
  EXPECT_FALSE(selection.cut.has_value());
}

TEST(SelectBalance, ZeroBalanceIsGlobalRank) {
  const std::vector<std::int32_t> labels = labels_of_sizes({4, 4});
  const Selection selection =
      select(increasing_scores(8), labels, 2, {.keep = 0.5, .class_balance = 0.0});
  EXPECT_EQ(selection.ids, (Ids{4, 5, 6, 7}));
  EXPECT_EQ(selection.cut, 4.0);
}

TEST(SelectBalance, ClassFractionOfCountIsCountOverN) {
  // K = 3 of 9: F = 1 / 3; floors floor(1 * 6 / 3) = 2 and floor(3 / 3) = 1.
  const std::vector<std::int32_t> labels = labels_of_sizes({6, 3});
  const Selection selection =
      select(increasing_scores(9), labels, 2, {.keep_count = 3, .class_balance = 1.0});
  EXPECT_EQ(floors_of(selection), (Ids{2, 1}));
  EXPECT_EQ(selection.ids, (Ids{4, 5, 8}));
}

TEST(SelectInput, OptionsOutOfRange) {
  const std::vector<double> scores = {1, 2, 3};
  const auto message = [&](const SelectOptions& options) {
    return message_of<InvalidArgument>([&] { select(scores, no_labels, 0, options); });
  };
  EXPECT_EQ(message({.keep = 0.0}), "keep = 0; expected a value in (0, 1]");
  EXPECT_EQ(message({.keep = -0.5}), "keep = -0.5; expected a value in (0, 1]");
  EXPECT_EQ(message({.keep = 1.5}), "keep = 1.5; expected a value in (0, 1]");
  EXPECT_EQ(message({.keep = std::nan("")}), "keep = nan; expected a value in (0, 1]");
  EXPECT_EQ(message({.class_balance = 1.01}), "class-balance = 1.01; expected a value in [0, 1]");
  EXPECT_EQ(message({.keep_count = 0}), "keep-count = 0; expected a value in [1, inf)");
  EXPECT_EQ(message({.keep_count = -1}), "keep-count = -1; expected a value in [1, inf)");
  EXPECT_EQ(message({.keep_count = 4}),
            "keep-count = 4; expected a value in [1, 3], since there are 3 examples");
}

TEST(SelectInput, NoScores) {
  const std::vector<double> none;
  EXPECT_THROW(select(none, no_labels, 0, {}), InvalidArgument);
}

TEST(SelectInput, FirstBadRowIsNamed) {
  std::vector<double> scores = increasing_scores(600'000);  // more than one block of rows
  scores[599'999] = std::nan("");
  scores[400'000] = std::numeric_limits<double>::infinity();
  const std::string message = message_of<NonFiniteInput>([&] { select(scores, no_labels, 0, {}); });
  EXPECT_NE(message.find("scores: row 400000 is inf"), std::string::npos) << message;

  const std::vector<double> three = {1, 2, 3};
  const std::vector<std::int32_t> above = {0, 2, 9};
  EXPECT_EQ(message_of<InvalidArgument>([&] { select(three, above, 2, {}); }),
            "labels: row 1 is 2; expected a class in [0, 2)");
  const std::vector<std::int32_t> below = {0, 0, -1};
  EXPECT_EQ(message_of<InvalidArgument>([&] { select(three, below, 2, {}); }),
            "labels: row 2 is -1; expected a class in [0, 2)");
  const std::vector<std::int32_t> two = {0, 1};
  EXPECT_THROW(select(three, two, 2, {}), DatasetMismatch);
}

TEST(SelectThreads, SameForAnyCount) {
  // Three blocks of rows, many ties across them, classes of very different levels.
  constexpr std::size_t n = 700'000;
  RandomStream stream(Seed{9}, "threads");
  std::vector<double> scores(n);
  std::vector<std::int32_t> labels(n);
  for (std::size_t i = 0; i < n; ++i) {
    labels[i] = static_cast<std::int32_t>(stream.below(7));
    scores[i] = static_cast<double>(stream.below(1000)) * 0.001 + labels[i];
  }
  const int before = thread_count();
  for (const Policy policy : {Policy::hard, Policy::easy, Policy::random}) {
    const SelectOptions options{.keep = 0.37, .policy = policy};
    set_thread_count(1);
    const Selection one = select(scores, labels, 7, options);
    set_thread_count(3);
    const Selection three = select(scores, labels, 7, options);
    EXPECT_EQ(one.ids, three.ids);
    EXPECT_EQ(one.outcomes, three.outcomes);
    EXPECT_EQ(one.cut, three.cut);
    EXPECT_EQ(audit_json(one.audit), audit_json(three.audit));
    Reference expected = reference_select({.scores = scores,
                                           .labels = labels,
                                           .n_classes = 7,
                                           .keep = {370'000},
                                           .balance = {500'000},
                                           .policy = policy});
    Ids ids;
    for (std::size_t i = 0; i < n; ++i) {
      if (expected.kept[i]) ids.push_back(static_cast<std::int64_t>(i));
    }
    EXPECT_EQ(one.ids, ids);
  }
  set_thread_count(before);
}

}  // namespace
}  // namespace winnow::selection
