#include "io/half.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "unit/io/test_files.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

std::vector<std::uint16_t> every_half() {
  std::vector<std::uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  return halves;
}

/// Floats around every boundary of rounding: each half, each middle of two neighbours, and the
/// floats next to those; also values too small and too large, and random bits.
std::vector<float> interesting_floats() {
  std::vector<float> floats = {0x1p-25F,  0x1.000002p-25F, 0x1p-26F,   0x1p-149F, 65519.99F,
                               65520.0F,  65520.01F,       1e30F,      INFINITY,  NAN,
                               3.402e38F, 0x1p-126F,       0x1.8p-25F, 65504.0F,  0x1p-24F};
  for (std::uint16_t half = 0; half < 0x7C00U; ++half) {
    const float value = half_to_float(half);
    const float middle = value + (half_to_float(static_cast<std::uint16_t>(half + 1)) - value) / 2;
    for (const float x : {value, middle}) {
      floats.insert(floats.end(), {x, std::nextafter(x, 0.0F), std::nextafter(x, INFINITY)});
    }
  }
  RandomStream random(Seed{1}, "half-test");
  for (int i = 0; i < 100'000; ++i) {
    floats.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random.uniform() * 0x1p32)));
  }
  const std::size_t n = floats.size();
  for (std::size_t i = 0; i < n; ++i) floats.push_back(-floats[i]);
  floats.push_back(std::bit_cast<float>(0x7F800001U));  // a signalling NaN
  return floats;
}

/// The definition: the finite half at the least distance, of two the one with an even fraction.
std::uint16_t nearest_half(float value) {
  const double wanted = std::abs(static_cast<double>(value));
  std::uint16_t low = 0;
  std::uint16_t high = 0x7C00U;  // stands for 2^16 here: where the next half would be
  const auto magnitude = [](std::uint16_t half) {
    return half == 0x7C00U ? 65536.0 : static_cast<double>(half_to_float(half));
  };
  while (high - low > 1) {
    const auto middle = static_cast<std::uint16_t>((low + high) / 2);
    (magnitude(middle) <= wanted ? low : high) = middle;
  }
  const double below = wanted - magnitude(low);
  const double above = magnitude(high) - wanted;
  const bool up = above < below || (above == below && (low & 1U) == 1U);
  return static_cast<std::uint16_t>((std::signbit(value) ? 0x8000U : 0U) | (up ? high : low));
}

TEST(Half, RoundsToTheNearestTiesToEven) {
  for (const float value : interesting_floats()) {
    if (std::isnan(value)) {
      EXPECT_EQ(float_to_half(value) & 0x7E00U, 0x7E00U);
    } else {
      ASSERT_EQ(float_to_half(value), nearest_half(value)) << value;
    }
  }
}

TEST(Half, GoesThereAndBack) {
  for (const std::uint16_t half : every_half()) {
    const bool is_nan = (half & 0x7FFFU) > 0x7C00U;
    EXPECT_EQ(float_to_half(half_to_float(half)), is_nan ? half | 0x0200U : half);
  }
}

/// Bit for bit, on odd sizes, from addresses that are not aligned.
TEST(Half, TheKernelsAgree) {
  if (!f16c::supported()) GTEST_SKIP() << "no F16C";
  const auto halves = every_half();
  std::vector<std::byte> shifted(2 * halves.size() + 1);
  std::memcpy(shifted.data() + 1, halves.data(), 2 * halves.size());
  std::vector<float> slow(halves.size());
  std::vector<float> fast(halves.size());
  scalar::widen_halves(shifted.data() + 1, slow);
  f16c::widen_halves(shifted.data() + 1, fast);
  EXPECT_EQ(std::memcmp(slow.data(), fast.data(), slow.size() * sizeof(float)), 0);

  const auto floats = interesting_floats();
  std::vector<std::uint16_t> slow_halves(floats.size());
  std::vector<std::uint16_t> fast_halves(floats.size());
  scalar::narrow_to_halves(floats, slow_halves.data());
  f16c::narrow_to_halves(floats, fast_halves.data());
  for (std::size_t i = 0; i < floats.size(); ++i) {
    ASSERT_EQ(slow_halves[i], fast_halves[i]) << floats[i];
  }
  for (std::size_t n = 0; n < 40; ++n) {
    std::vector<float> few(n + 1, -1.0F);
    f16c::widen_halves(shifted.data() + 1, std::span(few).first(n));
    EXPECT_EQ(std::memcmp(few.data(), slow.data(), n * sizeof(float)), 0) << n;
    EXPECT_EQ(few[n], -1.0F) << "wrote beyond the end";
    std::vector<std::uint16_t> few_halves(n + 1, 7);
    f16c::narrow_to_halves(std::span(floats).first(n), few_halves.data());
    EXPECT_EQ(std::memcmp(few_halves.data(), slow_halves.data(), 2 * n), 0) << n;
    EXPECT_EQ(few_halves[n], 7) << "wrote beyond the end";
  }
}

}  // namespace
}  // namespace winnow::io
