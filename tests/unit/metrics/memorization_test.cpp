#include "winnow/metrics/memorization.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include <cmath>

#include "unit/metrics/bits.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::bits_of;
using testing::expect_error;
using testing::random_bits;
using testing::Threads;

TEST(Memorization, ByHand) {
  // Runs 0..4, examples 0..1. Example 0: in runs 0, 1, 2, right in 0 and 1; out of 3, 4, right in
  // none. Example 1: in 0, 4, right in both; out of 1, 2, 3, right in 1.
  const BitMatrix in_train = bits_of({"11", "10", "10", "00", "01"});
  const BitMatrix correct = bits_of({"11", "11", "00", "00", "01"});
  const auto result = memorization(in_train, correct);
  EXPECT_DOUBLE_EQ(result.scores[0], 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(result.scores[1], 1.0 - 1.0 / 3.0);
  // p (1 - p) / (n - 1): 2/3 1/3 / 2 on one side, nothing on the other.
  EXPECT_DOUBLE_EQ(result.standard_errors[0], 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(result.standard_errors[1], 1.0 / 3.0);
  EXPECT_TRUE(result.rare.empty());
}

TEST(Memorization, RareExamplesGetTheMean) {
  // Example 1 is always in, example 2 never, example 3 out once; 0 and 4 score 1 and 0.
  const BitMatrix in_train = bits_of({"11011", "11011", "01010", "01000"});
  const BitMatrix correct = bits_of({"11110", "11110", "01110", "01110"});
  const auto result = memorization(in_train, correct);
  EXPECT_EQ(result.rare, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(result.scores, (std::vector<double>{1.0, 0.5, 0.5, 0.5, 0.0}));
  EXPECT_TRUE(std::isnan(result.standard_errors[1]));
  EXPECT_EQ(result.standard_errors[0], 0.0);
  EXPECT_EQ(memorization(random_bits(30, 50, 0.5, 1), random_bits(30, 50, 0.5, 2), {.min_runs = 15})
                    .rare.size() > 10,
            true);
}

RC_GTEST_PROP(Memorization, TradesSignWhenInAndOutTradePlaces, ()) {
  const auto seed = *rc::gen::inRange<std::uint64_t>(0, 1000);
  const auto n = *rc::gen::inRange<std::int64_t>(1, 150);
  const auto runs = *rc::gen::inRange<std::int64_t>(40, 140);
  const BitMatrix in_train = random_bits(runs, n, 0.5, seed);
  BitMatrix out_of_train(runs, n);
  for (std::int64_t m = 0; m < runs; ++m) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (!in_train.test(m, i)) out_of_train.set(m, i);
    }
  }
  const BitMatrix correct = random_bits(runs, n, 0.6, seed + 1);
  const auto a = memorization(in_train, correct);
  const auto b = memorization(out_of_train, correct);
  RC_ASSERT(a.rare.empty());
  for (std::size_t i = 0; i < a.scores.size(); ++i) {
    RC_ASSERT(a.scores[i] == -b.scores[i]);
    RC_ASSERT(std::abs(a.scores[i]) <= 1.0);
    RC_ASSERT(std::abs(a.standard_errors[i] - b.standard_errors[i]) < 1e-15);
  }
}

TEST(Memorization, SameBitsForAnyThreads) {
  const BitMatrix in_train = random_bits(90, 1000, 0.7, 3);
  const BitMatrix correct = random_bits(90, 1000, 0.5, 4);
  const auto run = [&](int threads) {
    const Threads use(threads);
    return memorization(in_train, correct);
  };
  const auto one = run(1);
  const auto four = run(4);
  EXPECT_EQ(one.scores, four.scores);
  EXPECT_EQ(one.standard_errors, four.standard_errors);
}

TEST(Memorization, RefusesBadInput) {
  const BitMatrix a = random_bits(5, 7, 0.5, 1);
  expect_error<InvalidArgument>([&] { memorization(a, random_bits(4, 7, 0.5, 1)); },
                                {"in_train is [5, 7]", "correct [4, 7]"});
  expect_error<InvalidArgument>([&] { memorization(a, random_bits(5, 8, 0.5, 1)); },
                                {"correct [5, 8]"});
  expect_error<InvalidArgument>([] { memorization(BitMatrix(3, 0), BitMatrix(3, 0)); },
                                {"at least one of each"});
  expect_error<InvalidArgument>([] { memorization(BitMatrix(3, 2), BitMatrix(3, 2)); },
                                {"no example was in at least 2 runs"});
  expect_error<InvalidArgument>([&] { memorization(a, a, {.min_runs = 1}); },
                                {"min-runs = 1", "[2, inf)"});
}

TEST(Memorization, CanBeStopped) {
  testing::StoppingProgress progress(512);
  EXPECT_THROW(
      memorization(random_bits(9, 2000, 0.5, 1), random_bits(9, 2000, 0.5, 2), {}, progress),
      Interrupted);
}

}  // namespace
}  // namespace winnow::metrics
