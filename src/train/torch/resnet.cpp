#include "train/torch/resnet.hpp"

#include <fmt/format.h>

#include <cmath>

#include "train/torch/channel_norm_op.hpp"

namespace winnow::train {

namespace {

constexpr std::int64_t stage_channels[] = {16, 32, 64};

}  // namespace

std::int64_t Parameter::size() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : sizes) product *= extent;
  return product;
}

ResNet::ResNet(std::int64_t image_channels, std::int64_t n_classes, int blocks_per_stage) {
  stem_ = add_unit("conv1", "bn1", image_channels, stage_channels[0], 3, 1);
  std::int64_t inputs = stage_channels[0];
  for (int stage = 0; stage < 3; ++stage) {
    for (int block = 0; block < blocks_per_stage; ++block) {
      const std::int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      add_block(fmt::format("layer{}.{}.", stage + 1, block), inputs, stage_channels[stage],
                stride);
      inputs = stage_channels[stage];
    }
  }
  parameters_.push_back({"fc.weight", Parameter::Kind::dense_weight, {n_classes, inputs}});
  parameters_.push_back({"fc.bias", Parameter::Kind::dense_bias, {n_classes}});
}

ResNet::Unit ResNet::add_unit(const std::string& convolution, const std::string& norm,
                              std::int64_t inputs, std::int64_t outputs, std::int64_t side,
                              std::int64_t stride) {
  const Unit unit{.convolution = parameters_.size(),
                  .norm = norms_.size(),
                  .stride = stride,
                  .padding = side / 2};
  parameters_.push_back(
      {convolution + ".weight", Parameter::Kind::convolution, {outputs, inputs, side, side}});
  parameters_.push_back({norm + ".weight", Parameter::Kind::norm_scale, {outputs}});
  parameters_.push_back({norm + ".bias", Parameter::Kind::norm_shift, {outputs}});
  norms_.push_back(outputs);
  return unit;
}

void ResNet::add_block(const std::string& name, std::int64_t inputs, std::int64_t outputs,
                       std::int64_t stride) {
  Block block;
  block.first = add_unit(name + "conv1", name + "bn1", inputs, outputs, 3, stride);
  block.second = add_unit(name + "conv2", name + "bn2", outputs, outputs, 3, 1);
  if (stride != 1 || inputs != outputs) {
    block.shortcut =
        add_unit(name + "downsample.0", name + "downsample.1", inputs, outputs, 1, stride);
  }
  blocks_.push_back(block);
}

std::int64_t ResNet::n_parameters() const {
  std::int64_t total = 0;
  for (const Parameter& parameter : parameters_) total += parameter.size();
  return total;
}

std::vector<float> ResNet::initial_parameters(Seed seed) const {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(n_parameters()));
  for (const Parameter& parameter : parameters_) {
    RandomStream random(seed, "network/" + parameter.name);
    const auto& sizes = parameter.sizes;
    const auto append = [&](const auto& draw) {
      for (std::int64_t i = 0; i < parameter.size(); ++i) {
        values.push_back(static_cast<float>(draw()));
      }
    };
    switch (parameter.kind) {
      case Parameter::Kind::convolution: {
        const double deviation =
            std::sqrt(2.0 / static_cast<double>(sizes[0] * sizes[2] * sizes[3]));
        append([&] { return deviation * random.normal(); });
        break;
      }
      case Parameter::Kind::norm_scale:
        append([] { return 1.0; });
        break;
      case Parameter::Kind::norm_shift:
        append([] { return 0.0; });
        break;
      case Parameter::Kind::dense_weight:
      case Parameter::Kind::dense_bias: {
        const double bound = 1.0 / std::sqrt(static_cast<double>(stage_channels[2]));
        append([&] { return bound * (2.0 * random.uniform() - 1.0); });
        break;
      }
    }
  }
  return values;
}

template <class Norm>
at::Tensor ResNet::forward(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                           const Norm& norm) const {
  const auto apply = [&](const Unit& unit, const at::Tensor& x,
                         const std::optional<at::Tensor>& residual, bool relu) {
    const std::vector<std::int64_t> stride{unit.stride, unit.stride};
    const std::vector<std::int64_t> padding{unit.padding, unit.padding};
    return norm(unit.norm, at::conv2d(x, parameters[unit.convolution], {}, stride, padding),
                residual, parameters[unit.convolution + 1], parameters[unit.convolution + 2], relu);
  };
  at::Tensor x = apply(stem_, images, std::nullopt, true);
  for (const Block& block : blocks_) {
    const at::Tensor inner = apply(block.first, x, std::nullopt, true);
    const at::Tensor shortcut = block.shortcut ? apply(*block.shortcut, x, std::nullopt, false) : x;
    x = apply(block.second, inner, shortcut, true);
  }
  const at::Tensor pooled = x.to(at::kFloat).mean(std::vector<std::int64_t>{2, 3});
  return at::linear(pooled, parameters[parameters.size() - 2], parameters.back());
}

ResNet::Output ResNet::train(const std::vector<at::Tensor>& parameters,
                             const at::Tensor& images) const {
  Output output;
  output.moments.resize(norms_.size());
  output.logits =
      forward(parameters, images,
              [&](std::size_t index, const at::Tensor& x, const std::optional<at::Tensor>& residual,
                  const at::Tensor& scale, const at::Tensor& shift, bool relu) {
                NormOutput result = batch_norm(x, residual, scale, shift, relu);
                output.moments[index] = result.moments;
                return result.y;
              });
  return output;
}

at::Tensor ResNet::evaluate(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                            const std::vector<at::Tensor>& moments) const {
  return forward(
      parameters, images,
      [&](std::size_t index, const at::Tensor& x, const std::optional<at::Tensor>& residual,
          const at::Tensor& scale, const at::Tensor& shift,
          bool relu) { return fixed_norm(x, residual, scale, shift, moments[index], relu); });
}

}  // namespace winnow::train
