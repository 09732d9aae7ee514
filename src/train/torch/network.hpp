#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

class Layers;

/// How a learned array starts.
struct Initial {
  enum class Shape { constant, normal, uniform };
  Shape shape = Shape::constant;
  double value = 0.0;  ///< The constant, the standard deviation, or the bound of uniform +-value.
};

/// One learned array. Names are torchvision's, e.g. layer2.0.downsample.1.weight.
struct Parameter {
  enum class Kind {
    product,  ///< weights of a convolution or dense layer: decay, computed with in `precision`
    head,     ///< weights of the last dense layer: decay, always float32
    other     ///< biases, normalisation, tokens, positions: no decay
  };

  std::string name;
  Kind kind = Kind::other;
  std::vector<std::int64_t> sizes;
  Initial initial;

  std::int64_t size() const;
  bool decays() const { return kind != Kind::other; }
};

/// Layers by the parameters they own: `weight` or `scale` and, where there is one, the bias or
/// shift right behind it.
struct ConvolutionLayer {
  std::size_t weight = 0;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  bool bias = false;
};
struct DenseLayer {
  std::size_t weight = 0;
};
struct BatchNormLayer {
  std::size_t scale = 0;
  std::size_t norm = 0;  ///< Its moments.
};
struct LayerNormLayer {
  std::size_t scale = 0;
};

/// Running moments of a batch normalisation, named as its parameters are.
struct NormName {
  std::string name;
  std::int64_t channels = 0;
};

/// The structure of a network: what it learns, and how layers follow each other. The values of
/// parameters and moments are the caller's; how a layer is computed is that of Layers.
class Network {
 public:
  virtual ~Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::int64_t n_parameters() const;
  const std::vector<NormName>& norms() const { return norms_; }
  std::int64_t n_features() const { return parameters_[head_.weight].sizes[1]; }

  /// All parameters one after the other, each from a stream of its own; moments as torchvision's.
  std::vector<float> initial_parameters(Seed seed) const;

  /// float32 [n, n_features] below the last dense layer.
  /// @param images  [n, channels, height, width]
  virtual at::Tensor features(Layers& layers, const at::Tensor& images) const = 0;
  /// float32 [n, n_quarters], as NetworkFeatures::quarters says; features() where there are no
  /// maps.
  virtual at::Tensor quarters(Layers& layers, const at::Tensor& images) const {
    return features(layers, images);
  }
  virtual std::int64_t n_quarters() const { return n_features(); }
  /// float32 [n, n_classes]
  at::Tensor logits(Layers& layers, const at::Tensor& images) const;

 protected:
  Network() = default;

  std::size_t add(std::string name, Parameter::Kind kind, std::vector<std::int64_t> sizes,
                  Initial initial);
  /// `side` x `side`, He's initialisation by fan-out, without bias.
  ConvolutionLayer add_convolution(const std::string& name, std::int64_t inputs,
                                   std::int64_t outputs, std::int64_t side, std::int64_t stride);
  BatchNormLayer add_batch_norm(const std::string& name, std::int64_t channels);
  LayerNormLayer add_layer_norm(const std::string& name, std::int64_t width);
  /// The last layer; `initial` of both weight and bias.
  void add_head(const std::string& name, std::int64_t inputs, std::int64_t n_classes,
                Initial initial);

 private:
  std::vector<Parameter> parameters_;
  std::vector<NormName> norms_;
  DenseLayer head_;
};

/// float32 [n, 4 c] averages over the quarters of a map [n, c, h, w].
at::Tensor quarters_of(const at::Tensor& map);

/// The network that `options` name, for images of this shape; stem and patch size are resolved.
std::unique_ptr<Network> make_network(const NetworkOptions& options, const io::ImageShape& shape,
                                      std::int64_t n_classes);

}  // namespace winnow::train
