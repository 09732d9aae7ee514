#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "io/image_transform.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// @throws BadFile unless both sides fit an int, are at least 1 and their product at most
///         `max_pixels`.
ImageShape checked_image_shape(std::int64_t height, std::int64_t width, int channels,
                               const std::string& name,
                               std::int64_t max_pixels = ReadingOptions{}.max_pixels);

/// "image/jpeg", "image/png" or "image/webp", told by the first bytes.
/// @throws BadFile for anything else.
std::string image_mime(std::span<const std::byte> bytes, const std::string& name);

/// Shape of a JPEG, PNG or WebP from its header alone, turned upright; always three channels.
/// @param name        The file, for messages.
/// @param max_pixels  See ReadingOptions.
/// @throws BadFile damaged, animated, of two channels, or of more than `max_pixels` pixels.
ImageShape probe_image(std::span<const std::byte> bytes, const std::string& name,
                       std::int64_t max_pixels);

struct DecodeOptions {
  ImageTransform transform;
  std::int64_t max_pixels = ReadingOptions{}.max_pixels;
};

/// A JPEG is decoded at half, a quarter or an eighth of its size where that leaves its shorter side
/// at least this many times as long as the transform makes it. Against decoding all of it, at
/// quality 85 to 95: the mean difference is below 0.35 grey levels; on photo-like pictures none is
/// above 2, and fewer than one value of 1000 differs by 2; with hard edges, noise or much fine
/// detail none is above 4, and fewer than one of 50 differs by more than 1. At 2 in place of 4 up
/// to 15 % would. docs/design/005-image-decoding.md has the measurements.
constexpr int least_oversampling = 4;

/// Decodes a JPEG, PNG or WebP to 8-bit RGB, HWC, turns it upright as EXIF says (in a PNG, where
/// that stands before the pixels) and transforms it.
///
/// Colours are what Pillow's convert("RGB") gives: grey is repeated, palettes are looked up, alpha
/// is dropped, CMYK is taken for inverted as Adobe writes it; colour profiles are not applied. Two
/// things differ. Of PNGs with 16 bits every channel is scaled, v * 255 / 65535 rounded, where
/// Pillow takes the upper byte of colours and cuts grey off at 255. A large JPEG that is
/// transformed is first reduced in its DCT domain, see `least_oversampling`.
///
/// Memory: without a transform up to two copies of the image; with one, of the pixels only
/// interlaced PNG, WebP and images that must be turned are kept as a whole, next to crop x rows.
/// Progressive JPEGs also take 6 bytes a pixel for coefficients. All of it is bounded by
/// max_pixels.
///
/// @param expected  Shape after the transform; [expected.size()] is out's.
/// @throws BadFile damaged or truncated anywhere, whatever the transform; too large; or of another
///                 shape.
void decode_image(std::span<const std::byte> bytes, const std::string& name,
                  const DecodeOptions& options, const ImageShape& expected,
                  std::span<std::uint8_t> out);

/// A PNG of 8-bit pixels, grey for one channel, RGB for three.
std::string encode_png(std::span<const std::uint8_t> pixels, const ImageShape& shape);

}  // namespace winnow::io
