#include "train/torch/resnet.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "train/torch/channel_norm_op.hpp"
#include "train/torch/layers.hpp"
#include "train/torch/parameters.hpp"
#include "unit/train/torch/tensors.hpp"

namespace winnow::train {
namespace {

at::Tensor torch_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                      const at::Tensor& scale, const at::Tensor& shift, bool relu) {
  at::Tensor y = at::batch_norm(x, scale, shift, {}, {}, true, 0.1, norm_epsilon, false);
  if (residual) y = y + *residual;
  return relu ? at::relu(y) : y;
}

TEST(BatchNorm, AgreesWithLibTorchForwardAndBackward) {
  for (const bool with_residual : {false, true}) {
    for (const bool relu : {false, true}) {
      at::Tensor x = (normal({3, 16, 5, 7}, 0) * 2 + 3).requires_grad_();
      at::Tensor added = normal({3, 16, 5, 7}, 1).requires_grad_();
      at::Tensor scale = (normal({16}, 2) + 1).requires_grad_();
      at::Tensor shift = normal({16}, 3).requires_grad_();
      const at::Tensor weights = normal({3, 16, 5, 7}, 4);
      const auto residual = with_residual ? std::optional(added) : std::nullopt;
      std::vector<at::Tensor> inputs{x, scale, shift};
      if (with_residual) inputs.push_back(added);

      const NormOutput ours = batch_norm(x, residual, scale, shift, relu);
      const at::Tensor theirs = torch_norm(x, residual, scale, shift, relu);
      EXPECT_LT(largest_difference(ours.y, theirs), 1e-5);
      const auto our_gradients = torch::autograd::grad({(ours.y * weights).sum()}, inputs);
      const auto their_gradients = torch::autograd::grad({(theirs * weights).sum()}, inputs);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        // Sums of 105 numbers of order 1 in float32.
        EXPECT_LT(largest_difference(our_gradients[i], their_gradients[i]), 1e-4) << "input " << i;
      }
    }
  }
}

TEST(FixedNorm, EqualsBatchNormWithTheBatchsMoments) {
  const at::Tensor x = normal({2, 32, 4, 4}, 0);
  const at::Tensor scale = normal({32}, 1);
  const at::Tensor shift = normal({32}, 2);
  const NormOutput batch = batch_norm(x, x, scale, shift, true);
  EXPECT_EQ(largest_difference(batch.y, fixed_norm(x, x, scale, shift, batch.moments, true)), 0.0);
}

TEST(BatchNorm, LibrarysOwnIsTheSame) {
  for (const bool relu : {false, true}) {
    at::Tensor x = (normal({3, 16, 5, 7}, 0) * 2 + 3).requires_grad_();
    const at::Tensor added = normal({3, 16, 5, 7}, 1);
    at::Tensor scale = (normal({16}, 2) + 1).requires_grad_();
    const at::Tensor shift = normal({16}, 3);
    const NormOutput ours = batch_norm(x, added, scale, shift, relu);
    const NormOutput library = library_batch_norm(x, added, scale, shift, relu);
    EXPECT_LT(largest_difference(ours.y, library.y), 1e-5);
    EXPECT_LT(largest_difference(ours.moments, library.moments), 1e-5);
    const at::Tensor weights = normal({3, 16, 5, 7}, 4);
    const auto a = torch::autograd::grad({(ours.y * weights).sum()}, {x, scale});
    const auto b = torch::autograd::grad({(library.y * weights).sum()}, {x, scale});
    EXPECT_LT(largest_difference(a[0], b[0]), 1e-5);
    EXPECT_LT(largest_difference(a[1], b[1]), 1e-4);
  }
}

const ResNetShape one_block{.channels = {16, 32, 64}, .blocks = {1, 1, 1}};

/// The network once more, from LibTorch's own operations in float32.
at::Tensor reference_logits(const ResNet& network, const std::vector<at::Tensor>& parameters,
                            at::Tensor x) {
  std::size_t next = 0;
  const auto unit = [&](const at::Tensor& input, const std::optional<at::Tensor>& residual,
                        bool relu, std::int64_t stride, std::int64_t padding) {
    const at::Tensor convolved =
        at::conv2d(input, parameters[next], {}, std::vector<std::int64_t>{stride, stride},
                   std::vector<std::int64_t>{padding, padding});
    next += 3;
    return torch_norm(convolved, residual, parameters[next - 2], parameters[next - 1], relu);
  };
  x = unit(x, {}, true, 1, 1);
  for (const std::int64_t stride : {1, 2, 2}) {
    const at::Tensor inner = unit(x, {}, true, stride, 1);
    if (stride == 1) {
      x = unit(inner, x, true, 1, 1);
      continue;
    }
    const std::size_t second = next;
    next += 3;
    const at::Tensor shortcut = unit(x, {}, false, stride, 0);
    const std::size_t behind = next;
    next = second;
    x = unit(inner, shortcut, true, 1, 1);
    next = behind;
  }
  EXPECT_EQ(next + 2, network.parameters().size());
  return at::linear(x.mean(std::vector<std::int64_t>{2, 3}), parameters[next],
                    parameters[next + 1]);
}

TEST(ResNet, LossAndGradientsAgreeWithLibTorchsOwnOperations) {
  const ResNet network(one_block, 2, 5);
  auto values = network.initial_parameters(Seed{3});
  std::vector<at::Tensor> parameters;
  float* from = values.data();
  for (const Parameter& parameter : network.parameters()) {
    parameters.push_back(at::from_blob(from, parameter.sizes).clone().requires_grad_());
    from += parameter.size();
  }
  const at::Tensor images = normal({6, 2, 12, 10}, 5);
  at::Tensor labels = at::zeros(std::vector<std::int64_t>{6}, at::kLong);
  for (std::int64_t i = 0; i < 6; ++i) labels.data_ptr<std::int64_t>()[i] = i % 5;

  TrainingLayers layers(parameters, network.norms().size());
  const at::Tensor loss = at::cross_entropy_loss(network.logits(layers, images), labels);
  const at::Tensor expected =
      at::cross_entropy_loss(reference_logits(network, parameters, images), labels);
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
  const auto gradients = torch::autograd::grad({loss}, parameters);
  const auto expected_gradients = torch::autograd::grad({expected}, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    // float32 through nine layers, each of which amplifies rounding a little.
    const double size = expected_gradients[i].abs().max().item<double>();
    EXPECT_LT(largest_difference(gradients[i], expected_gradients[i]), 1e-3 * size + 1e-6)
        << network.parameters()[i].name;
  }
}

}  // namespace
}  // namespace winnow::train
