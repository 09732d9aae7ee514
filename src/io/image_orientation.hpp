#pragma once

#include <cstdint>
#include <span>

#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// How the stored pixels lie, by EXIF's numbers: 1 upright, 2 mirrored, 3 turned by 180 degrees,
/// 4 flipped, 5 to 8 with rows and columns exchanged.
using Orientation = int;

/// Shape of the upright image.
ImageShape upright_shape(const ImageShape& stored, Orientation orientation);

/// Turns the stored pixels, [stored.size()] HWC, upright. The same as Pillow's exif_transpose().
void turn_upright(std::span<const std::uint8_t> pixels, const ImageShape& stored,
                  Orientation orientation, std::span<std::uint8_t> out);

}  // namespace winnow::io
