#pragma once

#include <torch/torch.h>

namespace winnow::train {

/// x W' + b over the last axis of x; differentiable. float32 on the CPU runs on winnow's products,
/// since the BLAS that a LibTorch was built with may be slow; everything else on LibTorch's.
///
/// @param x       [..., inputs]
/// @param weight  [outputs, inputs], of x's type
/// @param bias    [outputs], of x's type
at::Tensor dense_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace winnow::train
