#include "train/torch/runtime.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"

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

}  // namespace winnow::train
