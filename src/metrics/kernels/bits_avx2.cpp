#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "metrics/kernels/bit_kernels.hpp"

namespace winnow::metrics::avx2 {
namespace {

// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "metrics/kernels/bit_loops.inl"

const __m256i* as_vector(const void* values) { return static_cast<const __m256i*>(values); }

/// Ones in every byte: a table of the ones in four bits, looked up twice (Mula et al. 2018,
/// "Faster population counts using AVX2 instructions").
__m256i ones_per_byte(__m256i bits) {
  const __m256i ones_of = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low_bits = _mm256_set1_epi8(0x0F);
  const __m256i low = _mm256_and_si256(bits, low_bits);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bits, 4), low_bits);
  return _mm256_add_epi8(_mm256_shuffle_epi8(ones_of, low), _mm256_shuffle_epi8(ones_of, high));
}

/// A byte holds the ones of this many bytes: 31 * 8 = 248.
constexpr std::int64_t words_per_byte_sum = 31;

/// The four 64-bit sums, each below 2^31, as 32-bit ones.
__m128i narrow(__m256i sums) {
  const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
  return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(sums, even));
}

void count_common(const BitRows& rows, const BitTiles& tiles, std::int64_t words,
                  std::int32_t* counts, std::int64_t stride) {
  const __m256i zero = _mm256_setzero_si256();
  for (std::int64_t tile = 0; tile < tiles.count; ++tile) {
    const std::uint64_t* side = tiles.words + tile * words * tile_rows;
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const std::uint64_t* row = rows.words + r * rows.stride;
      __m256i sums[2] = {zero, zero};
      for (std::int64_t begin = 0; begin < words; begin += words_per_byte_sum) {
        const std::int64_t end = std::min(words, begin + words_per_byte_sum);
        __m256i byte_sums[2] = {zero, zero};
        for (std::int64_t w = begin; w < end; ++w) {
          const __m256i word = _mm256_set1_epi64x(static_cast<std::int64_t>(row[w]));
          for (int half = 0; half < 2; ++half) {
            const __m256i other = _mm256_loadu_si256(as_vector(side + w * tile_rows + 4 * half));
            byte_sums[half] =
                _mm256_add_epi8(byte_sums[half], ones_per_byte(_mm256_and_si256(word, other)));
          }
        }
        for (int half = 0; half < 2; ++half) {
          sums[half] = _mm256_add_epi64(sums[half], _mm256_sad_epu8(byte_sums[half], zero));
        }
      }
      std::int32_t* out = counts + r * stride + tile * tile_rows;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), narrow(sums[0]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4), narrow(sums[1]));
    }
  }
}

/// Four values with 64 bits each.
__m256i widened(const std::int32_t* values) {
  return _mm256_cvtepi32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values)));
}

std::int64_t sum_of(__m256i values) {
  std::int64_t lanes[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), values);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

Differences differences(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                        std::int64_t scale_a, std::int64_t scale_b, std::uint64_t* signs) {
  const __m256i a = _mm256_set1_epi64x(scale_a);
  const __m256i b = _mm256_set1_epi64x(scale_b);
  const __m256i zero = _mm256_setzero_si256();
  __m256i highest = _mm256_set1_epi64x(std::numeric_limits<std::int64_t>::min());
  __m256i sum_abs = zero;
  const std::int64_t whole = n / 64 * 64;
  for (std::int64_t begin = 0; begin < whole; begin += 64) {
    std::uint64_t word = 0;
    for (std::int64_t j = 0; j < 64; j += 4) {
      const __m256i x = _mm256_sub_epi64(_mm256_mul_epi32(a, widened(counts + begin + j)),
                                         _mm256_mul_epi32(b, widened(totals + begin + j)));
      const __m256i negative = _mm256_cmpgt_epi64(zero, x);
      highest = _mm256_blendv_epi8(highest, x, _mm256_cmpgt_epi64(x, highest));
      sum_abs =
          _mm256_add_epi64(sum_abs, _mm256_sub_epi64(_mm256_xor_si256(x, negative), negative));
      const auto minus = static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(negative)));
      word |= std::uint64_t{~minus & 0xFU} << j;
    }
    signs[begin / 64] = word;
  }
  std::int64_t lanes[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), highest);
  Differences found{*std::max_element(lanes, lanes + 4), sum_of(sum_abs)};
  add_differences(counts, totals, whole, n, scale_a, scale_b, signs, found);
  return found;
}

Moments moments(const std::int32_t* counts, const std::int32_t* totals, std::int64_t n,
                const std::uint64_t* chosen) {
  const __m256i bit_of_lane = _mm256_setr_epi64x(1, 2, 4, 8);
  __m256i sums[4];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  const std::int64_t whole = n / 64 * 64;
  for (std::int64_t begin = 0; begin < whole; begin += 64) {
    std::uint64_t word = chosen[begin / 64];
    for (std::int64_t m = begin; m < begin + 64; m += 4, word >>= 4U) {
      const __m256i x =
          _mm256_sub_epi64(_mm256_slli_epi64(widened(counts + m), 1), widened(totals + m));
      const __m256i square = _mm256_mul_epi32(x, x);
      const __m256i bits = _mm256_set1_epi64x(static_cast<std::int64_t>(word));
      const __m256i mask = _mm256_cmpeq_epi64(_mm256_and_si256(bits, bit_of_lane), bit_of_lane);
      sums[0] = _mm256_add_epi64(sums[0], x);
      sums[1] = _mm256_add_epi64(sums[1], square);
      sums[2] = _mm256_add_epi64(sums[2], _mm256_and_si256(x, mask));
      sums[3] = _mm256_add_epi64(sums[3], _mm256_and_si256(square, mask));
    }
  }
  Moments found{sum_of(sums[0]), sum_of(sums[1]), sum_of(sums[2]), sum_of(sums[3])};
  add_moments(counts, totals, whole, n, chosen, found);
  return found;
}

constexpr BitKernels table{count_pair, count_common, differences, moments};

}  // namespace

const BitKernels& bit_kernels() { return table; }

}  // namespace winnow::metrics::avx2
