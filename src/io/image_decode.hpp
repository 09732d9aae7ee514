#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// @throws BadFile unless both sides lie in [1, 16384].
ImageShape checked_image_shape(std::int64_t height, std::int64_t width, int channels,
                               const std::string& name);

/// "image/jpeg" or "image/png", told by the first bytes. @throws BadFile for anything else.
std::string image_mime(std::span<const std::byte> bytes, const std::string& name);

/// Shape of a JPEG or PNG from its header alone; always three channels.
/// @param name  The file, for messages.
/// @throws BadFile damaged, too large, or CMYK.
ImageShape probe_image(std::span<const std::byte> bytes, const std::string& name);

/// Decodes a JPEG or PNG to 8-bit RGB, HWC. Grey is repeated, palettes are looked up, 16 bits are
/// scaled to 8 (v * 255 / 65535, rounded), transparency is laid over black. EXIF orientation and
/// colour profiles are not applied.
/// @param shape  What probe_image() must say of it.
/// @throws BadFile damaged, truncated, or of another shape.
void decode_image(std::span<const std::byte> bytes, const std::string& name,
                  const ImageShape& shape, std::span<std::uint8_t> out);

/// A PNG of 8-bit pixels, grey for one channel, RGB for three.
std::string encode_png(std::span<const std::uint8_t> pixels, const ImageShape& shape);

}  // namespace winnow::io
