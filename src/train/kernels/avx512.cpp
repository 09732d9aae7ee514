#include "train/kernels/tables.hpp"

namespace winnow::train::avx512 {
namespace {
constexpr int width = 16;
// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "train/kernels/channel_norm.inl"
}  // namespace

const NormKernels<float>& float_kernels() { return table<float>; }
const NormKernels<Bf16>& bf16_kernels() { return table<Bf16>; }

}  // namespace winnow::train::avx512
