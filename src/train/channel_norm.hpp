#pragma once

#include <cstdint>

#include "winnow/core/options.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::train {

/// A bfloat16 as its bits: the upper half of a float32.
using Bf16 = std::uint16_t;

/// Activations [rows, channels], row-major: n images of height x width in channels-last order have
/// n height width rows.
struct NormShape {
  std::int64_t rows = 0;
  std::int64_t channels = 0;

  /// The kernels take channels that divide 64 or that 64 divides.
  bool supported() const { return channels > 0 && (64 % channels == 0 || channels % 64 == 0); }
};

/// Channel normalisation fused with what surrounds it in a residual network,
///
///     y = relu?(scale x + shift + residual?)       scale, shift [channels]
///
/// and its backward pass. T is float or Bf16; sums run in float32, on the calling thread.
template <class T>
struct NormKernels {
  /// Mean and (biased) variance of every channel.
  void (*moments)(NormShape shape, const T* x, float* mean, float* variance);

  /// `residual` may be null.
  void (*apply)(NormShape shape, const T* x, const T* residual, const float* scale,
                const float* shift, bool relu, T* y);

  /// With g = gradient where y > 0 (everywhere when y is null), per channel: sum of g, and sum of
  /// g (x - mean).
  void (*backward_sums)(NormShape shape, const T* gradient, const T* y, const T* x,
                        const float* mean, float* sum_g, float* sum_gx);

  /// dx = a g + b x + c; when `residual_gradient` is not null, it becomes g.
  void (*backward_apply)(NormShape shape, const T* gradient, const T* y, const T* x, const float* a,
                         const float* b, const float* c, T* dx, T* residual_gradient);
};

/// Kernels for `isa`, or the best of the machine below it.
template <class T>
const NormKernels<T>& norm_kernels(Isa isa = Isa::automatic);
template <>
const NormKernels<float>& norm_kernels<float>(Isa isa);
template <>
const NormKernels<Bf16>& norm_kernels<Bf16>(Isa isa);

}  // namespace winnow::train
