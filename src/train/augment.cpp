#include "train/augment.hpp"

#include <array>
#include <cmath>

namespace winnow::train {

PixelTable::PixelTable(const LabelledImages& images, std::span<const std::int64_t> ids) {
  const auto channels = static_cast<std::size_t>(images.shape.channels);
  const auto size = static_cast<std::size_t>(images.shape.size());
  std::vector<std::array<std::int64_t, 256>> counts(channels);
  for (const std::int64_t id : ids) {
    const auto image = images.pixels.subspan(static_cast<std::size_t>(id) * size, size);
    for (std::size_t i = 0; i < size; ++i) ++counts[i % channels][image[i]];
  }
  const auto total = static_cast<double>(ids.size()) * images.shape.height * images.shape.width;
  for (const auto& count : counts) {
    double sum = 0.0;
    double square = 0.0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto value = static_cast<double>(byte);
      sum += value * static_cast<double>(count[byte]);
      square += value * value * static_cast<double>(count[byte]);
    }
    const double mean = sum / total;
    const double variance = square / total - mean * mean;
    const double deviation = variance > 1e-9 ? std::sqrt(variance) : 1.0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      values_.push_back(static_cast<float>((static_cast<double>(byte) - mean) / deviation));
    }
  }
}

std::vector<Placement> draw_placements(Seed seed, std::int64_t step, std::int64_t batch_size,
                                       int padding, bool flip) {
  RandomStream random(seed, "augment", static_cast<std::uint64_t>(step));
  const std::uint64_t shifts = 2 * static_cast<std::uint64_t>(padding) + 1;
  std::vector<Placement> placements(static_cast<std::size_t>(batch_size));
  for (Placement& placement : placements) {
    placement.down = static_cast<int>(random.below(shifts)) - padding;
    placement.right = static_cast<int>(random.below(shifts)) - padding;
    placement.mirrored = flip && random.below(2) == 1;
  }
  return placements;
}

void write_image(const LabelledImages& images, std::int64_t id, const PixelTable& table,
                 const Placement& placement, std::span<float> out) {
  const io::ImageShape& shape = images.shape;
  const std::uint8_t* image = images.pixels.data() + id * shape.size();
  float* target = out.data();
  for (int row = 0; row < shape.height; ++row) {
    const int from_row = row - placement.down;
    const bool row_inside = from_row >= 0 && from_row < shape.height;
    for (int column = 0; column < shape.width; ++column) {
      const int shown = placement.mirrored ? shape.width - 1 - column : column;
      const int from_column = shown - placement.right;
      const bool inside = row_inside && from_column >= 0 && from_column < shape.width;
      const std::uint8_t* pixel =
          inside ? image + (from_row * shape.width + from_column) * shape.channels : nullptr;
      for (int channel = 0; channel < shape.channels; ++channel) {
        *target++ = table(pixel == nullptr ? std::uint8_t{0} : pixel[channel], channel);
      }
    }
  }
}

}  // namespace winnow::train
