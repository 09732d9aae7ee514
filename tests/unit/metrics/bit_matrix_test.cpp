#include "winnow/metrics/bit_matrix.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "unit/metrics/bits.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::expect_error;
using testing::random_bits;

TEST(BitMatrix, StartsAtZeroAndKeepsWhatIsSet) {
  BitMatrix bits(3, 130);
  EXPECT_EQ(bits.count(1), 0);
  bits.set(1, 0);
  bits.set(1, 63);
  bits.set(1, 129);
  EXPECT_TRUE(bits.test(1, 129));
  EXPECT_FALSE(bits.test(1, 128));
  EXPECT_FALSE(bits.test(0, 129));
  EXPECT_EQ(bits.count(1), 3);
  EXPECT_EQ(bits.used_words(), 3);
}

TEST(BitMatrix, AssignReplacesARow) {
  BitMatrix bits(2, 67);
  std::vector<std::uint8_t> values(67, 1);
  bits.assign(1, values);
  EXPECT_EQ(bits.count(1), 67);
  values.assign(67, 0);
  values[66] = 255;
  bits.assign(1, values);
  EXPECT_EQ(bits.count(1), 1);
  EXPECT_TRUE(bits.test(1, 66));
  EXPECT_EQ(bits.count(0), 0);
}

TEST(BitMatrix, AssignNeedsOneValueAColumn) {
  BitMatrix bits(1, 5);
  expect_error<InvalidArgument>([&] { bits.assign(0, std::vector<std::uint8_t>(4)); },
                                {"4 values for 5 columns"});
}

TEST(BitMatrix, TransposedSwapsRowsAndColumns) {
  for (const std::int64_t rows : {1, 63, 64, 65, 200}) {
    for (const std::int64_t cols : {1, 64, 127, 300}) {
      const BitMatrix bits = random_bits(rows, cols, 0.4, 7);
      for (std::int64_t begin = 0; begin < cols; begin += 64) {
        const std::int64_t count = std::min<std::int64_t>(130, cols - begin);
        const BitMatrix turned = bits.transposed(begin, count);
        ASSERT_EQ(turned.rows(), count);
        ASSERT_EQ(turned.cols(), rows);
        for (std::int64_t j = 0; j < count; ++j) {
          std::int64_t ones = 0;
          for (std::int64_t i = 0; i < rows; ++i) {
            ASSERT_EQ(turned.test(j, i), bits.test(i, begin + j)) << i << ", " << j;
            ones += bits.test(i, begin + j) ? 1 : 0;
          }
          ASSERT_EQ(turned.count(j), ones) << "bits beyond the last column";
        }
      }
    }
  }
}

}  // namespace
}  // namespace winnow::metrics
