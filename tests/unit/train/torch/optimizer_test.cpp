#include "train/torch/optimizer.hpp"

#include <gtest/gtest.h>

#include "train/torch/parameters.hpp"
#include "unit/train/torch/tensors.hpp"

namespace winnow::train {
namespace {

/// LibTorch's own optimiser on copies of a network's parameters: weights decay, the others do not.
template <class Reference>
struct Both {
  std::unique_ptr<Network> network;
  NetworkOptions options;
  at::Tensor weights;
  std::vector<at::Tensor> copies;
  std::unique_ptr<Reference> reference;

  Both(NetworkOptions wanted, typename Reference::Options decaying,
       typename Reference::Options others)
      : options(resolve(wanted, {8, 8, 3}, 2)) {
    network = make_network(options, {8, 8, 3}, 4);
    weights = flat_parameters(*network, network->initial_parameters(Seed{1}), at::kCPU);
    std::vector<torch::optim::OptimizerParamGroup> groups;
    const auto views = parameter_views(*network, weights);
    for (std::size_t i = 0; i < views.size(); ++i) {
      copies.push_back(views[i].clone().requires_grad_());
      const bool decays = network->parameters()[i].decays();
      groups.emplace_back(std::vector{copies.back()}, std::make_unique<typename Reference::Options>(
                                                          decays ? decaying : others));
    }
    reference = std::make_unique<Reference>(groups, decaying);
  }

  void run() {
    const at::NoGradGuard no_grad;
    OptimizerState state(*network, options, at::kCPU);
    const at::Tensor gradient = at::zeros_like(weights);
    const auto gradient_views = parameter_views(*network, gradient);
    for (std::int64_t step = 0; step < 6; ++step) {
      for (std::size_t i = 0; i < copies.size(); ++i) {
        copies[i].mutable_grad() =
            normal(network->parameters()[i].sizes,
                   static_cast<std::uint64_t>(100 * step) + static_cast<std::uint64_t>(i));
        gradient_views[i].copy_(copies[i].grad());
      }
      reference->step();
      state.update(weights, gradient, 0.01, step);
    }
    const auto views = parameter_views(*network, weights);
    for (std::size_t i = 0; i < views.size(); ++i) {
      // Six steps of float32 sums in another order.
      EXPECT_LT(largest_difference(views[i], copies[i]), 2e-6) << network->parameters()[i].name;
    }
  }
};

/// Names of LibTorch's options beside its optimisers.
struct Sgd : torch::optim::SGD {
  using Options = torch::optim::SGDOptions;
  using SGD::SGD;
};
struct AdamW : torch::optim::AdamW {
  using Options = torch::optim::AdamWOptions;
  using torch::optim::AdamW::AdamW;
};

TEST(Optimizer, SgdIsLibTorchsWithNesterovsMomentum) {
  const auto options = [](double decay) {
    return torch::optim::SGDOptions(0.01).momentum(0.8).nesterov(true).weight_decay(decay);
  };
  Both<Sgd>({.momentum = 0.8, .weight_decay = 0.1}, options(0.1), options(0.0)).run();
}

TEST(Optimizer, AdamwIsLibTorchs) {
  const auto options = [](double decay) {
    return torch::optim::AdamWOptions(0.01).weight_decay(decay);
  };
  Both<AdamW>({.optimizer = Optimizer::adamw, .weight_decay = 0.2}, options(0.2), options(0.0))
      .run();
}

TEST(Optimizer, NormIsThatOfAllParameters) {
  const auto network = make_network(resolve({}, {8, 8, 3}, 2), {8, 8, 3}, 4);
  const at::Tensor gradient = normal({network->n_parameters()}, 1);
  EXPECT_NEAR(norm_of(*network, gradient), gradient.to(at::kDouble).norm().item<double>(), 1e-3);
}

}  // namespace
}  // namespace winnow::train
