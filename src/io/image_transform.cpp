#include "io/image_transform.hpp"

#include <algorithm>
#include <cassert>

#include "io/image_resample.hpp"

namespace winnow::io {

namespace {

/// Python's int(round(excess / 2.0)): halves go to the even side.
std::int64_t rounded_half(std::int64_t excess) {
  const std::int64_t half = excess / 2;
  return excess % 2 == 0 ? half : half + half % 2;
}

}  // namespace

ImageTransform ImageTransform::of(const ReadingOptions& options) {
  const std::int64_t crop = options.image_size;
  // round(crop * 256 / 224); the quotient is never half way.
  const std::int64_t standard = (crop * 8 * 2 + 7) / (7 * 2);
  const std::int64_t resize = options.resize_size > 0 ? options.resize_size : standard;
  return crop == 0 ? ImageTransform{}
                   : ImageTransform{static_cast<int>(resize), static_cast<int>(crop)};
}

ResizedLine ResizedLine::reduced(int factor) const {
  return {(in + factor - 1) / factor, out, begin, length / factor};
}

ResizedSides resized_sides(int height, int width, const ImageTransform& transform) {
  assert(transform.crop > 0 && transform.crop <= transform.resize);
  const std::int64_t shorter = std::min(height, width);
  const auto line = [&](std::int64_t in) {
    const std::int64_t out = in == shorter ? transform.resize : transform.resize * in / shorter;
    return ResizedLine{in, out, rounded_half(out - transform.crop), static_cast<double>(in)};
  };
  return {line(height), line(width)};
}

ImageShape transformed_shape(const ImageShape& source, const ImageTransform& transform) {
  if (transform.keeps()) return source;
  return {transform.crop, transform.crop, source.channels};
}

void transform_image(std::span<const std::uint8_t> pixels, const ImageShape& shape,
                     const ImageTransform& transform, std::span<std::uint8_t> out) {
  assert(static_cast<std::int64_t>(pixels.size()) == shape.size());
  assert(static_cast<std::int64_t>(out.size()) == transformed_shape(shape, transform).size());
  if (transform.keeps()) {
    std::copy(pixels.begin(), pixels.end(), out.begin());
    return;
  }
  resize_pixels(pixels, resized_sides(shape.height, shape.width, transform), transform.crop,
                shape.channels, out);
}

}  // namespace winnow::io
