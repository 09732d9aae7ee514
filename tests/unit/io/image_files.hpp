#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/image_decode.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

constexpr std::int64_t max_pixels = ReadingOptions{}.max_pixels;

struct PixelArray {
  ImageShape shape;
  std::vector<std::uint8_t> values;
};

/// A fixture `.npy` of [height, width, channels].
inline PixelArray pixels_of(const std::string& name) {
  const NpyFile file(fixture(name));
  const auto& shape = file.shape();
  PixelArray array{
      {static_cast<int>(shape.at(0)), static_cast<int>(shape.at(1)), static_cast<int>(shape.at(2))},
      std::vector<std::uint8_t>(static_cast<std::size_t>(file.size()))};
  file.read<std::uint8_t>(0, array.values);
  return array;
}

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// The image in `bytes` after `transform`.
inline std::vector<std::uint8_t> decoded(const std::string& bytes, const std::string& name,
                                         const ImageTransform& transform) {
  const ImageShape shape =
      transformed_shape(probe_image(as_bytes(bytes), name, max_pixels), transform);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.size()));
  decode_image(as_bytes(bytes), name, {.transform = transform}, shape, pixels);
  return pixels;
}

inline std::vector<std::uint8_t> transformed(const PixelArray& image,
                                             const ImageTransform& transform) {
  std::vector<std::uint8_t> out(
      static_cast<std::size_t>(transformed_shape(image.shape, transform).size()));
  transform_image(image.values, image.shape, transform, out);
  return out;
}

/// `value` as four bytes, the most significant one first.
inline std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

inline std::string png_chunk(const std::string& kind, const std::string& data) {
  const std::string body = kind + data;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): chars to uchar
  const auto* bytes = reinterpret_cast<const unsigned char*>(body.data());
  const auto sum = static_cast<std::uint32_t>(crc32(0, bytes, static_cast<unsigned>(body.size())));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(sum);
}

}  // namespace winnow::io
