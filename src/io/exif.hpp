#pragma once

#include <cstddef>
#include <span>

#include "io/image_orientation.hpp"

namespace winnow::io {

/// The orientation an EXIF block tells; 1 when it tells none or is damaged, as Pillow has it.
/// @param exif  TIFF data, with or without "Exif\0\0" before it.
Orientation exif_orientation(std::span<const std::byte> exif);

}  // namespace winnow::io
