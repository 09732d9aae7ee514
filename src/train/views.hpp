#pragma once

#include <cstdint>
#include <vector>

#include "train/augment.hpp"
#include "winnow/train/self_supervised_options.hpp"

namespace winnow::train {

/// One view of every image of a batch.
struct BatchView {
  io::ImageShape shape;               ///< As it is shown.
  std::vector<Placement> placements;  ///< [images]
  /// [images] in the order in which they are computed. Every view has its own, so that the moments
  /// of a shard do not tell which images belong together.
  std::vector<std::int64_t> order;

  bool full(const io::ImageShape& image) const { return shape == image; }
};

/// The views of one step's batch, the two full ones first; `options` are resolved. Crops have area
/// uniform in [crop_scale, 1] (small ones: [small_crop_scale, crop_scale]) and aspect ratio
/// log-uniform in [3/4, 4/3]; fair mirroring; colours change in four views of five.
std::vector<BatchView> draw_views(const SelfSupervisedOptions& options, const io::ImageShape& image,
                                  std::int64_t batch_size, std::int64_t step);

}  // namespace winnow::train
