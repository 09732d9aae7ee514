#pragma once

#include <vector>

#include "train/torch/network.hpp"

namespace winnow::train {

/// What distinguishes vision transformers.
struct ViTShape {
  std::int64_t patch_size = 16;
  std::int64_t width = 192;
  std::int64_t heads = 3;
  std::int64_t depth = 12;
};

/// Vision transformer (Dosovitskiy et al., "An image is worth 16x16 words", 2021) as torchvision
/// has it, parameter names and initialisation included: patches, a class token, learned positions,
/// pre-norm encoder blocks with a hidden layer of four times the width, the class token's dense
/// layer. Without dropout.
class ViT final : public Network {
 public:
  /// Image sides are multiples of the patch size.
  ViT(const ViTShape& shape, const io::ImageShape& image, std::int64_t n_classes);

  at::Tensor features(Layers& layers, const at::Tensor& images) const override;
  at::Tensor quarters(Layers& layers, const at::Tensor& images) const override;
  std::int64_t n_quarters() const override { return 4 * shape_.width; }

 private:
  struct Block {
    LayerNormLayer first_norm;
    DenseLayer in_projection;
    DenseLayer out_projection;
    LayerNormLayer second_norm;
    DenseLayer hidden;
    DenseLayer output;
  };

  DenseLayer add_dense(const std::string& weight, const std::string& bias, std::int64_t inputs,
                       std::int64_t outputs, Initial weights, Initial biases);
  Block add_block(const std::string& name);
  /// [n, 1 + patches, width], the class token first.
  at::Tensor tokens(Layers& layers, const at::Tensor& images) const;
  at::Tensor attend(Layers& layers, const Block& block, const at::Tensor& tokens) const;

  ViTShape shape_;
  std::int64_t patch_rows_ = 0;
  std::size_t class_token_ = 0;
  ConvolutionLayer patches_;
  std::size_t positions_ = 0;
  std::vector<Block> blocks_;
  LayerNormLayer last_norm_;
};

}  // namespace winnow::train
