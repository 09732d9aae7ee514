#pragma once

#include <cstdint>
#include <vector>

#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// Image `i` of the fixtures of CIFAR and SVHN, HWC: `images` in make_raw_fixtures.py.
inline std::vector<std::uint8_t> fixture_pixels(int i) {
  std::vector<std::uint8_t> pixels;
  for (int row = 0; row < 32; ++row) {
    for (int column = 0; column < 32; ++column) {
      for (int channel = 0; channel < 3; ++channel) {
        pixels.push_back(
            static_cast<std::uint8_t>((17 * i + 3 * row + 5 * column + 90 * channel) % 256));
      }
    }
  }
  return pixels;
}

inline std::vector<std::uint8_t> pixels_of(const Dataset& data,
                                           const std::vector<std::int64_t>& ids) {
  std::vector<std::uint8_t> pixels(ids.size() *
                                   static_cast<std::size_t>(data.image_shape().size()));
  data.read_images(ids, pixels);
  return pixels;
}

}  // namespace winnow::io
