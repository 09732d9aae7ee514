#include "winnow/train/network_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "winnow/core/error.hpp"

namespace winnow::train {

namespace {

/// From this side on images are treated as ImageNet's.
constexpr int large_side = 96;

bool is_vit(NetworkModel model) {
  return model == NetworkModel::vit_ti || model == NetworkModel::vit_s ||
         model == NetworkModel::vit_b;
}

void resolve_patches(NetworkOptions& options, const io::ImageShape& shape) {
  const int side = std::min(shape.height, shape.width);
  if (options.patch_size == 0) options.patch_size = side >= large_side ? 16 : std::max(1, side / 8);
  if (!is_vit(options.model)) return;
  const bool fits = shape.height % options.patch_size == 0 && shape.width % options.patch_size == 0;
  if (!fits) {
    throw InvalidArgument(fmt::format(
        "patch-size = {}; expected a divisor of the images' sides, {} x {}; take another one, or "
        "other images with --image-size",
        options.patch_size, shape.height, shape.width));
  }
}

}  // namespace

void NetworkOptions::validate() const {
  validate_fields(*this);
  if (weight_decay < 0.0 && weight_decay != -1.0) {
    throw InvalidArgument(fmt::format("weight-decay = {}; expected -1 or [0, inf)", weight_decay));
  }
}

std::int64_t planned_iterations(const NetworkOptions& options, std::int64_t subset_size) {
  if (options.iterations > 0) return options.iterations;
  const std::int64_t batch = std::min(options.batch_size, subset_size);
  const double steps =
      options.epochs * static_cast<double>(subset_size) / static_cast<double>(batch);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(steps)));
}

NetworkOptions resolve(const NetworkOptions& options, const io::ImageShape& shape,
                       std::int64_t subset_size) {
  options.validate();
  const int side = std::min(shape.height, shape.width);
  NetworkOptions resolved = options;
  resolved.iterations = planned_iterations(options, subset_size);
  resolved.batch_size = std::min(options.batch_size, subset_size);
  const bool sgd = options.optimizer == Optimizer::sgd;
  if (options.learning_rate == 0.0) resolved.learning_rate = sgd ? 0.1 : 1e-3;
  if (options.weight_decay < 0.0) resolved.weight_decay = sgd ? 5e-4 : 0.05;
  if (options.stem == Stem::automatic) {
    resolved.stem = side >= large_side ? Stem::imagenet : Stem::cifar;
  }
  if (options.crop_padding < 0) resolved.crop_padding = 2 * (side / 16);
  for (const auto& [name, value] :
       {std::pair{"crop-padding", resolved.crop_padding}, std::pair{"cutout", resolved.cutout}}) {
    if (value >= side) {
      throw InvalidArgument(
          fmt::format("{} = {}; expected less than the images' side, {}", name, value, side));
    }
  }
  resolve_patches(resolved, shape);
  return resolved;
}

}  // namespace winnow::train
