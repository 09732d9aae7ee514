#include "train/torch/optimizer.hpp"

#include <cmath>

#include "train/torch/parameters.hpp"

namespace winnow::train {

namespace {

constexpr double first_decay = 0.9;
constexpr double second_decay = 0.999;
constexpr double adam_epsilon = 1e-8;

/// Where each parameter begins in a flat tensor.
std::vector<std::int64_t> begins(const Network& network) {
  std::vector<std::int64_t> result;
  std::int64_t begin = 0;
  for (const Parameter& parameter : network.parameters()) {
    result.push_back(begin);
    begin += parameter.size();
  }
  return result;
}

}  // namespace

OptimizerState::OptimizerState(const Network& network, const NetworkOptions& options,
                               const at::Device& device)
    : network_(network), options_(options), device_(device) {
  const std::size_t count = options.optimizer == Optimizer::sgd ? 1 : 2;
  for (std::size_t i = 0; i < count; ++i) {
    moments_.push_back(
        at::zeros({network.n_parameters()}, at::TensorOptions(at::kFloat).device(device)));
  }
}

void OptimizerState::update(const at::Tensor& weights, const at::Tensor& gradient, double rate,
                            std::int64_t step) {
  const auto& parameters = network_.parameters();
  const auto begin = begins(network_);
  for_each_parameter(network_, device_, [&](std::size_t i) {
    const auto part = [&](const at::Tensor& flat) {
      return flat.narrow(0, begin[i], parameters[i].size());
    };
    std::vector<at::Tensor> moments;
    for (const at::Tensor& moment : moments_) moments.push_back(part(moment));
    const double decay = parameters[i].decays() ? options_.weight_decay : 0.0;
    if (options_.optimizer == Optimizer::sgd) {
      sgd(part(weights), part(gradient), moments, decay, rate);
    } else {
      adamw(part(weights), part(gradient), moments, decay, rate, step);
    }
  });
}

void OptimizerState::sgd(const at::Tensor& weights, const at::Tensor& gradient,
                         std::vector<at::Tensor>& moments, double decay, double rate) const {
  if (decay > 0.0) gradient.add_(weights, decay);
  moments[0].mul_(options_.momentum).add_(gradient);
  weights.sub_(gradient.add_(moments[0], options_.momentum), rate);
}

void OptimizerState::adamw(const at::Tensor& weights, const at::Tensor& gradient,
                           std::vector<at::Tensor>& moments, double decay, double rate,
                           std::int64_t step) const {
  const auto taken = static_cast<double>(step + 1);
  moments[0].mul_(first_decay).add_(gradient, 1.0 - first_decay);
  moments[1].mul_(second_decay).addcmul_(gradient, gradient, 1.0 - second_decay);
  const double first_bias = 1.0 - std::pow(first_decay, taken);
  const double second_bias = 1.0 - std::pow(second_decay, taken);
  const at::Tensor deviation = moments[1].sqrt().div_(std::sqrt(second_bias)).add_(adam_epsilon);
  weights.mul_(1.0 - rate * decay).addcdiv_(moments[0], deviation, -rate / first_bias);
}

double norm_of(const Network& network, const at::Tensor& gradient) {
  const auto& parameters = network.parameters();
  const auto begin = begins(network);
  std::vector<double> squares(parameters.size());
  for_each_parameter(network, gradient.device(), [&](std::size_t i) {
    const at::Tensor part = gradient.narrow(0, begin[i], parameters[i].size());
    const double norm = part.norm().item<double>();
    squares[i] = norm * norm;
  });
  double sum = 0.0;
  for (const double square : squares) sum += square;
  return std::sqrt(sum);
}

}  // namespace winnow::train
