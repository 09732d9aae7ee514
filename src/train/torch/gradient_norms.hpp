#pragma once

#include <torch/torch.h>

#include <vector>

#include "train/torch/network.hpp"

namespace winnow::train {

/// [n] norms of the gradient of each image's cross entropy over all parameters (GraNd, Paul et al.
/// 2021), in evaluation mode: batch normalisations take `moments`, so that no image depends on
/// another and its gradient is well defined; those of their scales and shifts count.
///
/// One backward pass for all images gives the gradients at the layers' outputs; a layer's share of
/// each image's norm follows from them and its inputs without ever holding a gradient per image:
///
///     dense on one vector       |g|^2 (|x|^2 + 1)
///     over positions t, s       sum_ts (g_t . g_s)(x_t . x_s), or |sum_t g_t x_t'|^2, the cheaper
///     scales and shifts         |sum_t g_t x_t|^2 + |sum_t g_t|^2, elementwise products
///
/// @param parameters  float32, requiring gradients
/// @param images      float32 [n, channels, height, width]
/// @param labels      int64 [n]
at::Tensor gradient_norms(const Network& network, const std::vector<at::Tensor>& parameters,
                          const std::vector<at::Tensor>& moments, const at::Tensor& images,
                          const at::Tensor& labels);

}  // namespace winnow::train
