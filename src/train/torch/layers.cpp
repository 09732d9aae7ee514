#include "train/torch/layers.hpp"

#include "train/torch/channel_norm_op.hpp"
#include "train/torch/dense_op.hpp"

namespace winnow::train {

at::Tensor Layers::convolution(const ConvolutionLayer& layer, const at::Tensor& x) {
  const at::Tensor& weight = parameter(layer.weight);
  const at::Tensor input = x.to(weight.scalar_type());
  at::Tensor bias;
  if (layer.bias) bias = parameter(layer.weight + 1).to(weight.scalar_type());
  const std::vector<std::int64_t> stride{layer.stride, layer.stride};
  const std::vector<std::int64_t> padding{layer.padding, layer.padding};
  at::Tensor output = at::conv2d(input, weight, bias, stride, padding);
  computed(Kind::convolution, &layer, input, output);
  return output;
}

at::Tensor Layers::dense(const DenseLayer& layer, const at::Tensor& x) {
  const at::Tensor& weight = parameter(layer.weight);
  const at::Tensor input = x.to(weight.scalar_type());
  at::Tensor output =
      dense_product(input, weight, parameter(layer.weight + 1).to(weight.scalar_type()));
  computed(Kind::dense, nullptr, input, output);
  return output;
}

at::Tensor Layers::layer_norm(const LayerNormLayer& layer, const at::Tensor& x) {
  const at::Tensor& scale = parameter(layer.scale);
  at::Tensor output = at::layer_norm(x.to(at::kFloat), scale.sizes(), scale,
                                     parameter(layer.scale + 1), layer_norm_epsilon);
  computed(Kind::layer_norm, nullptr, x, output);
  return output;
}

at::Tensor Layers::add_parameter(std::size_t index, const at::Tensor& x) {
  at::Tensor output = x + parameter(index);
  computed(Kind::added, nullptr, x, output);
  return output;
}

at::Tensor Layers::prepend_token(std::size_t index, const at::Tensor& x) {
  const at::Tensor& token = parameter(index);
  const std::vector<std::int64_t> sizes{x.size(0), 1, x.size(2)};
  at::Tensor output = at::cat({token.expand(sizes), x}, 1);
  computed(Kind::token, nullptr, x, output);
  return output;
}

at::Tensor TrainingLayers::batch_norm(const BatchNormLayer& layer, const at::Tensor& x,
                                      const std::optional<at::Tensor>& residual, bool relu) {
  NormOutput output =
      train::batch_norm(x, residual, parameter(layer.scale), parameter(layer.scale + 1), relu);
  moments_[layer.norm] = std::move(output.moments);
  return output.y;
}

at::Tensor EvaluationLayers::batch_norm(const BatchNormLayer& layer, const at::Tensor& x,
                                        const std::optional<at::Tensor>& residual, bool relu) {
  return fixed_norm(x, residual, parameter(layer.scale), parameter(layer.scale + 1),
                    moments_[layer.norm], relu);
}

}  // namespace winnow::train
