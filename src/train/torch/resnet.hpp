#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "winnow/core/rng.hpp"

namespace winnow::train {

/// One learned array. Names are torchvision's, e.g. layer2.0.downsample.1.weight.
struct Parameter {
  enum class Kind { convolution, norm_scale, norm_shift, dense_weight, dense_bias };

  std::string name;
  Kind kind = Kind::convolution;
  std::vector<std::int64_t> sizes;

  std::int64_t size() const;
  bool decays() const { return kind == Kind::convolution || kind == Kind::dense_weight; }
};

/// CIFAR-style ResNet (He et al. 2016): a 3 x 3 stem of 16 channels, three stages of basic blocks
/// with 16, 32 and 64 channels, the later two at half the resolution each with a projected
/// shortcut, global average pooling and a dense layer. Holds the structure; parameters are the
/// caller's.
class ResNet {
 public:
  ResNet(std::int64_t image_channels, std::int64_t n_classes, int blocks_per_stage);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::int64_t n_parameters() const;
  /// Channels of every normalisation layer.
  const std::vector<std::int64_t>& norms() const { return norms_; }

  /// All parameters one after the other: convolutions normal with variance 2 / fan-out, scales 1,
  /// shifts 0, the dense layer uniform in +-1 / sqrt(fan-in), as torchvision does it.
  std::vector<float> initial_parameters(Seed seed) const;

  struct Output {
    at::Tensor logits;                ///< float32 [n, n_classes]
    std::vector<at::Tensor> moments;  ///< Of each normalisation layer: [2, channels].
  };

  /// @param parameters  As listed; convolutions in the type of `images`, all others float32.
  /// @param images      [n, channels, height, width]
  Output train(const std::vector<at::Tensor>& parameters, const at::Tensor& images) const;
  /// Logits where every layer normalises with `moments` instead of the batch's own.
  at::Tensor evaluate(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                      const std::vector<at::Tensor>& moments) const;

 private:
  /// A convolution without bias and the normalisation behind it.
  struct Unit {
    std::size_t convolution = 0;  ///< Its parameter; scale and shift follow.
    std::size_t norm = 0;
    std::int64_t stride = 1;
    std::int64_t padding = 1;
  };
  struct Block {
    Unit first;
    Unit second;
    std::optional<Unit> shortcut;
  };

  Unit add_unit(const std::string& convolution, const std::string& norm, std::int64_t inputs,
                std::int64_t outputs, std::int64_t side, std::int64_t stride);
  void add_block(const std::string& name, std::int64_t inputs, std::int64_t outputs,
                 std::int64_t stride);
  template <class Norm>
  at::Tensor forward(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                     const Norm& norm) const;

  std::vector<Parameter> parameters_;
  std::vector<std::int64_t> norms_;
  Unit stem_;
  std::vector<Block> blocks_;
};

}  // namespace winnow::train
