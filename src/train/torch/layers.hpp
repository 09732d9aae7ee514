#pragma once

#include <torch/torch.h>

#include <optional>
#include <vector>

#include "train/torch/network.hpp"

namespace winnow::train {

/// Of layer normalisations, as torchvision's ViT has it.
constexpr double layer_norm_epsilon = 1e-6;

/// How the layers of a network are computed in one pass over some images. `parameters` are as the
/// network lists them; products run in their type, everything else in float32.
class Layers {
 public:
  enum class Kind { convolution, dense, batch_norm, layer_norm, added, token };

  explicit Layers(const std::vector<at::Tensor>& parameters) : parameters_(parameters) {}
  virtual ~Layers() = default;
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;

  at::Tensor convolution(const ConvolutionLayer& layer, const at::Tensor& x);
  /// Over the last axis.
  at::Tensor dense(const DenseLayer& layer, const at::Tensor& x);
  /// relu?(norm(x) + residual?)
  virtual at::Tensor batch_norm(const BatchNormLayer& layer, const at::Tensor& x,
                                const std::optional<at::Tensor>& residual, bool relu) = 0;
  /// Over the last axis; float32.
  at::Tensor layer_norm(const LayerNormLayer& layer, const at::Tensor& x);
  /// x [n, ...] plus parameter [1, ...]
  at::Tensor add_parameter(std::size_t parameter, const at::Tensor& x);
  /// Parameter [1, 1, d] put before the tokens x [n, t, d].
  at::Tensor prepend_token(std::size_t parameter, const at::Tensor& x);

 protected:
  const at::Tensor& parameter(std::size_t index) const { return parameters_[index]; }
  /// Told of every layer with parameters: what goes into it (batch normalisations are their
  /// subclass's to tell of) and what comes right out of its parameters.
  virtual void computed(Kind /*kind*/, const ConvolutionLayer* /*convolution*/,
                        const at::Tensor& /*input*/, const at::Tensor& /*output*/) {}

 private:
  const std::vector<at::Tensor>& parameters_;
};

/// Normalises with the batch's own moments and keeps them; differentiable.
class TrainingLayers final : public Layers {
 public:
  TrainingLayers(const std::vector<at::Tensor>& parameters, std::size_t n_norms)
      : Layers(parameters), moments_(n_norms) {}

  at::Tensor batch_norm(const BatchNormLayer& layer, const at::Tensor& x,
                        const std::optional<at::Tensor>& residual, bool relu) override;
  /// [2, channels] of each normalisation: mean and biased variance.
  std::vector<at::Tensor>& moments() { return moments_; }

 private:
  std::vector<at::Tensor> moments_;
};

/// Normalises with given moments; no gradients.
class EvaluationLayers final : public Layers {
 public:
  EvaluationLayers(const std::vector<at::Tensor>& parameters,
                   const std::vector<at::Tensor>& moments)
      : Layers(parameters), moments_(moments) {}

  at::Tensor batch_norm(const BatchNormLayer& layer, const at::Tensor& x,
                        const std::optional<at::Tensor>& residual, bool relu) override;

 private:
  const std::vector<at::Tensor>& moments_;
};

}  // namespace winnow::train
