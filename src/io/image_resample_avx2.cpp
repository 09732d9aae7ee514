#include <immintrin.h>

#include <cstring>

#include "io/image_resample_kernels.hpp"

// An attribute per function in place of a compiler flag: no inline function of a header can be
// compiled here for instructions that other machines lack.
//
// A weight of 22 bits is split in 7 high and 15 low ones, so that vpmaddwd can multiply two pixels
// by two weights at once: sum = (high sums << 15) + low sums. Sums wrap modulo 2^32 on the way, the
// end result is below 2^31, so that it is the scalar loops' to the bit.

#define WINNOW_AVX2 __attribute__((target("avx2")))

namespace winnow::io::avx2 {

namespace {

constexpr int weight_bits = 22;
constexpr int low_bits = 15;

std::int16_t low_half(std::int32_t weight) {
  return static_cast<std::int16_t>(weight & ((1 << low_bits) - 1));
}
std::int16_t high_half(std::int32_t weight) {
  return static_cast<std::int16_t>(weight >> low_bits);
}

/// (first, second) as the halves of 32 bits.
std::int32_t pair_of(std::int16_t first, std::int16_t second) {
  return static_cast<std::int32_t>(
      static_cast<std::uint32_t>(static_cast<std::uint16_t>(first)) |
      (static_cast<std::uint32_t>(static_cast<std::uint16_t>(second)) << 16U));
}

WINNOW_AVX2 inline __m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

WINNOW_AVX2 inline __m256i combined(__m256i high, __m256i low) {
  const __m256i half = _mm256_set1_epi32(1 << (weight_bits - 1));
  const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, low_bits), low);
  return _mm256_srai_epi32(_mm256_add_epi32(sum, half), weight_bits);
}

/// Two output pixels, red, green, blue and 0 in each half. Their weights, for every four taps:
/// low and high halves of taps 0 and 1, then of taps 2 and 3.
WINNOW_AVX2 inline __m256i two_pixels(const std::uint8_t* first, const std::uint8_t* second,
                                      const std::int16_t* weights, std::int64_t taps) {
  const __m256i taps_01 = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
  const __m256i taps_23 = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
  __m256i low = _mm256_setzero_si256();
  __m256i high = _mm256_setzero_si256();
  for (std::int64_t t = 0; t < taps; t += 4) {
    const __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(load(first + 3 * t)),
                                                  load(second + 3 * t), 1);
    const __m256i a = _mm256_shuffle_epi8(bytes, taps_01);
    const __m256i b = _mm256_shuffle_epi8(bytes, taps_23);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): loads
    const auto* w = reinterpret_cast<const __m256i*>(weights + 16 * t);
    low = _mm256_add_epi32(low, _mm256_madd_epi16(a, _mm256_loadu_si256(w)));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(a, _mm256_loadu_si256(w + 1)));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(b, _mm256_loadu_si256(w + 2)));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(b, _mm256_loadu_si256(w + 3)));
  }
  return combined(high, low);
}

/// 16 columns of the blended rows, from column `j` on.
WINNOW_AVX2 inline __m128i sixteen_columns(const RowBlock& rows, std::size_t j,
                                           const std::int32_t* packed) {
  __m256i low_a = _mm256_setzero_si256();
  __m256i low_b = low_a;
  __m256i high_a = low_a;
  __m256i high_b = low_a;
  for (std::size_t i = 0; i < rows.n_rows; i += 2) {
    const __m256i low = _mm256_set1_epi32(packed[i]);
    const __m256i high = _mm256_set1_epi32(packed[i + 1]);
    const std::uint8_t* from = rows.first + i * rows.width + j;
    const __m128i upper = load(from);
    const __m128i lower = load(i + 1 < rows.n_rows ? from + rows.width : from);
    const __m256i a = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(upper, lower));
    const __m256i b = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(upper, lower));
    low_a = _mm256_add_epi32(low_a, _mm256_madd_epi16(a, low));
    low_b = _mm256_add_epi32(low_b, _mm256_madd_epi16(b, low));
    high_a = _mm256_add_epi32(high_a, _mm256_madd_epi16(a, high));
    high_b = _mm256_add_epi32(high_b, _mm256_madd_epi16(b, high));
  }
  const __m256i words = _mm256_permute4x64_epi64(
      _mm256_packs_epi32(combined(high_a, low_a), combined(high_b, low_b)), 0xD8);
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

}  // namespace

bool supported() {
  static const bool found = __builtin_cpu_supports("avx2") > 0;
  return found;
}

PackedFilter::PackedFilter(const LineFilter& filter) : taps(filter.taps) {
  const std::size_t n = filter.first.size();
  const auto n_taps = static_cast<std::size_t>(taps);
  const std::size_t padded = (n + 3) / 4 * 4;  // by pixels that have no weights
  offsets.resize(padded);
  weights.resize(padded * n_taps * 8);
  for (std::size_t i = 0; i < n; ++i) {
    offsets[i] = static_cast<std::int32_t>(3 * (filter.first[i] - filter.used.begin));
    for (std::size_t t = 0; t < n_taps; ++t) {
      const std::int32_t weight = filter.weights[i * n_taps + t];
      // Two pixels by four taps are 64 values; three channels and a zero repeat each pair.
      std::int16_t* pair = weights.data() + i / 2 * 16 * n_taps + t / 2 * 32 + i % 2 * 8 + t % 2;
      for (std::size_t channel = 0; channel < 4; ++channel) {
        pair[2 * channel] = low_half(weight);
        pair[2 * channel + 16] = high_half(weight);
      }
    }
  }
}

WINNOW_AVX2 void resize_row(const PackedFilter& filter, const std::uint8_t* row,
                            std::uint8_t* out) {
  const __m128i drop_zeros = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const std::int16_t* weights = filter.weights.data();
  for (std::size_t i = 0; i < filter.offsets.size(); i += 4, out += 12) {
    const std::int32_t* at = filter.offsets.data() + i;
    const __m256i a = two_pixels(row + at[0], row + at[1], weights, filter.taps);
    weights += 16 * filter.taps;
    const __m256i b = two_pixels(row + at[2], row + at[3], weights, filter.taps);
    weights += 16 * filter.taps;
    const __m256i words = _mm256_packs_epi32(a, b);  // pixels 0 and 2, then 1 and 3
    const __m256i bytes = _mm256_packus_epi16(words, words);
    const __m128i in_order =
        _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): unaligned store
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(in_order, drop_zeros));
  }
}

/// Low, then high halves of every two.
void pack_weights(std::span<const std::int32_t> weights, std::vector<std::int32_t>& packed) {
  packed.clear();
  for (std::size_t i = 0; i < weights.size(); i += 2) {
    const std::int32_t second = i + 1 < weights.size() ? weights[i + 1] : 0;
    packed.push_back(pair_of(low_half(weights[i]), low_half(second)));
    packed.push_back(pair_of(high_half(weights[i]), high_half(second)));
  }
}

WINNOW_AVX2 void blend_rows(const RowBlock& rows, const std::vector<std::int32_t>& packed,
                            std::uint8_t* out) {
  for (std::size_t j = 0; j < rows.width; j += 16) {
    const __m128i sixteen = sixteen_columns(rows, j, packed.data());
    if (rows.width - j >= 16) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): unaligned store
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + j), sixteen);
    } else {
      std::memcpy(out + j, &sixteen, rows.width - j);
    }
  }
}

}  // namespace winnow::io::avx2
