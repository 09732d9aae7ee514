#pragma once

#include <torch/torch.h>

#include <vector>

#include "train/torch/network.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

/// A flat float32 tensor of all parameters as one view a parameter. Those of convolutions are
/// stored channels last, the order in which they are computed with.
std::vector<at::Tensor> parameter_views(const Network& network, const at::Tensor& flat);

/// initial_parameters() as such a flat tensor.
at::Tensor flat_parameters(const Network& network, const std::vector<float>& values,
                           const at::Device& device);

/// Parameters to compute with: products in `type`, the others float32. They require gradients.
std::vector<at::Tensor> make_leaves(const Network& network, at::ScalarType type,
                                    const at::Device& device);

/// Runs work(parameter) for each parameter of a network; side by side on the CPU where they are
/// many numbers.
template <class Work>
void for_each_parameter(const Network& network, const at::Device& device, const Work& work) {
  constexpr std::int64_t worth_threads = 1 << 20;
  const std::size_t count = network.parameters().size();
  if (!device.is_cpu() || network.n_parameters() < worth_threads) {
    for (std::size_t i = 0; i < count; ++i) work(i);
    return;
  }
  parallel_blocks(static_cast<std::int64_t>(count), silent(), [&](std::int64_t i) {
    const at::NoGradGuard no_grad;
    work(static_cast<std::size_t>(i));
  });
}

}  // namespace winnow::train
