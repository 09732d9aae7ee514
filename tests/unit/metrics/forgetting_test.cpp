#include "winnow/metrics/forgetting.hpp"

#include <gtest/gtest.h>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

/// [epochs, n] from one text an example, e.g. "0110".
Matrix<std::uint8_t> histories(const std::vector<std::string>& texts) {
  Matrix<std::uint8_t> correct(static_cast<std::int64_t>(texts[0].size()),
                               static_cast<std::int64_t>(texts.size()));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t t = 0; t < texts[i].size(); ++t) {
      correct(static_cast<std::int64_t>(t), static_cast<std::int64_t>(i)) = texts[i][t] == '1';
    }
  }
  return correct;
}

using Counts = std::vector<std::int32_t>;

TEST(ForgettingCounts, AreTransitionsFromCorrectToWrong) {
  EXPECT_EQ(forgetting_counts(histories({"0000", "1111", "0001", "1000", "1010", "0110"}).view()),
            (Counts{-1, 0, 0, 1, 2, 1}));
  EXPECT_EQ(forgetting_counts(histories({"1", "0"}).view()), (Counts{0, -1}));
}

TEST(ForgettingCounts, RefuseWhatIsNoFlag) {
  Matrix<std::uint8_t> correct(3, 40);
  correct(1, 37) = 2;
  EXPECT_THROW(forgetting_counts(correct.view()), InvalidArgument);
}

TEST(ForgettingCounts, OfMoreEpochsThanAByteCounts) {
  for (const std::int64_t epochs : {254, 255, 256, 511, 1201}) {
    Matrix<std::uint8_t> correct(epochs, 2);
    for (std::int64_t t = 0; t < epochs; t += 2) correct(t, 0) = 1;
    correct(epochs - 1, 1) = 1;
    EXPECT_EQ(forgetting_counts(correct.view()),
              (Counts{static_cast<std::int32_t>(epochs / 2), 0}));
  }
}

TEST(Forgetting, OfWhatWasNeverLearned) {
  const Counts counts{-1, 0, 3, 2, -1};
  using Scores = std::vector<double>;
  EXPECT_EQ(forgetting(counts, 8, {NeverLearned::epochs}), (Scores{8, 0, 3, 2, 8}));
  EXPECT_EQ(forgetting(counts, 8, {NeverLearned::max}), (Scores{3, 0, 3, 2, 3}));
  EXPECT_EQ(forgetting(counts, 8, {NeverLearned::inf}), (Scores{1e9, 0, 3, 2, 1e9}));
  EXPECT_EQ(forgetting(counts, 8, {NeverLearned::zero}), (Scores{0, 0, 3, 2, 0}));
  EXPECT_EQ(forgetting(Counts{-1}, 8, {NeverLearned::max}), (Scores{0}));
}

}  // namespace
}  // namespace winnow::metrics
