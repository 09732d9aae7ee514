#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "io/image_transform.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// @throws BadFile unless both sides are at least 1 and there are at most `max_pixels` pixels.
ImageShape checked_image_shape(std::int64_t height, std::int64_t width, int channels,
                               const std::string& name,
                               std::int64_t max_pixels = ReadingOptions{}.max_pixels);

/// "image/jpeg" or "image/png", told by the first bytes. @throws BadFile for anything else.
std::string image_mime(std::span<const std::byte> bytes, const std::string& name);

/// Shape of a JPEG or PNG from its header alone; always three channels.
/// @param name        The file, for messages.
/// @param max_pixels  See ReadingOptions.
/// @throws BadFile damaged, CMYK, or more than `max_pixels` pixels.
ImageShape probe_image(std::span<const std::byte> bytes, const std::string& name,
                       std::int64_t max_pixels);

struct DecodeOptions {
  ImageTransform transform;
  std::int64_t max_pixels = ReadingOptions{}.max_pixels;
};

/// Decodes a JPEG or PNG to 8-bit RGB, HWC, and transforms it. Grey is repeated, palettes are
/// looked up, 16 bits are scaled to 8 (v * 255 / 65535, rounded), transparency is laid over black.
/// EXIF orientation and colour profiles are not applied.
/// @param expected  Shape after the transform; [expected.size()] is out's.
/// @throws BadFile damaged, truncated, too large, or of another shape.
void decode_image(std::span<const std::byte> bytes, const std::string& name,
                  const DecodeOptions& options, const ImageShape& expected,
                  std::span<std::uint8_t> out);

/// A PNG of 8-bit pixels, grey for one channel, RGB for three.
std::string encode_png(std::span<const std::uint8_t> pixels, const ImageShape& shape);

}  // namespace winnow::io
