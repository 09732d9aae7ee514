#include "train/torch/gradient_norms.hpp"

#include "train/torch/channel_norm_op.hpp"
#include "train/torch/layers.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::train {

namespace {

/// Evaluation mode with gradients; keeps what every layer with parameters saw and gave.
class RecordingLayers final : public Layers {
 public:
  struct Record {
    Kind kind;
    ConvolutionLayer convolution;
    std::int64_t side;  ///< Of the kernel of a convolution.
    at::Tensor input;
    at::Tensor output;
  };

  RecordingLayers(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& moments)
      : Layers(parameters), moments_(moments) {}

  at::Tensor batch_norm(const BatchNormLayer& layer, const at::Tensor& x,
                        const std::optional<at::Tensor>& residual, bool relu) override {
    const auto per_channel = [](const at::Tensor& values) { return values.view({1, -1, 1, 1}); };
    const at::Tensor& moments = moments_[layer.norm];
    const at::Tensor normalised =
        (x - per_channel(moments[0])) * per_channel((moments[1] + norm_epsilon).rsqrt());
    at::Tensor y =
        normalised * per_channel(parameter(layer.scale)) + per_channel(parameter(layer.scale + 1));
    computed(Kind::batch_norm, nullptr, normalised, y);
    if (residual) y = y + *residual;
    return relu ? at::relu(y) : y;
  }

  const std::vector<Record>& records() const { return records_; }

  /// [n] squared norms of the gradients of one layer's parameters, from the gradient at its output.
  static at::Tensor squares(const Record& record, const at::Tensor& gradient);

 private:
  void computed(Kind kind, const ConvolutionLayer* convolution, const at::Tensor& input,
                const at::Tensor& output) override {
    Record record{kind, {}, 0, input.detach(), output};
    if (convolution != nullptr) {
      record.convolution = *convolution;
      record.side = parameter(convolution->weight).size(2);
    }
    if (kind == Kind::layer_norm) {
      const at::Tensor x = input.detach();
      record.input = at::layer_norm(x, {x.size(-1)}, {}, {}, layer_norm_epsilon);
    }
    records_.push_back(std::move(record));
  }

  const std::vector<at::Tensor>& moments_;
  std::vector<Record> records_;
};

/// Sum over all axes but the first.
at::Tensor sum_each(const at::Tensor& x) { return x.flatten(1).sum(1); }

using numerics::product;
using numerics::Transpose;

MatrixView<float> matrix_of(const at::Tensor& x) {
  return {x.data_ptr<float>(), x.size(0), x.size(1)};
}

/// a b' and a' a of matrices: by winnow's products on the CPU, where LibTorch's BLAS may be slow.
at::Tensor times_transposed(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_cpu()) return at::mm(a, b.t());
  at::Tensor out = at::empty({a.size(0), b.size(0)}, a.options());
  product(matrix_of(a), Transpose::no, matrix_of(b), Transpose::yes, matrix_of(out));
  return out;
}
at::Tensor gram_of(const at::Tensor& a) {
  if (!a.is_cpu()) return at::mm(a.t(), a);
  at::Tensor out = at::empty({a.size(1), a.size(1)}, a.options());
  product(matrix_of(a), Transpose::yes, matrix_of(a), Transpose::no, matrix_of(out));
  return out;
}

/// Squared norms of sum_t g_t x_t' for every image: x [n, a, t], g [n, b, t].
at::Tensor product_squares(const at::Tensor& x, const at::Tensor& g) {
  const at::Tensor inputs = x.contiguous();
  const at::Tensor gradients = g.contiguous();
  const std::int64_t positions = x.size(2);
  const bool gram = positions * (x.size(1) + g.size(1)) < x.size(1) * g.size(1);
  at::Tensor result = at::empty({x.size(0)}, x.options());
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    if (gram) {
      result[i].copy_((gram_of(inputs[i]) * gram_of(gradients[i])).sum());
    } else {
      const at::Tensor flat = times_transposed(gradients[i], inputs[i]).flatten();
      result[i].copy_(flat.square().sum());
    }
  }
  return result;
}

/// Squared norms of sum_t g_t, g [n, b, t].
at::Tensor bias_squares(const at::Tensor& g) { return sum_each(g.sum(2).square()); }

at::Tensor RecordingLayers::squares(const Record& record, const at::Tensor& gradient) {
  const at::Tensor& x = record.input;
  switch (record.kind) {
    case Kind::convolution: {
      const auto pair = [](std::int64_t value) { return std::vector<std::int64_t>{value, value}; };
      const at::Tensor g = gradient.flatten(2);
      const at::Tensor patches =
          at::im2col(x.contiguous(), pair(record.side), pair(1), pair(record.convolution.padding),
                     pair(record.convolution.stride));
      at::Tensor sum = product_squares(patches, g);
      return record.convolution.bias ? sum + bias_squares(g) : sum;
    }
    case Kind::dense: {
      if (x.dim() == 2) return sum_each(gradient.square()) * (sum_each(x.square()) + 1.0);
      const at::Tensor g = gradient.transpose(1, 2);
      return product_squares(x.transpose(1, 2), g) + bias_squares(g);
    }
    case Kind::batch_norm:
      return bias_squares((gradient * x).flatten(2)) + bias_squares(gradient.flatten(2));
    case Kind::layer_norm: {
      const at::Tensor g = gradient.transpose(1, 2);
      return bias_squares(g * x.transpose(1, 2)) + bias_squares(g);
    }
    case Kind::added:
      return sum_each(gradient.square());
    case Kind::token:
      return sum_each(gradient.select(1, 0).square());
  }
  throw std::logic_error("unknown kind of layer");
}

}  // namespace

at::Tensor gradient_norms(const Network& network, const std::vector<at::Tensor>& parameters,
                          const std::vector<at::Tensor>& moments, const at::Tensor& images,
                          const at::Tensor& labels) {
  RecordingLayers layers(parameters, moments);
  const at::Tensor loss =
      at::cross_entropy_loss(network.logits(layers, images), labels, {}, at::Reduction::Sum);
  std::vector<at::Tensor> outputs;
  for (const auto& record : layers.records()) outputs.push_back(record.output);
  const auto gradients = torch::autograd::grad({loss}, outputs);
  const at::NoGradGuard no_grad;
  at::Tensor sum = at::zeros({images.size(0)}, images.options());
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    sum += RecordingLayers::squares(layers.records()[i], gradients[i]);
  }
  return sum.sqrt();
}

}  // namespace winnow::train
