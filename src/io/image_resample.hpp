#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/image_transform.hpp"

namespace winnow::io {

/// Pixels [begin, end) of a line.
struct PixelRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// For every pixel of a resized line the source pixels it is made of and their weights:
///
///     out[i] = min(255, (2^21 + sum_t weights[i * taps + t] * in[first[i] + t]) >> 22)
///
/// Pillow's antialiased bilinear filter: a triangle as wide as two output pixels (two source pixels
/// when enlarging), cut off at the image's ends, of sum one before it is rounded to 22 bits.
struct LineFilter {
  std::int64_t taps = 0;              ///< Weights per output pixel, a multiple of 4.
  std::vector<std::int64_t> first;    ///< [crop]
  std::vector<std::int32_t> weights;  ///< [crop, taps] in [0, 2^22]; 0 beyond the pixel's own.
  PixelRange used;                    ///< All source pixels that have a weight.
};

/// The filter of the `crop` pixels of `line` from `line.begin` on.
LineFilter bilinear_filter(const ResizedLine& line, int crop);

/// Resizes and cuts an image that comes row by row, so that a decoder need not keep the whole of
/// it: each row is resized when it comes, the columns in the end. Takes crop x channels bytes for
/// each row added.
class Resampler {
 public:
  Resampler(const ResizedSides& sides, int crop, int channels);
  ~Resampler();
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  /// The source pixels that matter.
  PixelRange rows() const { return vertical_.used; }
  PixelRange columns() const { return horizontal_.used; }

  /// The next row of rows().
  /// @param row    Pixels from column `begin` on, at least to columns().end. It is copied, unless
  ///               padding() more bytes of any value follow.
  /// @param begin  At most columns().begin.
  void add_row(std::span<const std::uint8_t> row, std::int64_t begin);
  std::size_t padding() const;
  /// After the last row. @param out  [crop, crop, channels]
  void finish(std::span<std::uint8_t> out) const;

 private:
  std::int64_t crop_;
  int channels_;
  LineFilter horizontal_;
  LineFilter vertical_;
  struct Kernels;
  std::unique_ptr<Kernels> kernels_;
  std::vector<std::uint8_t> row_;  ///< A row of the source with its padding.
  std::unique_ptr<std::uint8_t[]> resized_rows_;
  std::int64_t n_added_ = 0;
};

/// The same of an image in memory. @param pixels  [sides.rows.in, sides.columns.in, channels]
void resize_pixels(std::span<const std::uint8_t> pixels, const ResizedSides& sides, int crop,
                   int channels, std::span<std::uint8_t> out);

}  // namespace winnow::io
