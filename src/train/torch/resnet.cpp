#include "train/torch/resnet.hpp"

#include <fmt/format.h>

#include <cmath>

#include "train/torch/layers.hpp"

namespace winnow::train {

namespace {

/// As torch.nn.Linear starts.
Initial linear_initial(std::int64_t inputs) {
  return {Initial::Shape::uniform, 1.0 / std::sqrt(static_cast<double>(inputs))};
}

at::Tensor average(const at::Tensor& x) {
  return x.to(at::kFloat).mean(std::vector<std::int64_t>{2, 3});
}

at::Tensor last_two(const std::vector<at::Tensor>& maps) {
  return at::cat({quarters_of(maps.back()), quarters_of(maps.end()[-2])}, 1);
}

}  // namespace

ResNet::ResNet(const ResNetShape& shape, std::int64_t image_channels, std::int64_t n_classes)
    : pools_(shape.imagenet_stem) {
  const std::int64_t expansion = shape.bottleneck ? 4 : 1;
  std::int64_t inputs = shape.channels.front();
  stem_ = shape.imagenet_stem ? add_unit("conv1", "bn1", image_channels, inputs, 7, 2)
                              : add_unit("conv1", "bn1", image_channels, inputs, 3, 1);
  for (std::size_t stage = 0; stage < shape.channels.size(); ++stage) {
    stages_.emplace_back();
    for (int block = 0; block < shape.blocks[stage]; ++block) {
      const std::int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      add_block(fmt::format("layer{}.{}.", stage + 1, block), inputs, shape.channels[stage], stride,
                shape.bottleneck);
      inputs = shape.channels[stage] * expansion;
    }
    outputs_.push_back(inputs);
  }
  add_head("fc", inputs, n_classes, linear_initial(inputs));
}

ResNet::Unit ResNet::add_unit(const std::string& convolution, const std::string& norm,
                              std::int64_t inputs, std::int64_t outputs, std::int64_t side,
                              std::int64_t stride) {
  Unit unit;
  unit.convolution = add_convolution(convolution, inputs, outputs, side, stride);
  unit.norm = add_batch_norm(norm, outputs);
  return unit;
}

void ResNet::add_block(const std::string& name, std::int64_t inputs, std::int64_t width,
                       std::int64_t stride, bool bottleneck) {
  Block block;
  std::int64_t outputs = width;
  if (bottleneck) {
    outputs = 4 * width;
    block.units.push_back(add_unit(name + "conv1", name + "bn1", inputs, width, 1, 1));
    block.units.push_back(add_unit(name + "conv2", name + "bn2", width, width, 3, stride));
    block.units.push_back(add_unit(name + "conv3", name + "bn3", width, outputs, 1, 1));
  } else {
    block.units.push_back(add_unit(name + "conv1", name + "bn1", inputs, width, 3, stride));
    block.units.push_back(add_unit(name + "conv2", name + "bn2", width, width, 3, 1));
  }
  if (stride != 1 || inputs != outputs) {
    block.shortcut =
        add_unit(name + "downsample.0", name + "downsample.1", inputs, outputs, 1, stride);
  }
  stages_.back().push_back(std::move(block));
}

std::vector<at::Tensor> ResNet::stages(Layers& layers, const at::Tensor& images) const {
  const auto apply = [&layers](const Unit& unit, const at::Tensor& x,
                               const std::optional<at::Tensor>& residual, bool relu) {
    return layers.batch_norm(unit.norm, layers.convolution(unit.convolution, x), residual, relu);
  };
  at::Tensor x = apply(stem_, images, std::nullopt, true);
  if (pools_) {
    const auto pair = [](std::int64_t value) { return std::vector<std::int64_t>{value, value}; };
    x = at::max_pool2d(x, pair(3), pair(2), pair(1));
  }
  std::vector<at::Tensor> maps;
  for (const auto& stage : stages_) {
    for (const Block& block : stage) {
      at::Tensor inner = x;
      for (std::size_t i = 0; i + 1 < block.units.size(); ++i) {
        inner = apply(block.units[i], inner, std::nullopt, true);
      }
      const at::Tensor shortcut =
          block.shortcut ? apply(*block.shortcut, x, std::nullopt, false) : x;
      x = apply(block.units.back(), inner, shortcut, true);
    }
    maps.push_back(x);
  }
  return maps;
}

at::Tensor ResNet::features(Layers& layers, const at::Tensor& images) const {
  return average(stages(layers, images).back());
}

at::Tensor ResNet::quarters(Layers& layers, const at::Tensor& images) const {
  return last_two(stages(layers, images));
}

WideResNet::WideResNet(int depth, std::int64_t width, std::int64_t image_channels,
                       std::int64_t n_classes) {
  const int blocks = (depth - 4) / 6;
  std::int64_t inputs = 16;
  stem_ = add_convolution("conv1", image_channels, inputs, 3, 1);
  for (int stage = 0; stage < 3; ++stage) {
    const std::int64_t outputs = (std::int64_t{16} << stage) * width;
    stages_.emplace_back();
    for (int index = 0; index < blocks; ++index) {
      const std::string name = fmt::format("block{}.layer.{}.", stage + 1, index);
      const std::int64_t stride = stage > 0 && index == 0 ? 2 : 1;
      Block block;
      block.first_norm = add_batch_norm(name + "bn1", inputs);
      block.first = add_convolution(name + "conv1", inputs, outputs, 3, stride);
      block.second_norm = add_batch_norm(name + "bn2", outputs);
      block.second = add_convolution(name + "conv2", outputs, outputs, 3, 1);
      if (inputs != outputs) {
        block.shortcut = add_convolution(name + "convShortcut", inputs, outputs, 1, stride);
      }
      stages_.back().push_back(block);
      inputs = outputs;
    }
    outputs_.push_back(outputs);
  }
  last_norm_ = add_batch_norm("bn1", inputs);
  add_head("fc", inputs, n_classes, linear_initial(inputs));
}

std::vector<at::Tensor> WideResNet::stages(Layers& layers, const at::Tensor& images) const {
  at::Tensor x = layers.convolution(stem_, images);
  std::vector<at::Tensor> maps;
  for (const auto& stage : stages_) {
    for (const Block& block : stage) {
      const at::Tensor active = layers.batch_norm(block.first_norm, x, std::nullopt, true);
      const at::Tensor inner = layers.batch_norm(
          block.second_norm, layers.convolution(block.first, active), std::nullopt, true);
      const at::Tensor shortcut = block.shortcut ? layers.convolution(*block.shortcut, active) : x;
      x = layers.convolution(block.second, inner) + shortcut;
    }
    maps.push_back(x);
  }
  maps.back() = layers.batch_norm(last_norm_, x, std::nullopt, true);
  return maps;
}

at::Tensor WideResNet::features(Layers& layers, const at::Tensor& images) const {
  return average(stages(layers, images).back());
}

at::Tensor WideResNet::quarters(Layers& layers, const at::Tensor& images) const {
  return last_two(stages(layers, images));
}

}  // namespace winnow::train
