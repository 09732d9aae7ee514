#include "train/torch/vit.hpp"

#include <fmt/format.h>

#include <cmath>

#include "train/torch/layers.hpp"

namespace winnow::train {

namespace {

/// Glorot's uniform initialisation.
Initial xavier(std::int64_t inputs, std::int64_t outputs) {
  return {Initial::Shape::uniform, std::sqrt(6.0 / static_cast<double>(inputs + outputs))};
}

}  // namespace

ViT::ViT(const ViTShape& shape, const io::ImageShape& image, std::int64_t n_classes)
    : shape_(shape), patch_rows_(image.height / shape.patch_size) {
  using enum Parameter::Kind;
  const std::int64_t width = shape.width;
  const std::int64_t side = shape.patch_size;
  class_token_ = add("class_token", other, {1, 1, width}, {});
  const double deviation = std::sqrt(1.0 / static_cast<double>(image.channels * side * side));
  patches_ = {.weight = add("conv_proj.weight", product, {width, image.channels, side, side},
                            {Initial::Shape::normal, deviation}),
              .stride = side,
              .padding = 0,
              .bias = true};
  add("conv_proj.bias", other, {width}, {});
  const std::int64_t n_patches = (image.height / side) * (image.width / side);
  positions_ = add("encoder.pos_embedding", other, {1, n_patches + 1, width},
                   {Initial::Shape::normal, 0.02});
  for (std::int64_t i = 0; i < shape.depth; ++i) {
    blocks_.push_back(add_block(fmt::format("encoder.layers.encoder_layer_{}.", i)));
  }
  last_norm_ = add_layer_norm("encoder.ln", width);
  add_head("heads.head", width, n_classes, {});
}

DenseLayer ViT::add_dense(const std::string& weight, const std::string& bias, std::int64_t inputs,
                          std::int64_t outputs, Initial weights, Initial biases) {
  const DenseLayer layer{add(weight, Parameter::Kind::product, {outputs, inputs}, weights)};
  add(bias, Parameter::Kind::other, {outputs}, biases);
  return layer;
}

ViT::Block ViT::add_block(const std::string& name) {
  const std::int64_t width = shape_.width;
  const std::int64_t hidden = 4 * width;
  const Initial mlp_bias{Initial::Shape::normal, 1e-6};
  const std::string attention = name + "self_attention.";
  Block block;
  block.first_norm = add_layer_norm(name + "ln_1", width);
  block.in_projection = add_dense(attention + "in_proj_weight", attention + "in_proj_bias", width,
                                  3 * width, xavier(width, 3 * width), {});
  block.out_projection =
      add_dense(attention + "out_proj.weight", attention + "out_proj.bias", width, width,
                {Initial::Shape::uniform, 1.0 / std::sqrt(static_cast<double>(width))}, {});
  block.second_norm = add_layer_norm(name + "ln_2", width);
  block.hidden = add_dense(name + "mlp.0.weight", name + "mlp.0.bias", width, hidden,
                           xavier(width, hidden), mlp_bias);
  block.output = add_dense(name + "mlp.3.weight", name + "mlp.3.bias", hidden, width,
                           xavier(hidden, width), mlp_bias);
  return block;
}

at::Tensor ViT::attend(Layers& layers, const Block& block, const at::Tensor& tokens) const {
  const std::int64_t n = tokens.size(0);
  const std::int64_t t = tokens.size(1);
  const std::int64_t per_head = shape_.width / shape_.heads;
  // Brought together once: queries, keys and values, [n heads, t, per_head] each. Softmax computes
  // in float whatever it reads and writes.
  const std::vector<at::Tensor> parts = layers.dense(block.in_projection, tokens)
                                            .reshape({n, t, 3, shape_.heads, per_head})
                                            .permute({2, 0, 3, 1, 4})
                                            .reshape({3, n * shape_.heads, t, per_head})
                                            .unbind(0);
  const at::Tensor queries = parts[0] * (1.0 / std::sqrt(static_cast<double>(per_head)));
  const at::Tensor shares = at::softmax(at::bmm(queries, parts[1].transpose(1, 2)), -1);
  const at::Tensor mixed = at::bmm(shares, parts[2])
                               .view({n, shape_.heads, t, per_head})
                               .transpose(1, 2)
                               .reshape({n, t, shape_.width});
  return layers.dense(block.out_projection, mixed);
}

at::Tensor ViT::tokens(Layers& layers, const at::Tensor& images) const {
  const at::Tensor patches = layers.convolution(patches_, images).flatten(2).transpose(1, 2);
  at::Tensor x =
      layers.add_parameter(positions_, layers.prepend_token(class_token_, patches.to(at::kFloat)));
  for (const Block& block : blocks_) {
    x = x + attend(layers, block, layers.layer_norm(block.first_norm, x));
    const at::Tensor hidden =
        at::gelu(layers.dense(block.hidden, layers.layer_norm(block.second_norm, x)));
    x = x + layers.dense(block.output, hidden);
  }
  return layers.layer_norm(last_norm_, x);
}

at::Tensor ViT::features(Layers& layers, const at::Tensor& images) const {
  return tokens(layers, images).select(1, 0);
}

at::Tensor ViT::quarters(Layers& layers, const at::Tensor& images) const {
  const at::Tensor all = tokens(layers, images);
  const std::int64_t patches = all.size(1) - 1;
  const at::Tensor map = all.narrow(1, 1, patches).transpose(1, 2);
  return quarters_of(map.reshape({all.size(0), -1, patch_rows_, patches / patch_rows_}));
}

}  // namespace winnow::train
