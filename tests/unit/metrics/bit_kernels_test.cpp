#include "metrics/kernels/bit_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::metrics {
namespace {

const BitKernels& table_of(Isa isa) {
  if (isa == Isa::avx2) return avx2::bit_kernels();
  if (isa == Isa::avx512) return avx512::bit_kernels();
  return scalar::bit_kernels();
}

bool runs_here(Isa isa) {
  if (isa == Isa::avx2) return __builtin_cpu_supports("avx2") > 0;
  if (isa == Isa::avx512) {
    return __builtin_cpu_supports("avx512f") > 0 && __builtin_cpu_supports("avx512dq") > 0 &&
           __builtin_cpu_supports("avx512vpopcntdq") > 0;
  }
  return true;
}

/// Ones of one word, bit by bit.
std::int64_t ones_of(std::uint64_t word) {
  std::int64_t ones = 0;
  for (; word != 0; word >>= 1U) ones += static_cast<std::int64_t>(word & 1U);
  return ones;
}

/// Every table against loops over bits; words around the 31 that the AVX2 sums of bytes hold.
class BitTable : public ::testing::TestWithParam<std::tuple<Isa, std::int64_t>> {
 protected:
  void SetUp() override {
    if (!runs_here(std::get<0>(GetParam()))) GTEST_SKIP() << "not on this machine";
  }
  const BitKernels& table() const { return table_of(std::get<0>(GetParam())); }
  std::int64_t size() const { return std::get<1>(GetParam()); }
};

/// Random words, of which the first are all ones: the largest counts.
std::vector<std::uint64_t> words_of(std::int64_t count, std::uint64_t seed) {
  std::vector<std::uint64_t> words(static_cast<std::size_t>(count));
  RandomStream random(Seed{seed}, "words");
  for (auto& word : words) word = random.next();
  std::fill_n(words.begin(), count / 2, ~std::uint64_t{0});
  return words;
}

TEST_P(BitTable, CountsOfAPair) {
  const auto a = words_of(size(), 1);
  const auto b = words_of(size(), 2);
  PairCounts expected;
  for (std::size_t w = 0; w < a.size(); ++w) {
    expected.a += ones_of(a[w]);
    expected.b += ones_of(b[w]);
    expected.both += ones_of(a[w] & b[w]);
  }
  const PairCounts counts = table().count_pair(a.data(), b.data(), size());
  EXPECT_EQ(counts.a, expected.a);
  EXPECT_EQ(counts.b, expected.b);
  EXPECT_EQ(counts.both, expected.both);
}

TEST_P(BitTable, CountsInCommon) {
  constexpr std::int64_t n_tiles = 3;
  constexpr std::int64_t others = n_tiles * tile_rows;
  const std::int64_t row_stride = size() + 5;
  for (const std::int64_t n_rows : {1, 4, 7}) {
    const auto rows = words_of(n_rows * row_stride, 3);
    const auto tiles = words_of(others * size(), 4);
    const std::int64_t stride = others + 2;
    std::vector<std::int32_t> counts(static_cast<std::size_t>(n_rows * stride), -1);
    table().count_common({rows.data(), n_rows, row_stride}, {tiles.data(), n_tiles}, size(),
                         counts.data(), stride);
    for (std::int64_t r = 0; r < n_rows; ++r) {
      for (std::int64_t j = 0; j < stride; ++j) {
        std::int64_t expected = j < others ? 0 : -1;  // beyond the tiles nothing is written
        for (std::int64_t w = 0; j < others && w < size(); ++w) {
          const std::int64_t word = ((j / tile_rows) * size() + w) * tile_rows + j % tile_rows;
          expected += ones_of(rows[static_cast<std::size_t>(r * row_stride + w)] &
                              tiles[static_cast<std::size_t>(word)]);
        }
        ASSERT_EQ(counts[static_cast<std::size_t>(r * stride + j)], expected) << r << ", " << j;
      }
    }
  }
}

TEST_P(BitTable, DifferencesAndTheirSigns) {
  RandomStream random(Seed{5}, "differences");
  constexpr std::int64_t largest = std::int64_t{1} << 27;  // sums of 200 stay below 2^62
  // Small ones meet zeros, large ones overflow 32 bits.
  for (const std::int64_t bound : {std::int64_t{4}, std::int64_t{2000}, largest}) {
    std::vector<std::int32_t> counts;
    std::vector<std::int32_t> totals;
    for (std::int64_t j = 0; j < size(); ++j) {
      counts.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(bound))));
      totals.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(bound))));
    }
    for (const auto& [scale_a, scale_b] :
         {std::pair{bound, bound}, std::pair{bound, std::int64_t{0}},
          std::pair{std::int64_t{0}, bound}, std::pair{bound - 1, bound / 2}}) {
      std::vector<std::uint64_t> signs(static_cast<std::size_t>((size() + 63) / 64),
                                       0xAAAAAAAAAAAAAAAAU);
      const Differences found =
          table().differences(counts.data(), totals.data(), size(), scale_a, scale_b, signs.data());
      Differences expected{std::numeric_limits<std::int64_t>::min(), 0};
      for (std::int64_t j = 0; j < size(); ++j) {
        const auto position = static_cast<std::size_t>(j);
        const std::int64_t x = scale_a * counts[position] - scale_b * totals[position];
        expected.highest = std::max(expected.highest, x);
        expected.sum_abs += std::abs(x);
        ASSERT_EQ((signs[position / 64] >> (j % 64) & 1U) != 0, x >= 0) << j;
      }
      if (size() % 64 != 0) {
        EXPECT_EQ(signs.back() >> (size() % 64), 0U);
      }
      EXPECT_EQ(found.highest, expected.highest);
      EXPECT_EQ(found.sum_abs, expected.sum_abs);
    }
  }
}

TEST_P(BitTable, MomentsOfAllAndOfThoseChosen) {
  RandomStream random(Seed{6}, "moments");
  const auto chosen = words_of((size() + 63) / 64 + 1, 7);
  // The squares of the largest overflow 32 bits; 200 of them stay below 2^62.
  for (const std::uint64_t bound : {4U, 2000U, 1U << 26U}) {
    std::vector<std::int32_t> counts;
    std::vector<std::int32_t> totals;
    for (std::int64_t m = 0; m < size(); ++m) {
      counts.push_back(static_cast<std::int32_t>(random.below(bound)));
      totals.push_back(static_cast<std::int32_t>(random.below(bound)));
    }
    Moments expected;
    for (std::int64_t m = 0; m < size(); ++m) {
      const auto position = static_cast<std::size_t>(m);
      const std::int64_t x = 2 * std::int64_t{counts[position]} - totals[position];
      expected.sum += x;
      expected.squares += x * x;
      if ((chosen[position / 64] >> (m % 64) & 1U) == 0) continue;
      expected.chosen_sum += x;
      expected.chosen_squares += x * x;
    }
    const Moments found = table().moments(counts.data(), totals.data(), size(), chosen.data());
    EXPECT_EQ(found.sum, expected.sum);
    EXPECT_EQ(found.squares, expected.squares);
    EXPECT_EQ(found.chosen_sum, expected.chosen_sum);
    EXPECT_EQ(found.chosen_squares, expected.chosen_squares);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, BitTable,
                         ::testing::Combine(::testing::Values(Isa::scalar, Isa::avx2, Isa::avx512),
                                            ::testing::Values(1, 2, 7, 30, 31, 32, 62, 63, 64, 65,
                                                              128, 200)),
                         [](const auto& test) {
                           return std::string(enum_name(std::get<0>(test.param))) + "_" +
                                  std::to_string(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace winnow::metrics
