#pragma once

#include <cstdint>
#include <span>

#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// What is done to an image once it is decoded: torchvision's Resize(resize) and CenterCrop(crop)
/// on a Pillow image, or nothing when both are 0.
struct ImageTransform {
  int resize = 0;  ///< Length of the shorter side, pixels; at least `crop`.
  int crop = 0;    ///< Side of the square cut out of the centre, pixels.

  /// @param options  Valid.
  static ImageTransform of(const ReadingOptions& options);
  bool keeps() const { return crop == 0; }
  bool operator==(const ImageTransform&) const = default;
};

/// A line of `in` pixels resized to `out`, of which the crop keeps [begin, begin + crop).
struct ResizedLine {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t begin = 0;
  double length = 0.0;  ///< Of the line in pixels: `in`, or less where the last is not a whole one.

  /// The same when the source is replaced by one of whose pixels each stands for `factor`.
  ResizedLine reduced(int factor) const;
};

/// How the sides of an image are resized and cut; `transform` must not keep().
struct ResizedSides {
  ResizedLine rows;
  ResizedLine columns;
};
ResizedSides resized_sides(int height, int width, const ImageTransform& transform);

/// Shape after the transform; channels stay.
ImageShape transformed_shape(const ImageShape& source, const ImageTransform& transform);

/// Applies the transform to 8-bit pixels in memory, HWC.
///
/// The shorter side becomes `resize`, the longer one floor(resize * long / short), with Pillow's
/// antialiased bilinear filter in its own arithmetic; the crop's corner is rounded to even as
/// Python rounds. Equal to torchvision's result, bit for bit.
///
/// @param pixels  [height, width, channels] of `shape`, one or three channels.
/// @param out     [transformed_shape().size()].
void transform_image(std::span<const std::uint8_t> pixels, const ImageShape& shape,
                     const ImageTransform& transform, std::span<std::uint8_t> out);

}  // namespace winnow::io
