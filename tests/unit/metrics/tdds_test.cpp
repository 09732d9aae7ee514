#include "winnow/metrics/tdds.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::expect_error;
using testing::matrix_of;

TEST(Tdds, ByHand) {
  // Probabilities (1/2, 1/2), (1/2, 1/2), (3/4, 1/4): movements 0 and m, whose deviation from their
  // mean m / 2 has norm m / sqrt(2).
  const auto three = static_cast<float>(std::log(3.0));
  const auto logits = matrix_of(3, 2, {0, 0, 0, 0, three, 0});
  const double m = 0.75 * std::log(1.5) + 0.25 * std::log(2.0);
  EXPECT_NEAR(tdds(logits, 2, 3, {})[0], 0.9 * m / std::sqrt(2.0), 1e-7);
}

TEST(Tdds, LaterWindowsWeighMore) {
  // The same movement, early in the first example, late in the second.
  Matrix<float> logits(12, 4);
  for (std::int64_t t = 3; t < 12; ++t) logits(t, 0) = 2.0F;
  for (std::int64_t t = 9; t < 12; ++t) logits(t, 2) = 2.0F;
  const auto scores = tdds(logits, 2, 4, {});
  EXPECT_GT(scores[0], 0.0);
  EXPECT_GT(scores[1], 100 * scores[0]);
}

TEST(Tdds, RefusesWhatDoesNotFit) {
  const Matrix<float> logits(5, 6);
  expect_error<InvalidArgument>([&] { tdds(logits, 4, 3, {}); }, {"6 logits of 4 classes"});
  expect_error<InvalidArgument>([&] { tdds(logits, 1, 3, {}); }, {"at least 2 classes"});
  expect_error<InvalidArgument>([&] { tdds(logits, 3, 6, {}); }, {"window = 6 with 5"});
  expect_error<InvalidArgument>([&] { tdds(logits, 3, 3, {.decay = 1.5}); }, {"decay = 1.5"});
}

}  // namespace
}  // namespace winnow::metrics
