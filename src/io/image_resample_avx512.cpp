// GCC's bug 105593: its own headers of intrinsics set off this warning where they are inlined.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <algorithm>

#include "io/image_resample_kernels.hpp"

// An attribute per function in place of a compiler flag: no inline function of a header can be
// compiled here for instructions that other machines lack.
//
// A weight of 22 bits is written with three digits of 8, each in [-128, 127], so that vpdpbusd can
// multiply four pixels by four digits at once: sum = digit sums 0 + 2^8 (1) + 2^16 (2). Sums wrap
// modulo 2^32 on the way, the end result is below 2^31, so that it is the scalar loops' to the bit.

#define WINNOW_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))

namespace winnow::io::avx512 {

namespace {

constexpr int weight_bits = 22;
constexpr int n_digits = 3;
constexpr std::size_t step = 16;    ///< Output values at a time.
constexpr std::size_t vector = 64;  ///< Bytes.

struct Digits {
  explicit Digits(std::int32_t weight) {
    for (std::int8_t& digit : all) {
      digit = static_cast<std::int8_t>(weight & 0xFF);
      weight = (weight - digit) >> 8;
    }
  }
  std::int8_t all[n_digits] = {};
};

/// Distance in bytes from the first tap of a step's first pixel to the last of its first four taps.
std::int64_t reach(const LineFilter& filter, int channels, std::size_t begin) {
  const std::size_t n_values = filter.first.size() * static_cast<std::size_t>(channels);
  const std::size_t last = std::min(begin + step, n_values) - 1;
  const auto pixels = static_cast<std::size_t>(channels);
  return (filter.first[last / pixels] - filter.first[begin / pixels] + 4) * channels - 1;
}

std::int64_t longest_reach(const LineFilter& filter, int channels) {
  std::int64_t longest = 0;
  const std::size_t n_values = filter.first.size() * static_cast<std::size_t>(channels);
  for (std::size_t j = 0; j < n_values; j += step) {
    longest = std::max(longest, reach(filter, channels, j));
  }
  return longest;
}

/// Sums of the three digits, and with them the half that rounds.
struct Sums {
  __m512i digit[n_digits];
};

WINNOW_AVX512 inline Sums no_sums() {
  return {
      {_mm512_set1_epi32(1 << (weight_bits - 1)), _mm512_setzero_si512(), _mm512_setzero_si512()}};
}

WINNOW_AVX512 inline __m512i rounded(const Sums& sums) {
  __m512i sum = _mm512_add_epi32(_mm512_slli_epi32(sums.digit[2], 8), sums.digit[1]);
  sum = _mm512_add_epi32(_mm512_slli_epi32(sum, 8), sums.digit[0]);
  return _mm512_srai_epi32(sum, weight_bits);
}

template <bool narrow>
WINNOW_AVX512 inline void resize(const PackedFilter& filter, const std::uint8_t* row,
                                 std::uint8_t* out) {
  const std::int8_t* weights = filter.weights.data();
  const std::uint8_t* indices = filter.indices.data();
  for (const std::int32_t offset : filter.offsets) {
    const __m512i index = _mm512_loadu_si512(indices);
    const std::uint8_t* from = row + offset;
    Sums sums = no_sums();
    for (std::int64_t t = 0; t < filter.taps; t += 4, from += 4 * filter.channels) {
      const __m512i low = _mm512_loadu_si512(from);
      const __m512i taps =
          narrow ? _mm512_permutexvar_epi8(index, low)
                 : _mm512_permutex2var_epi8(low, index, _mm512_loadu_si512(from + vector));
      for (__m512i& digit : sums.digit) {
        digit = _mm512_dpbusd_epi32(digit, taps, _mm512_loadu_si512(weights));
        weights += vector;
      }
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): unaligned store
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtusepi32_epi8(rounded(sums)));
    indices += vector;
    out += step;
  }
}

/// Columns of up to four rows, multiplied and added to the sums of columns 0 to 3, 4 to 7, 8 to 11,
/// 12 to 15 of every 16.
WINNOW_AVX512 inline void add_rows(const __m512i (&rows)[4], const std::int32_t* packed,
                                   Sums (&sums)[4]) {
  const __m512i low_01 = _mm512_unpacklo_epi8(rows[0], rows[1]);
  const __m512i high_01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
  const __m512i low_23 = _mm512_unpacklo_epi8(rows[2], rows[3]);
  const __m512i high_23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
  const __m512i columns[4] = {
      _mm512_unpacklo_epi16(low_01, low_23), _mm512_unpackhi_epi16(low_01, low_23),
      _mm512_unpacklo_epi16(high_01, high_23), _mm512_unpackhi_epi16(high_01, high_23)};
  for (int d = 0; d < n_digits; ++d) {
    const __m512i weight = _mm512_set1_epi32(packed[d]);
    for (int q = 0; q < 4; ++q) {
      sums[q].digit[d] = _mm512_dpbusd_epi32(sums[q].digit[d], columns[q], weight);
    }
  }
}

}  // namespace

bool supported() {
  static const bool found =
      __builtin_cpu_supports("avx512f") > 0 && __builtin_cpu_supports("avx512bw") > 0 &&
      __builtin_cpu_supports("avx512vl") > 0 && __builtin_cpu_supports("avx512vbmi") > 0 &&
      __builtin_cpu_supports("avx512vnni") > 0;
  return found;
}

bool PackedFilter::fits(const LineFilter& filter, int n_channels) {
  return longest_reach(filter, n_channels) < static_cast<std::int64_t>(2 * vector);
}

PackedFilter::PackedFilter(const LineFilter& filter, int n_channels)
    : taps(filter.taps),
      channels(n_channels),
      narrow(longest_reach(filter, n_channels) < static_cast<std::int64_t>(vector)) {
  const auto per_pixel = static_cast<std::size_t>(channels);
  const std::size_t n_values = filter.first.size() * per_pixel;
  const std::size_t n_steps = (n_values + step - 1) / step;
  const auto n_taps = static_cast<std::size_t>(taps);
  offsets.reserve(n_steps);
  indices.resize(n_steps * vector);
  weights.resize(n_steps * n_taps / 4 * n_digits * vector);
  for (std::size_t j = 0; j < n_values; ++j) {
    const std::size_t at = j / step;
    const std::size_t lane = j % step;
    const std::int64_t origin = filter.first[at * step / per_pixel];
    if (lane == 0) {
      offsets.push_back(static_cast<std::int32_t>((origin - filter.used.begin) * channels));
    }
    const std::size_t pixel = j / per_pixel;
    for (std::size_t t = 0; t < 4; ++t) {
      const auto tap = static_cast<std::size_t>(filter.first[pixel] - origin) + t;
      indices[at * vector + 4 * lane + t] =
          static_cast<std::uint8_t>(tap * per_pixel + j % per_pixel);
    }
    for (std::size_t t = 0; t < n_taps; ++t) {
      const Digits digits(filter.weights[pixel * n_taps + t]);
      std::int8_t* to = weights.data() + (at * n_taps + t / 4 * 4) / 4 * n_digits * vector;
      for (std::size_t d = 0; d < n_digits; ++d) {
        to[d * vector + 4 * lane + t % 4] = digits.all[d];
      }
    }
  }
}

WINNOW_AVX512 void resize_row(const PackedFilter& filter, const std::uint8_t* row,
                              std::uint8_t* out) {
  if (filter.narrow) {
    resize<true>(filter, row, out);
  } else {
    resize<false>(filter, row, out);
  }
}

/// The three digits of every four weights, four to each number.
void pack_weights(std::span<const std::int32_t> weights, std::vector<std::int32_t>& packed) {
  packed.assign((weights.size() + 3) / 4 * n_digits, 0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Digits digits(weights[i]);
    for (std::size_t d = 0; d < n_digits; ++d) {
      packed[i / 4 * n_digits + d] |= static_cast<std::int32_t>(
          static_cast<std::uint32_t>(static_cast<std::uint8_t>(digits.all[d])) << 8 * (i % 4));
    }
  }
}

WINNOW_AVX512 void blend_rows(const RowBlock& rows, const std::vector<std::int32_t>& packed,
                              std::uint8_t* out) {
  for (std::size_t j = 0; j < rows.width; j += vector) {
    const std::size_t left = rows.width - j;
    const __mmask64 mask = left >= vector ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    Sums sums[4] = {no_sums(), no_sums(), no_sums(), no_sums()};
    for (std::size_t i = 0; i < rows.n_rows; i += 4) {
      __m512i four[4];
      for (std::size_t r = 0; r < 4; ++r) {
        const std::size_t row = std::min(i + r, rows.n_rows - 1);
        four[r] = _mm512_maskz_loadu_epi8(mask, rows.first + row * rows.width + j);
      }
      add_rows(four, packed.data() + i / 4 * n_digits, sums);
    }
    const __m512i words_a = _mm512_packs_epi32(rounded(sums[0]), rounded(sums[1]));
    const __m512i words_b = _mm512_packs_epi32(rounded(sums[2]), rounded(sums[3]));
    _mm512_mask_storeu_epi8(out + j, mask, _mm512_packus_epi16(words_a, words_b));
  }
}

}  // namespace winnow::io::avx512
