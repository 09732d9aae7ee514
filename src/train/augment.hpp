#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

/// Byte -> standardised float for every channel, (byte - mean) / deviation over the images `ids`.
class PixelTable {
 public:
  /// Channels that never vary get deviation 1.
  PixelTable(const LabelledImages& images, std::span<const std::int64_t> ids);

  float operator()(std::uint8_t byte, int channel) const {
    return values_[static_cast<std::size_t>(channel) * 256 + byte];
  }

 private:
  std::vector<float> values_;  ///< [channels, 256]
};

/// How one image is shown: moved down and right (what comes in is 0), then mirrored.
struct Placement {
  int down = 0;
  int right = 0;
  bool mirrored = false;
};

/// Shifts uniform in [-padding, padding] and fair mirroring, for one training step's batch.
std::vector<Placement> draw_placements(Seed seed, std::int64_t step, std::int64_t batch_size,
                                       int padding, bool flip);

/// Writes image `id` as it is placed, standardised, HWC.
void write_image(const LabelledImages& images, std::int64_t id, const PixelTable& table,
                 const Placement& placement, std::span<float> out);

}  // namespace winnow::train
