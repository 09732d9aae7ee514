#include "train/torch/network.hpp"

#include <cmath>

#include "train/torch/layers.hpp"

namespace winnow::train {

std::int64_t Parameter::size() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : sizes) product *= extent;
  return product;
}

std::int64_t Network::n_parameters() const {
  std::int64_t total = 0;
  for (const Parameter& parameter : parameters_) total += parameter.size();
  return total;
}

std::vector<float> Network::initial_parameters(Seed seed) const {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(n_parameters()));
  for (const Parameter& parameter : parameters_) {
    RandomStream random(seed, "network/" + parameter.name);
    const auto [shape, value] = parameter.initial;
    for (std::int64_t i = 0; i < parameter.size(); ++i) {
      switch (shape) {
        case Initial::Shape::constant:
          values.push_back(static_cast<float>(value));
          break;
        case Initial::Shape::normal:
          values.push_back(static_cast<float>(value * random.normal()));
          break;
        case Initial::Shape::uniform:
          values.push_back(static_cast<float>(value * (2.0 * random.uniform() - 1.0)));
          break;
      }
    }
  }
  return values;
}

at::Tensor Network::logits(Layers& layers, const at::Tensor& images) const {
  return layers.dense(head_, features(layers, images));
}

at::Tensor quarters_of(const at::Tensor& map) {
  return at::adaptive_avg_pool2d(map.to(at::kFloat), std::vector<std::int64_t>{2, 2}).flatten(1);
}

std::size_t Network::add(std::string name, Parameter::Kind kind, std::vector<std::int64_t> sizes,
                         Initial initial) {
  parameters_.push_back({std::move(name), kind, std::move(sizes), initial});
  return parameters_.size() - 1;
}

ConvolutionLayer Network::add_convolution(const std::string& name, std::int64_t inputs,
                                          std::int64_t outputs, std::int64_t side,
                                          std::int64_t stride) {
  const double deviation = std::sqrt(2.0 / static_cast<double>(outputs * side * side));
  const std::size_t weight =
      add(name + ".weight", Parameter::Kind::product, {outputs, inputs, side, side},
          {Initial::Shape::normal, deviation});
  return {.weight = weight, .stride = stride, .padding = side / 2, .bias = false};
}

BatchNormLayer Network::add_batch_norm(const std::string& name, std::int64_t channels) {
  const std::size_t scale =
      add(name + ".weight", Parameter::Kind::other, {channels}, {Initial::Shape::constant, 1.0});
  add(name + ".bias", Parameter::Kind::other, {channels}, {});
  norms_.push_back({name, channels});
  return {.scale = scale, .norm = norms_.size() - 1};
}

LayerNormLayer Network::add_layer_norm(const std::string& name, std::int64_t width) {
  const std::size_t scale =
      add(name + ".weight", Parameter::Kind::other, {width}, {Initial::Shape::constant, 1.0});
  add(name + ".bias", Parameter::Kind::other, {width}, {});
  return {scale};
}

void Network::add_head(const std::string& name, std::int64_t inputs, std::int64_t n_classes,
                       Initial initial) {
  head_.weight = add(name + ".weight", Parameter::Kind::head, {n_classes, inputs}, initial);
  add(name + ".bias", Parameter::Kind::other, {n_classes}, initial);
}

}  // namespace winnow::train
