#include "train/objective.hpp"

#include <algorithm>
#include <cmath>

#include "winnow/numerics/product.hpp"

namespace winnow::train {

namespace {

using numerics::product;
using numerics::Transpose;

/// out = x W^T + b
void forward(const Layer& layer, MatrixView<const float> x, MatrixView<float> out) {
  for (std::int64_t i = 0; i < out.rows(); ++i) {
    std::copy(layer.biases.begin(), layer.biases.end(), out.row(i).begin());
  }
  product(x, Transpose::no, layer.weights, Transpose::yes, out, 1.0F, 1.0F);
}

/// Adds delta^T x to the weights' gradient and delta's column sums to the biases'.
void backward(const Layer& gradient, MatrixView<const float> delta, MatrixView<const float> x) {
  product(delta, Transpose::yes, x, Transpose::no, gradient.weights, 1.0F, 1.0F);
  for (std::int64_t i = 0; i < delta.rows(); ++i) {
    const auto row = delta.row(i);
    for (std::size_t j = 0; j < row.size(); ++j) gradient.biases[j] += row[j];
  }
}

/// delta = scale (softmax(logits) - onehot(label)); returns -log softmax(logits)[label].
double softmax_row(std::span<const float> logits, std::int32_t label, float scale,
                   std::span<float> delta) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  float total = 0.0F;
  for (std::size_t j = 0; j < logits.size(); ++j) {
    delta[j] = std::exp(logits[j] - largest);
    total += delta[j];
  }
  const auto truth = static_cast<std::size_t>(label);
  const double loss = std::log(static_cast<double>(total)) + largest - logits[truth];
  for (float& value : delta) value *= scale / total;
  delta[truth] -= scale;
  return loss;
}

double square(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum;
}

}  // namespace

std::int64_t LearnerShape::n_parameters() const {
  if (hidden == 0) return classes * (inputs + 1);
  return hidden * (inputs + 1) + classes * (hidden + 1);
}

std::vector<Layer> layers_of(const LearnerShape& shape, std::span<float> parameters) {
  std::vector<Layer> layers;
  const auto cut = [&](std::int64_t outputs, std::int64_t inputs) {
    const auto weights = static_cast<std::size_t>(outputs * inputs);
    const auto biases = static_cast<std::size_t>(outputs);
    layers.push_back({{parameters.data(), outputs, inputs}, parameters.subspan(weights, biases)});
    parameters = parameters.subspan(weights + biases);
  };
  if (shape.hidden == 0) {
    cut(shape.classes, shape.inputs);
  } else {
    cut(shape.hidden, shape.inputs);
    cut(shape.classes, shape.hidden);
  }
  return layers;
}

std::vector<float> initial_parameters(const LearnerShape& shape, Seed seed) {
  std::vector<float> parameters(static_cast<std::size_t>(shape.n_parameters()), 0.0F);
  if (shape.hidden == 0) return parameters;
  RandomStream random(seed, "learner-weights");
  for (const Layer& layer : layers_of(shape, parameters)) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(layer.weights.cols()));
    for (float& weight :
         std::span(layer.weights.data(), static_cast<std::size_t>(layer.weights.size()))) {
      weight = static_cast<float>(deviation * random.normal());
    }
  }
  return parameters;
}

Objective::Objective(const LearnerShape& shape, std::int64_t max_batch)
    : shape_(shape),
      hidden_(max_batch, shape.hidden),
      hidden_gradient_(max_batch, shape.hidden),
      logits_(max_batch, shape.classes),
      logits_gradient_(max_batch, shape.classes) {}

MatrixView<const float> Objective::logits(std::span<float> parameters, MatrixView<const float> x) {
  const auto layers = layers_of(shape_, parameters);
  const MatrixView<float> out = logits_.view().block(0, x.rows());
  if (shape_.hidden == 0) {
    forward(layers[0], x, out);
    return out;
  }
  const MatrixView<float> hidden = hidden_.view().block(0, x.rows());
  forward(layers[0], x, hidden);
  for (float& value : std::span(hidden.data(), static_cast<std::size_t>(hidden.size()))) {
    value = std::max(value, 0.0F);
  }
  forward(layers[1], hidden, out);
  return out;
}

double Objective::add_gradient(std::span<float> parameters, MatrixView<const float> x,
                               std::span<const std::int32_t> labels, float gradient_scale,
                               std::span<float> gradient) {
  const auto out = logits(parameters, x);
  const MatrixView<float> delta = logits_gradient_.view().block(0, x.rows());
  double loss = 0.0;
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    loss +=
        softmax_row(out.row(i), labels[static_cast<std::size_t>(i)], gradient_scale, delta.row(i));
  }
  const auto layers = layers_of(shape_, parameters);
  const auto gradients = layers_of(shape_, gradient);
  if (shape_.hidden == 0) {
    backward(gradients[0], delta, x);
    return loss;
  }
  const MatrixView<float> hidden = hidden_.view().block(0, x.rows());
  backward(gradients[1], delta, hidden);
  backward(gradients[0], hidden_delta(layers[1], x.rows()), x);
  return loss;
}

MatrixView<float> Objective::hidden_delta(const Layer& last, std::int64_t rows) {
  const MatrixView<float> hidden = hidden_.view().block(0, rows);
  const MatrixView<float> delta = hidden_gradient_.view().block(0, rows);
  product(logits_gradient_.view().block(0, rows), Transpose::no, last.weights, Transpose::no,
          delta);
  for (std::int64_t i = 0; i < hidden.size(); ++i) {
    if (hidden.data()[i] <= 0.0F) delta.data()[i] = 0.0F;
  }
  return delta;
}

std::vector<float> Objective::gradient_norms(std::span<float> parameters, MatrixView<const float> x,
                                             std::span<const std::int32_t> labels) {
  const auto out = logits(parameters, x);
  const MatrixView<float> delta = logits_gradient_.view().block(0, x.rows());
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    softmax_row(out.row(i), labels[static_cast<std::size_t>(i)], 1.0F, delta.row(i));
  }
  const bool deep = shape_.hidden > 0;
  if (deep) hidden_delta(layers_of(shape_, parameters)[1], x.rows());
  std::vector<float> norms;
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    double sum = 0.0;
    if (deep) {
      sum = square(delta.row(i)) * (square(hidden_.view().row(i)) + 1.0) +
            square(hidden_gradient_.view().row(i)) * (square(x.row(i)) + 1.0);
    } else {
      sum = square(delta.row(i)) * (square(x.row(i)) + 1.0);
    }
    norms.push_back(static_cast<float>(std::sqrt(sum)));
  }
  return norms;
}

double add_penalty(const LearnerShape& shape, std::span<float> parameters, double weight_decay,
                   std::span<float> gradient) {
  const auto layers = layers_of(shape, parameters);
  const auto gradients = layers_of(shape, gradient);
  const auto factor = static_cast<float>(weight_decay);
  double penalty = 0.0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto count = layers[l].weights.size();
    const float* weights = layers[l].weights.data();
    float* out = gradients[l].weights.data();
    for (std::int64_t i = 0; i < count; ++i) {
      penalty += static_cast<double>(weights[i]) * weights[i];
      out[i] += factor * weights[i];
    }
  }
  return 0.5 * weight_decay * penalty;
}

}  // namespace winnow::train
