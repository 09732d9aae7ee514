#pragma once

#include <torch/torch.h>

#include <optional>

namespace winnow::train {

/// Channel normalisation fused with the residual sum and the ReLU around it:
///
///     y = relu?((x - mean) / sqrt(variance + epsilon) * scale + shift + residual?)
///
/// x, residual and y are [n, channels, height, width] in channels-last order, float32 or bfloat16;
/// scale and shift are float32 [channels]. On the CPU, runs on the calling thread.
constexpr double norm_epsilon = 1e-5;

struct NormOutput {
  at::Tensor y;
  at::Tensor moments;  ///< float32 [2, channels]: mean and biased variance; no gradient.
};

/// With the batch's own moments; differentiable in x, residual, scale and shift.
NormOutput batch_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                      const at::Tensor& scale, const at::Tensor& shift, bool relu);

/// The same by LibTorch's own layers, for devices and widths that the kernels do not take.
NormOutput library_batch_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                              const at::Tensor& scale, const at::Tensor& shift, bool relu);

/// With given moments ([2, channels]); no gradient.
at::Tensor fixed_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                      const at::Tensor& scale, const at::Tensor& shift, const at::Tensor& moments,
                      bool relu);

}  // namespace winnow::train
