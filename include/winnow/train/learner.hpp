#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/train/watch.hpp"

namespace winnow::train {

/// What is trained on frozen rows: softmax regression, or one hidden ReLU layer below it.
enum class LearnerModel { linear, mlp };

}  // namespace winnow::train

template <>
struct winnow::EnumNames<winnow::train::LearnerModel> {
  static constexpr EnumName<winnow::train::LearnerModel> values[] = {
      {winnow::train::LearnerModel::linear, "linear"}, {winnow::train::LearnerModel::mlp, "mlp"}};
};

namespace winnow::train {

/// How train_learner() runs. Set fields by name; checked on entry.
struct LearnerOptions {
  LearnerModel model = LearnerModel::linear;  ///< linear or mlp.
  std::int64_t iterations = 2000;             ///< Gradient steps, whatever the subset's size; >= 1.
  std::int64_t batch_size = 256;              ///< Shrinks to the subset's size; >= 1.
  double learning_rate = 0.0;                 ///< At its peak; 0: chosen as train_learner() says.
  double momentum = 0.9;                      ///< Nesterov; [0, 1).
  double weight_decay = 3e-3;                 ///< Of weights, not biases; >= 0.
  std::int64_t hidden = 128;                  ///< Hidden units of mlp; >= 1.
  Seed seed{0};                               ///< Initial weights and order of the examples.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.model, {.name = "model", .help = "What is trained: linear or mlp."});
    visit(self.iterations, {.name = "iterations", .help = "Gradient steps.", .min = 1});
    visit(self.batch_size,
          {.name = "batch-size", .help = "Examples in a step.", .unit = "examples", .min = 1});
    visit(self.learning_rate,
          {.name = "learning-rate",
           .help = "Peak step size, the schedule ends at zero; 0 chooses it from the data.",
           .min = 0});
    visit(self.momentum,
          {.name = "momentum", .help = "Nesterov momentum.", .min = 0, .max = 1, .max_open = true});
    visit(self.weight_decay,
          {.name = "weight-decay", .help = "L2 penalty of the weights.", .min = 0});
    visit(self.hidden,
          {.name = "hidden", .help = "Hidden units of mlp.", .unit = "units", .min = 1});
  }

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

/// n examples as plain vectors with their classes.
struct LabelledRows {
  MatrixView<const float> rows;          ///< [n, d], finite
  std::span<const std::int32_t> labels;  ///< [n], >= 0
};

/// What train_learner() found.
struct LearnerResult {
  double test_error = 0.0;     ///< Share of wrong test examples, [0, 1].
  double train_error = 0.0;    ///< Share of wrong examples of the subset, [0, 1].
  double final_loss = 0.0;     ///< Objective over the subset at the end; NaN when it diverged.
  double gradient_norm = 0.0;  ///< Of that objective: how far from converged.
  double epochs_seen = 0.0;    ///< Passes over the subset.
  std::int64_t iterations = 0;
  std::vector<std::uint8_t> test_correct;  ///< [n_test], 1 where right.
  double seconds = 0.0;                    ///< Wall time; the one field that varies.
};

/// Trains a cheap learner on the rows `subset` of `train` and measures it on all of `test`.
///
///     minimise  mean over the subset of -log softmax(f(z))[y]  +  (weight_decay / 2) |weights|^2
///     z = (x - mean) / scale;  linear: f = W z + b;  mlp: f = W2 max(0, W1 z + b1) + b2
///
/// Over the subset every column of z has mean 0; `scale` is one number, such that the columns' mean
/// variance is 1. Minibatch SGD with Nesterov momentum, a short linear warm-up, then a cosine to
/// zero; each pass in a new random order. linear starts at zero, mlp by He's rule. The automatic
/// peak of the learning rate is 0.1 for mlp and, for linear, 1 / (largest variance of z along any
/// direction), which suits whitened embeddings and raw pixels alike.
///
/// @param train     [n, d]; only the rows in `subset` are read. Classes are 0 .. max label.
/// @param subset    Ids in [0, n); at least one. The step count does not depend on how many.
/// @param test      [n_test, d], n_test >= 1.
/// @param watch     What is logged after every pass; it changes nothing of the result.
/// @param progress  Advances by one an iteration (the caller opens the stage); can cancel.
/// @throws InvalidArgument  bad options, sizes that differ, fewer than two classes, a label or an
/// id
///                          out of range (named), an empty subset or test set.
///
/// Runs on one thread: train several at once through parallel_blocks(). Same bits whether called
/// alone or from there, for any thread count. Cost: O(iterations batch_size d m) time, m = classes
/// (linear) or hidden units.
LearnerResult train_learner(const LabelledRows& train, std::span<const std::int64_t> subset,
                            const LabelledRows& test, const LearnerOptions& options,
                            const Watch& watch = {}, Progress& progress = silent());

}  // namespace winnow::train
