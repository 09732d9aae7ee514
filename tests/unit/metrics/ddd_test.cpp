#include "winnow/metrics/ddd.hpp"

#include <gtest/gtest.h>

#include "unit/metrics/bits.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::bits_of;
using testing::expect_error;

TEST(Ddd, CountsTheMembersThatAreWrong) {
  const auto result = ddd(bits_of({"10010", "10110", "10100"}));
  EXPECT_EQ(result.scores, (std::vector<double>{0, 3, 1, 1, 3}));
  EXPECT_EQ(result.trivial, 1);
  EXPECT_EQ(result.impossible, 2);
}

TEST(Ddd, ManyMembersAndExamples) {
  const BitMatrix correct = testing::random_bits(131, 300, 0.8, 9);
  const auto result = ddd(correct);
  for (std::int64_t i = 0; i < 300; ++i) {
    int wrong = 0;
    for (std::int64_t m = 0; m < 131; ++m) wrong += correct.test(m, i) ? 0 : 1;
    EXPECT_EQ(result.scores[static_cast<std::size_t>(i)], wrong) << i;
  }
}

TEST(Ddd, RefusesNothing) {
  expect_error<InvalidArgument>([] { ddd(BitMatrix(0, 4)); }, {"[0, 4]", "one member"});
  expect_error<InvalidArgument>([] { ddd(BitMatrix(4, 0)); }, {"[4, 0]", "one example"});
}

}  // namespace
}  // namespace winnow::metrics
