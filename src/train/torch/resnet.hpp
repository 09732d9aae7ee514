#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/torch/network.hpp"

namespace winnow::train {

/// What distinguishes the residual networks of He et al. 2016.
struct ResNetShape {
  std::vector<std::int64_t>
      channels;             ///< Of every stage; a bottleneck puts out four times as many.
  std::vector<int> blocks;  ///< Of every stage.
  bool bottleneck = false;
  bool imagenet_stem = false;  ///< 7 x 7 with stride 2 and max pooling, else 3 x 3.
};

/// ResNet, version 1 (He et al., "Deep residual learning for image recognition", 2016): a stem,
/// stages of basic or bottleneck blocks, each after the first at half the resolution and with a
/// projected shortcut, global average pooling, a dense layer. With four stages and the ImageNet
/// stem it is torchvision's, parameter names and initialisation included (stride in the 3 x 3 layer
/// of a bottleneck).
class ResNet final : public Network {
 public:
  ResNet(const ResNetShape& shape, std::int64_t image_channels, std::int64_t n_classes);

  at::Tensor features(Layers& layers, const at::Tensor& images) const override;
  at::Tensor quarters(Layers& layers, const at::Tensor& images) const override;
  std::int64_t n_quarters() const override { return 4 * (outputs_.end()[-2] + outputs_.back()); }

 private:
  struct Unit {
    ConvolutionLayer convolution;
    BatchNormLayer norm;
  };
  struct Block {
    std::vector<Unit> units;  ///< Two, or three of a bottleneck.
    std::optional<Unit> shortcut;
  };

  /// Maps after every stage.
  std::vector<at::Tensor> stages(Layers& layers, const at::Tensor& images) const;
  Unit add_unit(const std::string& convolution, const std::string& norm, std::int64_t inputs,
                std::int64_t outputs, std::int64_t side, std::int64_t stride);
  void add_block(const std::string& name, std::int64_t inputs, std::int64_t width,
                 std::int64_t stride, bool bottleneck);

  Unit stem_;
  bool pools_ = false;
  std::vector<std::vector<Block>> stages_;
  std::vector<std::int64_t> outputs_;  ///< Channels after every stage.
};

/// WideResNet (Zagoruyko and Komodakis, "Wide residual networks", 2016): three stages of
/// pre-activation blocks of 16, 32 and 64 times `width` channels; depth 6 n + 4. Names follow the
/// authors' usual PyTorch translation: block1.layer.0.conv1, convShortcut.
class WideResNet final : public Network {
 public:
  WideResNet(int depth, std::int64_t width, std::int64_t image_channels, std::int64_t n_classes);

  at::Tensor features(Layers& layers, const at::Tensor& images) const override;
  at::Tensor quarters(Layers& layers, const at::Tensor& images) const override;
  std::int64_t n_quarters() const override { return 4 * (outputs_.end()[-2] + outputs_.back()); }

 private:
  struct Block {
    BatchNormLayer first_norm;
    ConvolutionLayer first;
    BatchNormLayer second_norm;
    ConvolutionLayer second;
    std::optional<ConvolutionLayer> shortcut;
  };

  /// Maps after every stage; the last is normalised.
  std::vector<at::Tensor> stages(Layers& layers, const at::Tensor& images) const;

  ConvolutionLayer stem_;
  std::vector<std::vector<Block>> stages_;
  std::vector<std::int64_t> outputs_;  ///< Channels after every stage.
  BatchNormLayer last_norm_;
};

}  // namespace winnow::train
