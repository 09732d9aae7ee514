#include "train/torch/resnet.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "train/torch/channel_norm_op.hpp"

namespace winnow::train {
namespace {

/// Standard normal numbers from our own streams.
at::Tensor normal(const std::vector<std::int64_t>& sizes, std::uint64_t index) {
  at::Tensor tensor = at::empty(sizes);
  RandomStream random(Seed{7}, "tensor", index);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.data_ptr<float>()[i] = static_cast<float>(random.normal());
  }
  return tensor;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

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

TEST(ResNet, NamesAndShapesAreTorchvisions) {
  const ResNet network(3, 10, 2);
  std::vector<std::string> names;
  for (const Parameter& parameter : network.parameters()) names.push_back(parameter.name);
  EXPECT_EQ(names.front(), "conv1.weight");
  EXPECT_EQ(names[1], "bn1.weight");
  EXPECT_EQ(names[2], "bn1.bias");
  EXPECT_EQ(names[3], "layer1.0.conv1.weight");
  EXPECT_NE(std::find(names.begin(), names.end(), "layer2.0.downsample.0.weight"), names.end());
  EXPECT_EQ(std::find(names.begin(), names.end(), "layer1.0.downsample.0.weight"), names.end());
  EXPECT_NE(std::find(names.begin(), names.end(), "layer3.1.bn2.bias"), names.end());
  EXPECT_EQ(names.back(), "fc.bias");
  const auto& stem = network.parameters().front().sizes;
  EXPECT_EQ(stem, (std::vector<std::int64_t>{16, 3, 3, 3}));
}

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
  const ResNet network(2, 5, 1);
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

  const at::Tensor loss = at::cross_entropy_loss(network.train(parameters, images).logits, labels);
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

TEST(ResNet, InitialisesLikeTorchvision) {
  const ResNet network(1, 10, 1);
  const auto values = network.initial_parameters(Seed{3});
  ASSERT_EQ(static_cast<std::int64_t>(values.size()), network.n_parameters());
  std::size_t begin = 0;
  for (const Parameter& parameter : network.parameters()) {
    const auto count = static_cast<std::size_t>(parameter.size());
    double square = 0.0;
    for (std::size_t i = begin; i < begin + count; ++i) square += std::pow(values[i], 2);
    begin += count;
    if (parameter.name == "layer3.0.conv2.weight") {
      // 2 / (64 x 9), known from 36864 draws to 5 x 0.7 %.
      EXPECT_NEAR(square / static_cast<double>(count), 2.0 / 576.0, 0.037 * 2.0 / 576.0);
    } else if (parameter.kind == Parameter::Kind::norm_scale) {
      EXPECT_EQ(square, static_cast<double>(count));
    } else if (parameter.kind == Parameter::Kind::norm_shift) {
      EXPECT_EQ(square, 0.0);
    } else if (parameter.name == "fc.weight") {
      EXPECT_NEAR(square / static_cast<double>(count), 1.0 / 64.0 / 3.0, 1e-3);
    }
  }
}

}  // namespace
}  // namespace winnow::train
