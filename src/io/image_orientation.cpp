#include "io/image_orientation.hpp"

#include <algorithm>
#include <cassert>

namespace winnow::io {

namespace {

bool exchanges_sides(Orientation orientation) { return orientation >= 5; }

}  // namespace

ImageShape upright_shape(const ImageShape& stored, Orientation orientation) {
  if (!exchanges_sides(orientation)) return stored;
  return {stored.width, stored.height, stored.channels};
}

void turn_upright(std::span<const std::uint8_t> pixels, const ImageShape& stored,
                  Orientation orientation, std::span<std::uint8_t> out) {
  assert(pixels.size() == out.size() && orientation >= 1 && orientation <= 8);
  const ImageShape upright = upright_shape(stored, orientation);
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const std::int64_t row = std::int64_t{stored.width} * stored.channels;
  const std::int64_t down = from_bottom ? -row : row;
  const std::int64_t right = from_right ? -stored.channels : stored.channels;
  const std::int64_t start =
      (from_bottom ? (stored.height - 1) * row : 0) + (from_right ? row - stored.channels : 0);
  const std::int64_t next_row = exchanges_sides(orientation) ? right : down;
  const std::int64_t next_pixel = exchanges_sides(orientation) ? down : right;
  std::uint8_t* to = out.data();
  for (int y = 0; y < upright.height; ++y) {
    const std::uint8_t* from = pixels.data() + start + y * next_row;
    for (int x = 0; x < upright.width; ++x, from += next_pixel) {
      to = std::copy_n(from, upright.channels, to);
    }
  }
}

}  // namespace winnow::io
