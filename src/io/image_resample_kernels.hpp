#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/image_resample.hpp"

// The loops of both directions, for Resampler and for tests. The scalar ones are the reference; all
// give the same bits. `row` starts at filter.used.begin; rows have row_slack after them (blended
// ones after the last).

namespace winnow::io {

/// Bytes after a row's own that a kernel may read or write, whatever their value, besides the
/// filter's taps.
constexpr std::size_t row_slack = 128;

/// Rows next to each other, `width` bytes each.
struct RowBlock {
  const std::uint8_t* first;
  std::size_t width;
  std::size_t n_rows;
};

namespace scalar {
void resize_row(const LineFilter& filter, int channels, const std::uint8_t* row, std::uint8_t* out);
/// One weight a row, as blend_rows() reads them.
void pack_weights(std::span<const std::int32_t> weights, std::vector<std::int32_t>& packed);
void blend_rows(const RowBlock& rows, const std::vector<std::int32_t>& packed, std::uint8_t* out);
}  // namespace scalar

/// Three channels only.
namespace avx2 {
bool supported();

/// A filter as resize_row() reads it.
struct PackedFilter {
  explicit PackedFilter(const LineFilter& filter);
  std::int64_t taps;
  std::vector<std::int32_t>
      offsets;  ///< Bytes to a pixel's first tap; [crop up to a multiple of 4]
  std::vector<std::int16_t> weights;
};
void resize_row(const PackedFilter& filter, const std::uint8_t* row, std::uint8_t* out);
void pack_weights(std::span<const std::int32_t> weights, std::vector<std::int32_t>& packed);
void blend_rows(const RowBlock& rows, const std::vector<std::int32_t>& packed, std::uint8_t* out);
}  // namespace avx2

/// AVX-512 with VBMI and VNNI; any number of channels.
namespace avx512 {
bool supported();

/// A filter as resize_row() reads it: sixteen output values make a step.
struct PackedFilter {
  /// Whether the source of every sixteen values fits the 128 bytes that a step can look at: up to a
  /// scale of about 7 with three channels.
  static bool fits(const LineFilter& filter, int channels);
  /// @param filter  It fits().
  PackedFilter(const LineFilter& filter, int channels);
  std::int64_t taps;
  int channels;
  bool narrow = true;                 ///< 64 bytes are enough.
  std::vector<std::int32_t> offsets;  ///< [steps], bytes to the first source value
  std::vector<std::uint8_t> indices;  ///< [steps, 64], of four taps of every value
  std::vector<std::int8_t> weights;   ///< [steps, taps / 4, 3 digits, 64]
};
void resize_row(const PackedFilter& filter, const std::uint8_t* row, std::uint8_t* out);
void pack_weights(std::span<const std::int32_t> weights, std::vector<std::int32_t>& packed);
void blend_rows(const RowBlock& rows, const std::vector<std::int32_t>& packed, std::uint8_t* out);
}  // namespace avx512

}  // namespace winnow::io
