#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/train/learner.hpp"

namespace winnow::train {

/// Sizes of a cheap learner: d inputs, c classes, h hidden units (0: linear).
struct LearnerShape {
  std::int64_t inputs = 0;
  std::int64_t classes = 0;
  std::int64_t hidden = 0;

  /// Parameters in one flat vector, in this order: linear W [c, d], b [c];
  /// mlp W1 [h, d], b1 [h], W2 [c, h], b2 [c].
  std::int64_t n_parameters() const;
};

/// One dense layer's slice of the flat vector.
struct Layer {
  MatrixView<float> weights;  ///< [outputs, inputs]
  std::span<float> biases;    ///< [outputs]
};

/// Cuts a flat vector of shape.n_parameters() floats into its layers, first layer first.
std::vector<Layer> layers_of(const LearnerShape& shape, std::span<float> parameters);

/// linear: zeros. mlp: weights normal with variance 2 / inputs (He et al. 2015), biases zero.
std::vector<float> initial_parameters(const LearnerShape& shape, Seed seed);

/// Mean cross entropy of a batch with its gradient, and predictions. Owns the scratch memory for
/// batches of up to `max_batch` rows; one object serves one thread.
class Objective {
 public:
  Objective(const LearnerShape& shape, std::int64_t max_batch);

  /// Sum over the batch of -log softmax(f(x))[y]; adds the sum's gradient times `gradient_scale` to
  /// `gradient`. The logits stay readable in logits().
  double add_gradient(std::span<float> parameters, MatrixView<const float> x,
                      std::span<const std::int32_t> labels, float gradient_scale,
                      std::span<float> gradient);

  /// [rows] norm of the gradient of each row's own cross entropy over all parameters (GraNd), from
  /// what goes into and comes out of the layers: |delta|^2 (|input|^2 + 1) a layer.
  std::vector<float> gradient_norms(std::span<float> parameters, MatrixView<const float> x,
                                    std::span<const std::int32_t> labels);

  /// f(x), [rows, c]; valid until the next call.
  MatrixView<const float> logits(std::span<float> parameters, MatrixView<const float> x);

 private:
  /// hidden_gradient_ from logits_gradient_, for the first `rows` rows.
  MatrixView<float> hidden_delta(const Layer& last, std::int64_t rows);

  LearnerShape shape_;
  Matrix<float> hidden_;
  Matrix<float> hidden_gradient_;
  Matrix<float> logits_;
  Matrix<float> logits_gradient_;
};

/// (weight_decay / 2) |weights|^2; adds its gradient. Biases do not count.
double add_penalty(const LearnerShape& shape, std::span<float> parameters, double weight_decay,
                   std::span<float> gradient);

}  // namespace winnow::train
