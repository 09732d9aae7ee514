#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// The PNG and JPEG halves of image_decode.hpp; `out` is RGB of the given shape.
ImageShape probe_png(std::span<const std::byte> bytes, const std::string& name,
                     std::int64_t max_pixels);
void decode_png(std::span<const std::byte> bytes, const std::string& name, const ImageShape& shape,
                std::span<std::uint8_t> out);
ImageShape probe_jpeg(std::span<const std::byte> bytes, const std::string& name,
                      std::int64_t max_pixels);
void decode_jpeg(std::span<const std::byte> bytes, const std::string& name, const ImageShape& shape,
                 std::span<std::uint8_t> out);

/// @throws BadFile unless `found` is `expected`.
void require_shape(const ImageShape& found, const ImageShape& expected, const std::string& name);

}  // namespace winnow::io
