#include "winnow/metrics/active_learning.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "unit/metrics/bits.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::expect_error;
using testing::matrix_of;
using testing::normal_matrix;
using testing::Threads;

std::vector<double> scores_of(const std::vector<Matrix<float>>& members, Acquisition acquisition) {
  EnsembleUncertainty ensemble(members[0].rows(), members[0].cols(), acquisition);
  for (const auto& member : members) ensemble.add(member);
  return ensemble.scores();
}

TEST(EnsembleUncertainty, ByHand) {
  // Example 0: sure members that contradict one another. Example 1: all unsure alike. Example 2:
  // all sure of the same. Example 3: 3 of 4 vote for class 1.
  const Matrix<float> a = matrix_of(4, 2, {99, 0, 0, 0, 99, 0, 0, 1});
  const Matrix<float> b = matrix_of(4, 2, {0, 99, 0, 0, 99, 0, 0, 1});
  const Matrix<float> c = matrix_of(4, 2, {99, 0, 0, 0, 99, 0, 0, 1});
  const Matrix<float> d = matrix_of(4, 2, {0, 99, 0, 0, 99, 0, 1, 0});
  const std::vector<Matrix<float>> members = {a, b, c, d};
  const auto entropy = scores_of(members, Acquisition::entropy);
  EXPECT_NEAR(entropy[0], std::log(2.0), 1e-15);
  EXPECT_NEAR(entropy[1], std::log(2.0), 1e-15);
  EXPECT_NEAR(entropy[2], 0.0, 1e-15);
  const auto information = scores_of(members, Acquisition::mutual_information);
  EXPECT_NEAR(information[0], std::log(2.0), 1e-15);
  EXPECT_NEAR(information[1], 0.0, 1e-15);
  EXPECT_NEAR(information[2], 0.0, 1e-15);
  // On ties within a member the lowest class has the vote.
  EXPECT_EQ(scores_of(members, Acquisition::variation_ratio),
            (std::vector<double>{0.5, 0.0, 0.0, 0.25}));
}

TEST(EnsembleUncertainty, LogitsOfAnySize) {
  const float huge = std::numeric_limits<float>::max();
  const std::vector<Matrix<float>> members = {matrix_of(1, 3, {huge, -huge, huge})};
  EXPECT_NEAR(scores_of(members, Acquisition::entropy)[0], std::log(2.0), 1e-15);
}

RC_GTEST_PROP(EnsembleUncertainty, Bounds, ()) {
  const auto classes = *rc::gen::inRange<std::int64_t>(2, 12);
  const auto count = *rc::gen::inRange<std::uint64_t>(1, 9);
  const auto seed = *rc::gen::inRange<std::uint64_t>(0, 1000);
  std::vector<Matrix<float>> members;
  for (std::uint64_t m = 0; m < count; ++m) {
    members.push_back(normal_matrix(70, classes, seed * 10 + m));
  }
  const auto entropy = scores_of(members, Acquisition::entropy);
  const auto information = scores_of(members, Acquisition::mutual_information);
  const auto ratio = scores_of(members, Acquisition::variation_ratio);
  for (std::size_t i = 0; i < entropy.size(); ++i) {
    RC_ASSERT(entropy[i] > 0.0);
    RC_ASSERT(entropy[i] <= std::log(static_cast<double>(classes)) + 1e-12);
    RC_ASSERT(information[i] >= 0.0);
    RC_ASSERT(information[i] <= entropy[i]);
    RC_ASSERT(information[i] <= std::log(static_cast<double>(count)) + 1e-12);
    RC_ASSERT(ratio[i] >= 0.0);
    RC_ASSERT(ratio[i] <= 1.0 - 1.0 / static_cast<double>(count));
  }
}

TEST(EnsembleUncertainty, SameBitsForAnyThreads) {
  const std::vector<Matrix<float>> members = {normal_matrix(500, 10, 1), normal_matrix(500, 10, 2)};
  for (const auto acquisition : {Acquisition::entropy, Acquisition::mutual_information}) {
    const auto run = [&](int threads) {
      const Threads use(threads);
      return scores_of(members, acquisition);
    };
    EXPECT_EQ(run(1), run(4));
  }
}

TEST(EnsembleUncertainty, RefusesBadInput) {
  expect_error<InvalidArgument>([] { EnsembleUncertainty(0, 3, Acquisition::entropy); },
                                {"[0, 3]", "at least one example"});
  expect_error<InvalidArgument>([] { EnsembleUncertainty(3, 1, Acquisition::entropy); },
                                {"[3, 1]", "two classes"});
  expect_error<InvalidArgument>([] { EnsembleUncertainty(3, 2, Acquisition::right_wrong); },
                                {"right-wrong", "no logits"});
  EnsembleUncertainty ensemble(2, 3, Acquisition::entropy);
  expect_error<InvalidArgument>([&] { static_cast<void>(ensemble.scores()); }, {"without members"});
  expect_error<InvalidArgument>([&] { ensemble.add(Matrix<float>(2, 4)); }, {"[2, 4]", "[2, 3]"});
  Matrix<float> bad(2, 3);
  bad(1, 2) = std::numeric_limits<float>::quiet_NaN();
  expect_error<NonFiniteInput>([&] { ensemble.add(bad); }, {"row 1 column 2 is nan"});
  expect_error<InvalidArgument>([] { ActiveLearningOptions{.binary = 1.0}.validate(); },
                                {"binary = 1", "[0, 1)"});
}

TEST(RightWrong, IsTheSmallerSide) {
  const auto correct = testing::bits_of({"1010", "1011", "1001", "1000"});
  EXPECT_EQ(right_wrong_disagreement(correct), (std::vector<double>{0.0, 0.0, 0.5, 0.5}));
  expect_error<InvalidArgument>([] { right_wrong_disagreement(BitMatrix(0, 3)); }, {"[0, 3]"});
}

TEST(RightWrong, IsTheVariationRatioOfTwoClasses) {
  // Label 0 throughout: a member is right where its first logit is the larger.
  std::vector<Matrix<float>> members;
  BitMatrix correct(7, 100);
  for (std::int64_t m = 0; m < 7; ++m) {
    members.push_back(normal_matrix(100, 2, static_cast<std::uint64_t>(m)));
    for (std::int64_t i = 0; i < 100; ++i) {
      if (members.back()(i, 0) >= members.back()(i, 1)) correct.set(m, i);
    }
  }
  const auto ratios = scores_of(members, Acquisition::variation_ratio);
  EXPECT_EQ(right_wrong_disagreement(correct), ratios);
}

TEST(MostUncertain, TakesTheShareTiesToTheLowerId) {
  const std::vector<double> scores = {0.5, 0.9, 0.5, 0.1, 0.5};
  EXPECT_EQ(most_uncertain(scores, 0.6), (std::vector<double>{1, 1, 1, 0, 0}));
  EXPECT_EQ(most_uncertain(scores, 0.8), (std::vector<double>{1, 1, 1, 0, 1}));
  EXPECT_EQ(most_uncertain(scores, 0.001), (std::vector<double>{0, 1, 0, 0, 0}));
  EXPECT_EQ(most_uncertain(scores, 0.999), (std::vector<double>{1, 1, 1, 1, 1}));
}

TEST(MostUncertain, RefusesBadInput) {
  const std::vector<double> scores = {1.0, 2.0};
  for (const double fraction : {0.0, 1.0, -0.5, std::numeric_limits<double>::quiet_NaN()}) {
    expect_error<InvalidArgument>([&] { most_uncertain(scores, fraction); }, {"(0, 1)"});
  }
  expect_error<InvalidArgument>([] { most_uncertain({}, 0.5); }, {"0 examples"});
}

}  // namespace
}  // namespace winnow::metrics
