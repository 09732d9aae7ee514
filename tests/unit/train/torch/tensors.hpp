#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "winnow/core/rng.hpp"

namespace winnow::train {

/// Standard normal numbers from our own streams.
inline at::Tensor normal(const std::vector<std::int64_t>& sizes, std::uint64_t index) {
  at::Tensor tensor = at::empty(sizes);
  RandomStream random(Seed{7}, "tensor", index);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.data_ptr<float>()[i] = static_cast<float>(random.normal());
  }
  return tensor;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace winnow::train
