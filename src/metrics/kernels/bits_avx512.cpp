#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "metrics/kernels/bit_kernels.hpp"

namespace winnow::metrics::avx512 {
namespace {

// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "metrics/kernels/bit_loops.inl"

/// `height` rows against one tile: a load, then an and, a count and an addition a row and word.
template <int height>
void count_rows(const std::uint64_t* rows, std::int64_t row_stride, const std::uint64_t* tile,
                std::int64_t words, std::int32_t* counts, std::int64_t stride) {
  __m512i sums[height];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (std::int64_t w = 0; w < words; ++w) {
    const __m512i other = _mm512_loadu_si512(tile + w * tile_rows);
    for (int r = 0; r < height; ++r) {
      const auto word = static_cast<std::int64_t>(rows[r * row_stride + w]);
      const __m512i common = _mm512_and_si512(other, _mm512_set1_epi64(word));
      sums[r] = _mm512_add_epi64(sums[r], _mm512_popcnt_epi64(common));
    }
  }
  for (int r = 0; r < height; ++r) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(counts + r * stride),
                        _mm512_cvtepi64_epi32(sums[r]));
  }
}

void count_common(const BitRows& rows, const BitTiles& tiles, std::int64_t words,
                  std::int32_t* counts, std::int64_t stride) {
  constexpr std::int64_t height = 4;
  for (std::int64_t tile = 0; tile < tiles.count; ++tile) {
    const std::uint64_t* side = tiles.words + tile * words * tile_rows;
    std::int32_t* column = counts + tile * tile_rows;
    std::int64_t r = 0;
    for (; r + height <= rows.count; r += height) {
      count_rows<height>(rows.words + r * rows.stride, rows.stride, side, words,
                         column + r * stride, stride);
    }
    for (; r < rows.count; ++r) {
      count_rows<1>(rows.words + r * rows.stride, rows.stride, side, words, column + r * stride,
                    stride);
    }
  }
}

/// Eight values with 64 bits each.
__m512i widened(const std::int32_t* values) {
  return _mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
}

Differences differences(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                        std::int64_t scale_a, std::int64_t scale_b, std::uint64_t* signs) {
  const __m512i a = _mm512_set1_epi64(scale_a);
  const __m512i b = _mm512_set1_epi64(scale_b);
  __m512i highest = _mm512_set1_epi64(std::numeric_limits<std::int64_t>::min());
  __m512i sum_abs = _mm512_setzero_si512();
  const std::int64_t whole = n / 64 * 64;
  for (std::int64_t begin = 0; begin < whole; begin += 64) {
    std::uint64_t word = 0;
    for (std::int64_t j = 0; j < 64; j += 8) {
      const __m512i x = _mm512_sub_epi64(_mm512_mul_epi32(a, widened(counts + begin + j)),
                                         _mm512_mul_epi32(b, widened(totals + begin + j)));
      highest = _mm512_max_epi64(highest, x);
      sum_abs = _mm512_add_epi64(sum_abs, _mm512_abs_epi64(x));
      const __mmask8 minus = _mm512_movepi64_mask(x);
      word |= std::uint64_t{static_cast<std::uint8_t>(~minus)} << j;
    }
    signs[begin / 64] = word;
  }
  Differences found{_mm512_reduce_max_epi64(highest), _mm512_reduce_add_epi64(sum_abs)};
  add_differences(counts, totals, whole, n, scale_a, scale_b, signs, found);
  return found;
}

Moments moments(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                const std::uint64_t* chosen) {
  __m512i sums[4];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  const std::int64_t whole = n / 64 * 64;
  for (std::int64_t begin = 0; begin < whole; begin += 64) {
    std::uint64_t word = chosen[begin / 64];
    for (std::int64_t m = begin; m < begin + 64; m += 8, word >>= 8U) {
      const __m512i x =
          _mm512_sub_epi64(_mm512_slli_epi64(widened(counts + m), 1), widened(totals + m));
      const __m512i square = _mm512_mul_epi32(x, x);
      const auto mask = static_cast<__mmask8>(word);
      sums[0] = _mm512_add_epi64(sums[0], x);
      sums[1] = _mm512_add_epi64(sums[1], square);
      sums[2] = _mm512_mask_add_epi64(sums[2], mask, sums[2], x);
      sums[3] = _mm512_mask_add_epi64(sums[3], mask, sums[3], square);
    }
  }
  Moments found{_mm512_reduce_add_epi64(sums[0]), _mm512_reduce_add_epi64(sums[1]),
                _mm512_reduce_add_epi64(sums[2]), _mm512_reduce_add_epi64(sums[3])};
  add_moments(counts, totals, whole, n, chosen, found);
  return found;
}

constexpr BitKernels table{count_pair, count_common, differences, moments};

}  // namespace

const BitKernels& bit_kernels() { return table; }

}  // namespace winnow::metrics::avx512
