#pragma once

#include <cstdint>

namespace winnow::metrics {

/// Rows of bits that count_common() takes side by side: word w of all of them, then word w + 1.
inline constexpr std::int64_t tile_rows = 8;

/// Ones of two rows, and those in common.
struct PairCounts {
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t both = 0;
};

/// Some rows of bits, `stride` words apart.
struct BitRows {
  const std::uint64_t* words = nullptr;
  std::int64_t count = 0;
  std::int64_t stride = 0;
};

/// `count` tiles of `words` x tile_rows words, one after the other.
struct BitTiles {
  const std::uint64_t* words = nullptr;
  std::int64_t count = 0;
};

/// What differences x_j = scale_a counts_j - scale_b totals_j came to.
struct Differences {
  std::int64_t highest = 0;
  std::int64_t sum_abs = 0;
};

/// Sums of x_m = 2 counts_m - totals_m and of x_m^2, over all m and over those chosen.
struct Moments {
  std::int64_t sum = 0;
  std::int64_t squares = 0;
  std::int64_t chosen_sum = 0;
  std::int64_t chosen_squares = 0;
};

/// The inner loops over bits, compiled once per instruction set; all give the same integers.
struct BitKernels {
  PairCounts (*count_pair)(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words);
  /// counts[r * stride + j] = ones common to row r and the j-th row of the tiles, over `words`
  /// words; `counts` has room for all rows of the tiles.
  void (*count_common)(const BitRows& rows, const BitTiles& tiles, std::int64_t words,
                       std::int32_t* counts, std::int64_t stride);
  /// Of n >= 1 differences; bit j of `signs` becomes x_j >= 0 (n bits, whole words written).
  /// Counts, totals and scales lie in [0, 2^31); the sum of sizes must not reach 2^63.
  Differences (*differences)(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                             std::int64_t scale_a, std::int64_t scale_b, std::uint64_t* signs);
  /// Of n values, those chosen whose bit is set. Counts and totals lie in [0, 2^30), the sum of
  /// squares must not reach 2^63.
  Moments (*moments)(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                     const std::uint64_t* chosen);
};

namespace scalar {
const BitKernels& bit_kernels();
}
namespace avx2 {
const BitKernels& bit_kernels();
}
namespace avx512 {
const BitKernels& bit_kernels();
}

/// The table for the instruction set in force; cheap, but fetch it outside of inner loops.
const BitKernels& bit_kernels();

}  // namespace winnow::metrics
