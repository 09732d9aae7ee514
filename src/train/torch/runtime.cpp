#include "train/torch/runtime.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"

// Null where LibTorch's BLAS is another one.
// NOLINTBEGIN(readability-identifier-naming): OpenBLAS's names.
extern "C" {
[[gnu::weak]] void openblas_set_num_threads(int count);
[[gnu::weak]] int openblas_get_num_threads();
}
// NOLINTEND(readability-identifier-naming)

namespace winnow::train {

at::Device resolve_device(Device wanted) {
  if (wanted == Device::cpu) return {at::kCPU};
  if (torch::cuda::is_available()) return {at::kCUDA, 0};
  if (wanted == Device::automatic) return {at::kCPU};
  throw NotAvailable(
      fmt::format("device = cuda: LibTorch {} of this winnow finds no CUDA device; give --device "
                  "cpu or auto",
                  TORCH_VERSION));
}

Precision resolve_precision(Precision wanted, const at::Device& device) {
  if (!device.is_cpu()) return wanted == Precision::automatic ? Precision::bf16 : wanted;
  const bool converts = __builtin_cpu_supports("avx512bw") > 0 &&
                        __builtin_cpu_supports("avx512vl") > 0 &&
                        __builtin_cpu_supports("avx512dq") > 0;
  if (wanted == Precision::bf16 && !converts) {
    throw InvalidArgument("precision = bf16: this machine lacks AVX-512; take float32 or auto");
  }
  if (wanted != Precision::automatic) return wanted;
  return converts && __builtin_cpu_supports("avx512bf16") > 0 ? Precision::bf16
                                                              : Precision::float32;
}

int BlasThreads::current() {
  return openblas_get_num_threads != nullptr ? openblas_get_num_threads() : 0;
}

BlasThreads::BlasThreads(int count) {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(count);
}

BlasThreads::~BlasThreads() {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(before_);
}

}  // namespace winnow::train
