#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

/// Noise with a bright quadrant; which one is the class.
struct Quadrants {
  io::ImageShape shape;
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;

  Quadrants(std::int64_t n, io::ImageShape dimensions, Seed seed) : shape(dimensions) {
    RandomStream random(seed, "quadrants");
    for (std::int64_t i = 0; i < n; ++i) {
      const auto label = static_cast<std::int32_t>(random.below(4));
      labels.push_back(label);
      for (int row = 0; row < shape.height; ++row) {
        for (int column = 0; column < shape.width; ++column) {
          const int quadrant = 2 * (2 * row / shape.height) + 2 * column / shape.width;
          for (int channel = 0; channel < shape.channels; ++channel) {
            const std::uint64_t bright = quadrant == label ? 130 : 0;
            pixels.push_back(static_cast<std::uint8_t>(bright + random.below(120)));
          }
        }
      }
    }
  }
  LabelledImages view() const { return {pixels, shape, labels}; }
};

}  // namespace winnow::train
