#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "train/torch/gradient_norms.hpp"
#include "train/torch/layers.hpp"
#include "train/torch/parameters.hpp"
#include "train/torch/resnet.hpp"
#include "train/torch/weights.hpp"
#include "unit/support.hpp"
#include "unit/train/torch/tensors.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/safetensors.hpp"

namespace winnow::train {
namespace {

using winnow::testing::expect_error;
using winnow::testing::TempFolder;

std::unique_ptr<Network> network_of(NetworkModel model, const io::ImageShape& shape,
                                    std::int64_t n_classes, Stem stem = Stem::automatic) {
  return make_network(resolve({.model = model, .stem = stem}, shape, 2), shape, n_classes);
}

TEST(MakeNetwork, ParameterCountsArePublished) {
  const io::ImageShape large{224, 224, 3};
  const io::ImageShape small{32, 32, 3};
  // torchvision's documentation; Touvron et al. 2021 (ViT-Ti and S); Zagoruyko's code (11.0 M).
  EXPECT_EQ(network_of(NetworkModel::resnet18, large, 1000)->n_parameters(), 11'689'512);
  EXPECT_EQ(network_of(NetworkModel::resnet34, large, 1000)->n_parameters(), 21'797'672);
  EXPECT_EQ(network_of(NetworkModel::resnet50, large, 1000)->n_parameters(), 25'557'032);
  EXPECT_EQ(network_of(NetworkModel::vit_b, large, 1000)->n_parameters(), 86'567'656);
  EXPECT_EQ(network_of(NetworkModel::vit_s, large, 1000)->n_parameters(), 22'050'664);
  EXPECT_EQ(network_of(NetworkModel::vit_ti, large, 1000)->n_parameters(), 5'717'416);
  EXPECT_EQ(network_of(NetworkModel::wrn_16_8, small, 10)->n_parameters(), 10'961'370);
  EXPECT_EQ(network_of(NetworkModel::resnet20, small, 10)->n_parameters(), 272'474);
  EXPECT_EQ(network_of(NetworkModel::resnet56, small, 10)->n_parameters(), 855'770);
}

TEST(MakeNetwork, StemFollowsTheImagesUnlessToldOtherwise) {
  const auto stem = [](const Network& network) { return network.parameters().front().sizes; };
  using Sizes = std::vector<std::int64_t>;
  const io::ImageShape small{64, 64, 3};
  const io::ImageShape large{96, 96, 3};
  EXPECT_EQ(stem(*network_of(NetworkModel::resnet18, small, 10)), (Sizes{64, 3, 3, 3}));
  EXPECT_EQ(stem(*network_of(NetworkModel::resnet18, large, 10)), (Sizes{64, 3, 7, 7}));
  EXPECT_EQ(stem(*network_of(NetworkModel::resnet18, small, 10, Stem::imagenet)),
            (Sizes{64, 3, 7, 7}));
  const auto patches = [](const Network& network) { return network.parameters()[1].sizes; };
  EXPECT_EQ(patches(*network_of(NetworkModel::vit_ti, small, 10)), (Sizes{192, 3, 8, 8}));
  EXPECT_EQ(patches(*network_of(NetworkModel::vit_ti, large, 10)), (Sizes{192, 3, 16, 16}));
}

/// Evaluation mode once more, by LibTorch's own differentiable operations.
class PlainLayers final : public Layers {
 public:
  PlainLayers(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& moments)
      : Layers(parameters), moments_(moments) {}
  at::Tensor batch_norm(const BatchNormLayer& layer, const at::Tensor& x,
                        const std::optional<at::Tensor>& residual, bool relu) override {
    const at::Tensor& moments = moments_[layer.norm];
    at::Tensor y = at::batch_norm(x, parameter(layer.scale), parameter(layer.scale + 1), moments[0],
                                  moments[1], false, 0.0, 1e-5, false);
    if (residual) y = y + *residual;
    return relu ? at::relu(y) : y;
  }

 private:
  const std::vector<at::Tensor>& moments_;
};

/// A network of torchvision, its weights and what it gives.
class Torchvision : public ::testing::TestWithParam<NetworkModel> {
 protected:
  void SetUp() override {
    const std::string command =
        fmt::format("{} {}/torchvision_networks.py {} {}", WINNOW_PYTHON, WINNOW_FIXTURES,
                    folder_.path().string(), enum_name(GetParam()));
    if (std::system(WINNOW_PYTHON " -c 'import torchvision' 2> /dev/null") != 0) {
      GTEST_SKIP() << "needs python3-torchvision";
    }
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  std::filesystem::path file(const char* suffix) const {
    return folder_ / (std::string(enum_name(GetParam())) + suffix);
  }
  std::unique_ptr<Network> network(const io::ImageShape& shape) const {
    return make_network(
        resolve({.model = GetParam(), .stem = Stem::imagenet, .patch_size = 16}, shape, 2), shape,
        10);
  }

 private:
  TempFolder folder_;
};

TEST_P(Torchvision, SameWeightsSameOutputs) {
  const at::NoGradGuard no_grad;
  const auto made = network({64, 64, 3});
  State state;
  for (const Parameter& parameter : made->parameters()) {
    state.parameters.push_back(at::zeros(parameter.sizes));
  }
  for (const NormName& norm : made->norms()) {
    state.moments.push_back(at::zeros({2, norm.channels}));
  }
  EXPECT_TRUE(load_weights(file(".safetensors"), "network", *made, state).empty());
  const io::SafetensorsFile check(file(".check.safetensors"));
  const auto tensor = [&](const char* name) {
    const io::TensorView& view = check.at(name);
    const auto values = check.read(view);
    at::Tensor result = at::empty(view.shape);
    std::copy(values.begin(), values.end(), result.data_ptr<float>());
    return result;
  };
  EvaluationLayers layers(state.parameters, state.moments);
  const at::Tensor expected = tensor("output");
  EXPECT_GT(expected.abs().max().item<double>(), 0.1);
  EXPECT_LT(largest_difference(made->logits(layers, tensor("input")), expected), 1e-4);
  const at::Tensor quarters = tensor("quarters");
  EXPECT_EQ(made->n_quarters(), quarters.size(1));
  EXPECT_GT(quarters.abs().max().item<double>(), 0.1);
  EXPECT_LT(largest_difference(made->quarters(layers, tensor("input")), quarters), 1e-4);
}

/// The mean of a last map's quarters is what the last layer sees; torchvision has not this network.
TEST(WideResNet, QuartersAverageToTheFeatures) {
  const at::NoGradGuard no_grad;
  const auto made = network_of(NetworkModel::wrn_16_8, {16, 16, 3}, 10);
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> moments;
  for (std::size_t i = 0; i < made->parameters().size(); ++i) {
    parameters.push_back(normal(made->parameters()[i].sizes, i) * 0.1);
  }
  for (const NormName& norm : made->norms()) {
    moments.push_back(at::zeros({2, norm.channels}));
    moments.back()[1].fill_(1.0);
  }
  EvaluationLayers layers(parameters, moments);
  const at::Tensor images = normal({3, 3, 16, 16}, 1000);
  const at::Tensor quarters = made->quarters(layers, images);
  ASSERT_EQ(quarters.size(1), made->n_quarters());
  EXPECT_EQ(quarters.size(1), 4 * (512 + 256));
  const at::Tensor means = quarters.narrow(1, 0, 4 * 512).view({3, 512, 4}).mean(2);
  const at::Tensor features = made->features(layers, images);
  EXPECT_GT(features.abs().max().item<double>(), 1e-3);
  EXPECT_LT(largest_difference(means, features), 1e-5 * features.abs().max().item<double>());
}

TEST_P(Torchvision, InitialisesAsTorchvisionDoes) {
  const auto made = network({64, 64, 3});
  const Json reference = read_json(file(".json"));
  const auto values = made->initial_parameters(Seed{3});
  std::size_t begin = 0;
  for (const Parameter& parameter : made->parameters()) {
    const auto count = static_cast<std::size_t>(parameter.size());
    const auto own = std::span(values).subspan(begin, count);
    begin += count;
    double sum = 0.0;
    double square = 0.0;
    for (const double value : own) sum += value;
    const auto n = static_cast<double>(count);
    for (const double value : own) square += (value - sum / n) * (value - sum / n);
    const double deviation = std::sqrt(square / n);
    ASSERT_TRUE(reference.contains(parameter.name)) << parameter.name;
    const double mean = reference[parameter.name][0];
    const double expected = reference[parameter.name][1];
    // Two samples of n: the mean is known to d sqrt(2 / n), the deviation to d / sqrt(n); five of
    // those, of a few hundred parameters.
    EXPECT_NEAR(sum / n, mean, 5.0 * expected * std::sqrt(2.0 / n) + 1e-7) << parameter.name;
    EXPECT_NEAR(deviation, expected, 5.0 * expected / std::sqrt(n) + 1e-7) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Torchvision,
                         ::testing::Values(NetworkModel::resnet18, NetworkModel::resnet50,
                                           NetworkModel::vit_b));

class GradientNorms : public ::testing::TestWithParam<NetworkModel> {};

TEST_P(GradientNorms, EqualThoseOfOneBackwardPassAnImage) {
  const io::ImageShape shape{16, 16, 3};
  const auto network = network_of(GetParam(), shape, 5);
  at::Tensor flat;
  {
    const at::NoGradGuard no_grad;
    flat = flat_parameters(*network, network->initial_parameters(Seed{2}), at::kCPU);
    // Biases, shifts and the last layer of a transformer start at zero; here nothing is.
    flat.add_(normal({flat.numel()}, 9), 0.02);
  }
  auto leaves = make_leaves(*network, at::kFloat, at::kCPU);
  std::vector<at::Tensor> moments;
  {
    const at::NoGradGuard no_grad;
    const auto views = parameter_views(*network, flat);
    for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].copy_(views[i]);
    for (const NormName& norm : network->norms()) {
      moments.push_back(normal({2, norm.channels}, 3).abs() * 0.3 + 0.2);
    }
  }
  const at::Tensor images = normal({3, 3, 16, 16}, 5);
  const at::Tensor labels = at::tensor(std::vector<std::int64_t>{0, 3, 4}, at::kLong);
  const at::Tensor norms = gradient_norms(*network, leaves, moments, images, labels);
  for (std::int64_t i = 0; i < 3; ++i) {
    PlainLayers layers(leaves, moments);
    const at::Tensor loss = at::cross_entropy_loss(network->logits(layers, images.narrow(0, i, 1)),
                                                   labels.narrow(0, i, 1));
    double square = 0.0;
    for (const at::Tensor& gradient : torch::autograd::grad({loss}, leaves)) {
      square += std::pow(gradient.to(at::kDouble).norm().item<double>(), 2);
    }
    EXPECT_GT(square, 0.0);
    EXPECT_NEAR(norms[i].item<double>() / std::sqrt(square), 1.0, 1e-4) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, GradientNorms,
                         ::testing::Values(NetworkModel::resnet8, NetworkModel::resnet50,
                                           NetworkModel::wrn_16_8, NetworkModel::vit_ti));

TEST(ParameterViews, KeepLogicalValuesInChannelsLastOrder) {
  const auto network = network_of(NetworkModel::resnet8, {8, 8, 3}, 4);
  const auto values = network->initial_parameters(Seed{1});
  const auto views = parameter_views(*network, flat_parameters(*network, values, at::kCPU));
  // conv1.weight is [16, 3, 3, 3] and comes first: value (o, i, r, c) of the plain order.
  for (const auto& [o, i, r, c] : {std::array{0, 0, 0, 0}, {3, 2, 1, 0}, {15, 1, 2, 2}}) {
    EXPECT_EQ(views[0][o][i][r][c].item<float>(),
              values[static_cast<std::size_t>(((o * 3 + i) * 3 + r) * 3 + c)]);
  }
  EXPECT_TRUE(views[0].is_contiguous(at::MemoryFormat::ChannelsLast));
}

/// A state of random numbers.
State random_state(const Network& network) {
  State state;
  std::uint64_t index = 0;
  for (const Parameter& parameter : network.parameters()) {
    state.parameters.push_back(normal(parameter.sizes, index++));
  }
  for (const NormName& norm : network.norms()) {
    state.moments.push_back(normal({2, norm.channels}, index++).abs() + 0.1);
  }
  return state;
}

Json description(NetworkModel model, std::int64_t n_classes) {
  const io::ImageShape shape{16, 16, 3};
  return describe_network(resolve({.model = model}, shape, 2), shape, n_classes,
                          PixelTable({1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}));
}

TEST(Weights, ComeBackWithTheirStructure) {
  const TempFolder folder;
  for (const auto model : {NetworkModel::resnet8, NetworkModel::resnet18, NetworkModel::vit_ti}) {
    const auto network = network_of(model, {16, 16, 3}, 7);
    const State state = random_state(*network);
    const auto path = folder / "w.safetensors";
    save_weights(path, *network, state, description(model, 7));
    const SavedNetwork saved = load_network(path);
    EXPECT_EQ(saved.n_classes, 7);
    EXPECT_EQ(saved.shape, (io::ImageShape{16, 16, 3}));
    EXPECT_EQ(saved.deviation[1], 5.0);
    const at::NoGradGuard no_grad;
    const at::Tensor images = normal({2, 3, 16, 16}, 99);
    EvaluationLayers before(state.parameters, state.moments);
    EvaluationLayers after(saved.state.parameters, saved.state.moments);
    EXPECT_EQ(
        largest_difference(network->logits(before, images), saved.network->logits(after, images)),
        0.0);
  }
}

TEST(Weights, OtherClassesStartTheLastLayerAnew) {
  const TempFolder folder;
  const auto path = folder / "w.safetensors";
  const auto seven = network_of(NetworkModel::resnet8, {16, 16, 3}, 7);
  const State state = random_state(*seven);
  save_weights(path, *seven, state, description(NetworkModel::resnet8, 7));
  const auto four = network_of(NetworkModel::resnet8, {16, 16, 3}, 4);
  State other = random_state(*four);
  const at::Tensor head = other.parameters[other.parameters.size() - 2].clone();
  const auto warnings = load_weights(path, "resnet8", *four, other);
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_EQ(largest_difference(other.parameters[0], state.parameters[0]), 0.0);
  EXPECT_EQ(largest_difference(other.parameters[other.parameters.size() - 2], head), 0.0);
}

TEST(Weights, RefusesOnesOfAnotherNetwork) {
  const TempFolder folder;
  const auto path = folder / "w.safetensors";
  const auto small = network_of(NetworkModel::resnet8, {16, 16, 3}, 7);
  save_weights(path, *small, random_state(*small), description(NetworkModel::resnet8, 7));
  const auto load = [&](NetworkModel model, const io::ImageShape& shape) {
    const auto network = network_of(model, shape, 7);
    State state = random_state(*network);
    load_weights(path, enum_name(model), *network, state);
  };
  expect_error<BadFile>(
      [&] {
        load(NetworkModel::resnet20, {16, 16, 3});
      },
      {"w.safetensors", "no array layer1.1.conv1.weight", "resnet20"});
  expect_error<BadFile>(
      [&] {
        load(NetworkModel::resnet8, {16, 16, 1});
      },
      {"conv1.weight", "[16, 3, 3, 3] F32", "[16, 1, 3, 3]"});
  const auto large = network_of(NetworkModel::resnet20, {16, 16, 3}, 7);
  save_weights(path, *large, random_state(*large), description(NetworkModel::resnet20, 7));
  expect_error<BadFile>(
      [&] {
        load(NetworkModel::resnet8, {16, 16, 3});
      },
      {"holds layer1.1.", "which resnet8 has not"});
}

TEST(Weights, NetworkOfAFileThatDoesNotTell) {
  const TempFolder folder;
  const auto path = folder / "plain.safetensors";
  const std::vector<float> values(4);
  io::TensorView view;
  view.name = "a";
  view.shape = {4};
  view.bytes = std::as_bytes(std::span(values));
  io::write_safetensors(path, std::vector{view});
  expect_error<BadFile>([&] { load_network(path); },
                        {"plain.safetensors", "no \"winnow\" in its metadata"});
  Json bad = description(NetworkModel::resnet8, 7);
  bad["n_classes"] = -1;
  io::write_safetensors(path, std::vector{view}, {{"winnow", bad.dump()}});
  expect_error<BadFile>([&] { load_network(path); }, {"does not describe a network"});
}

}  // namespace
}  // namespace winnow::train
