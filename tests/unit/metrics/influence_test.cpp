#include "winnow/metrics/influence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "unit/metrics/bits.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::bits_of;
using testing::expect_error;
using testing::random_bits;
using testing::Threads;

TEST(Influence, ByHand) {
  // Example 0 is in runs 0 and 1, out of 2, 3 and 4.
  const BitMatrix in_train = bits_of({"10", "10", "01", "01", "01"});
  // Test 0: right in both with it, in 1 of 3 without: 2/3. Test 1: 0 of 2, 3 of 3: -1.
  // Test 2: always right: 0.
  const BitMatrix test_correct = bits_of({"101", "101", "111", "011", "011"});
  const auto result = influence(in_train, test_correct);
  EXPECT_DOUBLE_EQ(result.max[0], 2.0 / 3.0);
  EXPECT_EQ(result.max_tests[0], 0);
  EXPECT_DOUBLE_EQ(result.max_errors[0], std::sqrt(1.0 / 3.0 * 2.0 / 3.0 / 2.0));
  EXPECT_DOUBLE_EQ(result.sum_abs[0], 2.0 / 3.0 + 1.0);
  // Signs +, -, +: with it 1 - 0 + 1 = 2 twice; without 1 - 1 + 1, 0 - 1 + 1 twice: 1, 0, 0,
  // variance 1/3, of the mean 1/9.
  EXPECT_DOUBLE_EQ(result.sum_abs_errors[0], 1.0 / 3.0);
  // Example 1 is in where example 0 is out.
  EXPECT_DOUBLE_EQ(result.max[1], 1.0);
  EXPECT_EQ(result.max_tests[1], 1);
  EXPECT_DOUBLE_EQ(result.sum_abs[1], result.sum_abs[0]);
}

TEST(Influence, HighestMayBeNegative) {
  const auto result = influence(bits_of({"1", "1", "0", "0"}), bits_of({"0", "1", "1", "1"}));
  EXPECT_DOUBLE_EQ(result.max[0], -0.5);
  EXPECT_DOUBLE_EQ(result.sum_abs[0], 0.5);
}

/// Straight from the definition, pair by pair.
InfluenceScores reference(const BitMatrix& in_train, const BitMatrix& test_correct) {
  const auto n = static_cast<std::size_t>(in_train.cols());
  InfluenceScores result;
  result.max.assign(n, -2.0);
  result.max_tests.assign(n, -1);
  result.sum_abs.assign(n, 0.0);
  for (std::int64_t i = 0; i < in_train.cols(); ++i) {
    const auto position = static_cast<std::size_t>(i);
    for (std::int64_t j = 0; j < test_correct.cols(); ++j) {
      double right[2] = {};
      double all[2] = {};
      for (std::int64_t m = 0; m < in_train.rows(); ++m) {
        const int side = in_train.test(m, i) ? 1 : 0;
        all[side] += 1.0;
        right[side] += test_correct.test(m, j) ? 1.0 : 0.0;
      }
      const double value = right[1] / all[1] - right[0] / all[0];
      result.sum_abs[position] += std::abs(value);
      if (value > result.max[position] + 1e-12) {
        result.max[position] = value;
        result.max_tests[position] = j;
      }
    }
  }
  return result;
}

class InfluenceSizes : public ::testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(InfluenceSizes, IsWhatTheDefinitionSays) {
  const auto [runs, n, n_test] = GetParam();
  const BitMatrix in_train = random_bits(runs, n, 0.7, 1);
  const BitMatrix test_correct = random_bits(runs, n_test, 0.6, 2);
  const auto result = influence(in_train, test_correct);
  const auto expected = reference(in_train, test_correct);
  ASSERT_TRUE(result.rare.empty());
  EXPECT_EQ(result.max_tests, expected.max_tests);
  for (std::size_t i = 0; i < expected.max.size(); ++i) {
    EXPECT_NEAR(result.max[i], expected.max[i], 1e-12) << i;
    // n_test additions of values below 1.
    EXPECT_NEAR(result.sum_abs[i], expected.sum_abs[i], 1e-12 * n_test) << i;
  }
}

// Around a word (64), a block of examples (64) and a chunk of tests or runs (512).
INSTANTIATE_TEST_SUITE_P(Edges, InfluenceSizes,
                         ::testing::Values(std::tuple{40, 1, 1}, std::tuple{63, 64, 7},
                                           std::tuple{64, 65, 8}, std::tuple{65, 70, 511},
                                           std::tuple{100, 30, 512}, std::tuple{128, 20, 513},
                                           std::tuple{513, 66, 65}, std::tuple{1030, 5, 1100}));

TEST(Influence, ErrorsOfSumsMatchTheSpreadOverEnsembles) {
  // Example 0 helps half of the tests by 0.6 and hurts the others: signs are certain, so the
  // error is that of a plain difference of means. 400 ensembles; their spread is known to
  // 1 / sqrt(800), 3.5 %; five of those.
  constexpr int ensembles = 400;
  constexpr std::int64_t runs = 80;
  constexpr std::int64_t n_test = 40;
  double sum = 0.0;
  double squares = 0.0;
  double errors = 0.0;
  for (int e = 0; e < ensembles; ++e) {
    RandomStream random(Seed{static_cast<std::uint64_t>(e)}, "ensemble");
    const BitMatrix in_train = random_bits(runs, 1, 0.6, static_cast<std::uint64_t>(e));
    BitMatrix test_correct(runs, n_test);
    for (std::int64_t m = 0; m < runs; ++m) {
      const bool common = random.uniform() < 0.5;  // tests of a run hang together
      for (std::int64_t j = 0; j < n_test; ++j) {
        const bool helped = (j % 2 == 0) == in_train.test(m, 0);
        const double p = (helped ? 0.7 : 0.1) + (common && j % 2 == 0 ? 0.2 : 0.0);
        if (random.uniform() < p) test_correct.set(m, j);
      }
    }
    const auto result = influence(in_train, test_correct);
    sum += result.sum_abs[0];
    squares += result.sum_abs[0] * result.sum_abs[0];
    errors += result.sum_abs_errors[0] * result.sum_abs_errors[0];
  }
  const double mean = sum / ensembles;
  const double spread =
      std::sqrt((squares / ensembles - mean * mean) * ensembles / (ensembles - 1));
  EXPECT_NEAR(mean, 0.6 * n_test, 5 * spread / std::sqrt(ensembles));
  EXPECT_NEAR(std::sqrt(errors / ensembles) / spread, 1.0, 5 / std::sqrt(2.0 * ensembles));
}

TEST(Influence, RareExamplesGetTheMean) {
  BitMatrix in_train = random_bits(50, 70, 0.6, 5);
  for (std::int64_t m = 0; m < 50; ++m) in_train.set(m, 66);
  const auto result = influence(in_train, random_bits(50, 9, 0.5, 6));
  EXPECT_EQ(result.rare, std::vector<std::int64_t>{66});
  EXPECT_EQ(result.max_tests[66], -1);
  EXPECT_TRUE(std::isnan(result.max_errors[66]));
  EXPECT_TRUE(std::isnan(result.sum_abs_errors[66]));
  double max = 0.0;
  double sum_abs = 0.0;
  for (std::size_t i = 0; i < 70; ++i) {
    if (i == 66) continue;
    max += result.max[i] / 69;
    sum_abs += result.sum_abs[i] / 69;
  }
  EXPECT_NEAR(result.max[66], max, 1e-14);
  EXPECT_NEAR(result.sum_abs[66], sum_abs, 1e-13);
}

TEST(Influence, SameBitsForAnyThreads) {
  const BitMatrix in_train = random_bits(90, 400, 0.7, 3);
  const BitMatrix test_correct = random_bits(90, 600, 0.5, 4);
  const auto run = [&](int threads) {
    const Threads use(threads);
    return influence(in_train, test_correct);
  };
  const auto one = run(1);
  const auto four = run(4);
  EXPECT_EQ(one.max, four.max);
  EXPECT_EQ(one.max_errors, four.max_errors);
  EXPECT_EQ(one.sum_abs, four.sum_abs);
  EXPECT_EQ(one.sum_abs_errors, four.sum_abs_errors);
}

TEST(Influence, RefusesBadInput) {
  const BitMatrix a = random_bits(5, 7, 0.5, 1);
  expect_error<InvalidArgument>([&] { influence(a, random_bits(4, 7, 0.5, 1)); },
                                {"in_train is [5, 7]", "test_correct [4, 7]"});
  expect_error<InvalidArgument>([&] { influence(a, BitMatrix(5, 0)); }, {"one test example"});
  expect_error<InvalidArgument>([&] { influence(a, a, {.min_runs = 4}); },
                                {"no example was in at least 4 runs"});
  expect_error<InvalidArgument>([&] { influence(a, a, {.min_runs = 0}); }, {"min-runs = 0"});
}

TEST(Influence, CanBeStopped) {
  testing::StoppingProgress progress(64);
  EXPECT_THROW(influence(random_bits(9, 2000, 0.5, 1), random_bits(9, 20, 0.5, 2), {}, progress),
               Interrupted);
}

}  // namespace
}  // namespace winnow::metrics
