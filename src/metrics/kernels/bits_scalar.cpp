#include <algorithm>
#include <bit>
#include <limits>

#include "metrics/kernels/bit_kernels.hpp"

namespace winnow::metrics::scalar {
namespace {

// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "metrics/kernels/bit_loops.inl"

void count_common(const BitRows& rows, const BitTiles& tiles, std::int64_t words,
                  std::int32_t* counts, std::int64_t stride) {
  for (std::int64_t tile = 0; tile < tiles.count; ++tile) {
    const std::uint64_t* side = tiles.words + tile * words * tile_rows;
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const std::uint64_t* row = rows.words + r * rows.stride;
      for (std::int64_t lane = 0; lane < tile_rows; ++lane) {
        std::int32_t ones = 0;
        for (std::int64_t w = 0; w < words; ++w) {
          ones += std::popcount(row[w] & side[w * tile_rows + lane]);
        }
        counts[r * stride + tile * tile_rows + lane] = ones;
      }
    }
  }
}

Differences differences(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                        std::int64_t scale_a, std::int64_t scale_b, std::uint64_t* signs) {
  Differences found{std::numeric_limits<std::int64_t>::min(), 0};
  add_differences(counts, totals, 0, n, scale_a, scale_b, signs, found);
  return found;
}

Moments moments(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                const std::uint64_t* chosen) {
  Moments found;
  add_moments(counts, totals, 0, n, chosen, found);
  return found;
}

constexpr BitKernels table{count_pair, count_common, differences, moments};

}  // namespace

const BitKernels& bit_kernels() { return table; }

}  // namespace winnow::metrics::scalar
