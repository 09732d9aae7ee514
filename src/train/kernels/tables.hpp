#pragma once

#include "train/channel_norm.hpp"

namespace winnow::train {

namespace scalar {
const NormKernels<float>& float_kernels();
const NormKernels<Bf16>& bf16_kernels();
}  // namespace scalar

namespace avx2 {
const NormKernels<float>& float_kernels();
const NormKernels<Bf16>& bf16_kernels();
}  // namespace avx2

namespace avx512 {
const NormKernels<float>& float_kernels();
const NormKernels<Bf16>& bf16_kernels();
}  // namespace avx512

}  // namespace winnow::train
