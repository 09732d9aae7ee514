#include "io/image_resample.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "io/image_resample_kernels.hpp"
#include "unit/support.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::io {
namespace {

std::vector<std::uint8_t> random_bytes(std::size_t n, std::uint64_t seed) {
  RandomStream random(Seed{seed}, "resample-test");
  std::vector<std::uint8_t> bytes(n);
  for (auto& byte : bytes) {
    // Extremes are where sums would overflow.
    const double draw = random.uniform();
    byte = draw < 0.3 ? 0 : draw < 0.6 ? 255 : static_cast<std::uint8_t>(256.0 * random.uniform());
  }
  return bytes;
}

struct Line {
  std::int64_t in;
  std::int64_t out;
  int crop;
};
/// Enlarged, kept, and reduced by up to 60; crops of every remainder by 4 and 16.
constexpr Line lines[] = {{1, 7, 7},       {5, 64, 30},   {64, 64, 64},  {37, 37, 1},
                          {500, 341, 224}, {500, 256, 3}, {331, 73, 65}, {333, 71, 34},
                          {900, 75, 70},   {2000, 33, 19}};

LineFilter filter_of(const Line& line) {
  return bilinear_filter(
      {line.in, line.out, (line.out - line.crop) / 2, static_cast<double>(line.in)}, line.crop);
}

TEST(BilinearFilter, WeightsOfAPixelSumToOne) {
  for (const Line& line : lines) {
    const LineFilter filter = filter_of(line);
    ASSERT_EQ(filter.first.size(), static_cast<std::size_t>(line.crop));
    for (std::size_t i = 0; i < filter.first.size(); ++i) {
      const auto* weights = filter.weights.data() + static_cast<std::int64_t>(i) * filter.taps;
      // Each is rounded by half a unit at most.
      EXPECT_NEAR(std::accumulate(weights, weights + filter.taps, 0), 1 << 22,
                  static_cast<double>(filter.taps) / 2);
    }
  }
}

TEST(BilinearFilter, OfTheSameLengthKeepsEveryPixel) {
  const LineFilter filter = filter_of({9, 9, 9});
  const auto row = random_bytes(9 + row_slack, 1);
  std::vector<std::uint8_t> out(9 + row_slack);
  scalar::resize_row(filter, 1, row.data(), out.data());
  EXPECT_TRUE(std::equal(row.begin(), row.begin() + 9, out.begin()));
}

/// Half the pixels, by hand: a triangle over four of them, of weights 1, 3, 3, 1 eighths.
TEST(BilinearFilter, HalvesByATriangle) {
  const LineFilter filter = filter_of({8, 4, 4});
  EXPECT_EQ(filter.taps, 4);
  EXPECT_EQ(filter.first[1], 1);
  const std::vector<std::int32_t> inner(filter.weights.begin() + 4, filter.weights.begin() + 8);
  EXPECT_EQ(inner, (std::vector<std::int32_t>{1 << 19, 3 << 19, 3 << 19, 1 << 19}));
}

class Kernels : public ::testing::TestWithParam<std::tuple<Line, int>> {
 protected:
  Line line() const { return std::get<0>(GetParam()); }
  int channels() const { return std::get<1>(GetParam()); }
  std::size_t width() const { return static_cast<std::size_t>(line().crop * channels()); }
};

/// Exact: integers, which wrap no more often than they come back.
TEST_P(Kernels, ResizeRowsAsTheScalarLoopDoes) {
  const LineFilter filter = filter_of(line());
  const auto size = static_cast<std::size_t>((filter.used.size() + filter.taps) * channels());
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto row = random_bytes(size + row_slack, seed);
    std::vector<std::uint8_t> expected(width());
    scalar::resize_row(filter, channels(), row.data(), expected.data());
    std::vector<std::uint8_t> found(width() + row_slack);
    if (avx2::supported() && channels() == 3) {
      avx2::resize_row(avx2::PackedFilter(filter), row.data(), found.data());
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found.begin()));
    }
    found.assign(width() + row_slack, 0);
    if (avx512::supported() && avx512::PackedFilter::fits(filter, channels())) {
      avx512::resize_row(avx512::PackedFilter(filter, channels()), row.data(), found.data());
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found.begin()));
    }
  }
}

TEST_P(Kernels, BlendRowsAsTheScalarLoopDoes) {
  const LineFilter filter = filter_of(line());
  const auto n_rows = static_cast<std::size_t>(filter.taps);
  const auto rows = random_bytes(n_rows * width() + row_slack, 1);
  for (std::size_t n = 1; n <= n_rows; ++n) {
    const RowBlock block{rows.data(), width(), n};
    const std::span weights(filter.weights.data(), n);
    std::vector<std::int32_t> packed;
    std::vector<std::uint8_t> expected(width());
    scalar::pack_weights(weights, packed);
    scalar::blend_rows(block, packed, expected.data());
    std::vector<std::uint8_t> found(width());
    if (avx2::supported()) {
      avx2::pack_weights(weights, packed);
      avx2::blend_rows(block, packed, found.data());
      EXPECT_EQ(found, expected) << n;
    }
    found.assign(width(), 0);
    if (avx512::supported()) {
      avx512::pack_weights(weights, packed);
      avx512::blend_rows(block, packed, found.data());
      EXPECT_EQ(found, expected) << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lines, Kernels,
                         ::testing::Combine(::testing::ValuesIn(lines), ::testing::Values(1, 3)));

}  // namespace
}  // namespace winnow::io
