#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "train/augment.hpp"
#include "train/torch/network.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/train/network.hpp"
#include "winnow/train/network_encoder.hpp"

namespace winnow::train {

/// A network with weights, and how images are shown to it.
struct Model {
  const Network& network;
  const std::vector<at::Tensor>& leaves;
  const std::vector<at::Tensor>& moments;
  const PixelTable& table;
  at::Device device;
};

/// float32 [count, height, width, channels] memory as a network takes it: [n, c, h, w].
at::Tensor as_input(const at::Tensor& pixels);
at::Tensor pixel_tensor(const io::ImageShape& shape, std::int64_t count);
std::span<float> image_of(const at::Tensor& pixels, std::int64_t i);

/// Images `ids` as they are, standardised, on the model's device.
at::Tensor plain_input(const LabelledImages& images, std::span<const std::int64_t> ids,
                       const Model& model);

/// Logits of every image, in order and in pieces: float32 [m, c] on the CPU.
using TakeLogits = std::function<void(std::int64_t begin, const at::Tensor& logits)>;
void for_each_logits(const Model& model, const LabelledImages& images, const TakeLogits& take,
                     Progress& progress);

/// float32 [ids.size(), n_features or n_quarters].
Matrix<float> features_of(const Model& model, NetworkFeatures features,
                          const LabelledImages& images, std::span<const std::int64_t> ids,
                          Progress& progress);

/// [n] 1 where the label has the largest logit.
std::vector<std::uint8_t> correct_of(const Model& model, const LabelledImages& images,
                                     Progress& progress);

/// [n] gradient norms; `model` with float32 leaves.
std::vector<float> gradient_norms_of(const Model& model, const LabelledImages& images,
                                     std::int64_t begin, std::int64_t count, Progress& progress);

}  // namespace winnow::train
