#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "train/torch/network.hpp"

namespace winnow::train {

/// Turns a batch's mean gradient into new weights.
///
///     sgd     v <- m v + (g + d w);  w <- w - rate (g + d w + m v)          (Nesterov)
///     adamw   p <- .9 p + .1 g;  q <- .999 q + .001 g^2;
///             w <- w - rate (d w + p' / (sqrt(q') + 1e-8)),  p', q' without bias towards 0
///
/// d is the weight decay, of weights only. Loshchilov and Hutter 2019 (AdamW).
class OptimizerState {
 public:
  OptimizerState(const Network& network, const NetworkOptions& options, const at::Device& device);

  /// @param weights, gradient  flat, float32; the gradient is used up
  /// @param step               0 for the first
  void update(const at::Tensor& weights, const at::Tensor& gradient, double rate,
              std::int64_t step);

  /// What a checkpoint holds: flat tensors of the parameters' size.
  std::vector<at::Tensor>& moments() { return moments_; }

 private:
  void sgd(const at::Tensor& weights, const at::Tensor& gradient, std::vector<at::Tensor>& moments,
           double decay, double rate) const;
  void adamw(const at::Tensor& weights, const at::Tensor& gradient,
             std::vector<at::Tensor>& moments, double decay, double rate, std::int64_t step) const;

  const Network& network_;
  const NetworkOptions& options_;
  at::Device device_;
  std::vector<at::Tensor> moments_;
};

/// Root of the sum of squares, parameter by parameter; the same bits for any number of threads.
double norm_of(const Network& network, const at::Tensor& gradient);

}  // namespace winnow::train
