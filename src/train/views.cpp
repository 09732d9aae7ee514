#include "train/views.hpp"

#include <algorithm>
#include <numeric>

namespace winnow::train {

namespace {

/// As in SimCLR: how often colours change, and how far the hue turns for a change of 1.
constexpr double jitter_share = 0.8;
constexpr double hue_share = 0.25;

Placement draw_placement(RandomStream& random, const SelfSupervisedOptions& options,
                         const io::ImageShape& image, double least, double most) {
  Placement placement;
  draw_part(random, image, least, most, placement);
  placement.mirrored = random.below(2) == 1;
  const auto change = [&] { return options.jitter * (2.0 * random.uniform() - 1.0); };
  if (random.uniform() < jitter_share) {
    placement.brightness = static_cast<float>(1.0 + change());
    placement.contrast = static_cast<float>(1.0 + change());
    placement.saturation = static_cast<float>(1.0 + change());
    placement.hue = static_cast<float>(hue_share * change());
  }
  placement.grey = random.uniform() < options.grey;
  return placement;
}

}  // namespace

std::vector<BatchView> draw_views(const SelfSupervisedOptions& options, const io::ImageShape& image,
                                  std::int64_t batch_size, std::int64_t step) {
  RandomStream random(options.seed, "views", static_cast<std::uint64_t>(step));
  const std::int64_t small = options.method == SelfSupervision::swav ? options.small_crops : 0;
  const auto side = static_cast<int>(options.small_crop_size);
  std::vector<BatchView> views;
  for (std::int64_t v = 0; v < 2 + small; ++v) {
    const bool full = v < 2;
    BatchView view;
    view.shape = full ? image : io::ImageShape{side, side, image.channels};
    for (std::int64_t i = 0; i < batch_size; ++i) {
      view.placements.push_back(draw_placement(random, options, image,
                                               full ? options.crop_scale : options.small_crop_scale,
                                               full ? 1.0 : options.crop_scale));
    }
    view.order.resize(static_cast<std::size_t>(batch_size));
    std::iota(view.order.begin(), view.order.end(), std::int64_t{0});
    random.shuffle(std::span(view.order));
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace winnow::train
