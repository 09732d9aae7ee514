#include "winnow/metrics/at_epoch.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::expect_error;
using testing::matrix_of;

TEST(EpochChoice, RoundTrips) {
  for (const char* text : {"early", "last", "mean", "0", "17"}) {
    EXPECT_EQ(EpochChoice::parse("epoch", text).text(), text);
  }
  EXPECT_EQ(EpochChoice::parse("epoch", "17").epoch, 17);
  for (const char* text : {"", "-1", "3.5", "first", "7x"}) {
    expect_error<InvalidArgument>([&] { EpochChoice::parse("epoch", text); },
                                  {"epoch = '" + std::string(text) + "'", "early, last or mean"});
  }
}

TEST(Loss, StaysFinite) {
  const std::vector<float> p{1.0F, 0.25F, 0.0F};
  const auto scores = loss(p, 0x1p-25);
  EXPECT_EQ(scores[0], 0.0);
  EXPECT_NEAR(scores[1], std::log(4.0), 1e-15);
  EXPECT_NEAR(scores[2], 25 * std::log(2.0), 1e-12);
}

TEST(Entropy, ByHand) {
  const auto logits = matrix_of(3, 3, {1, 1, 1, 1000, -1000, 0, 0, 0, -3e38F});
  const auto scores = entropy(logits);
  EXPECT_NEAR(scores[0], std::log(3.0), 1e-15);
  EXPECT_EQ(scores[1], 0.0);
  EXPECT_NEAR(scores[2], std::log(2.0), 1e-15);
}

}  // namespace
}  // namespace winnow::metrics
