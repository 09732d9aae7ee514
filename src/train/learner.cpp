#include "winnow/train/learner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "train/checks.hpp"
#include "train/dynamics.hpp"
#include "train/objective.hpp"
#include "train/schedule.hpp"
#include "train/standardise.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace {

/// Rows that whole-subset passes hold at a time.
constexpr std::int64_t evaluation_rows = 512;

LearnerShape shape_of(const LabelledRows& train, std::int32_t n_classes,
                      const LearnerOptions& options) {
  return {.inputs = train.rows.cols(),
          .classes = n_classes,
          .hidden = options.model == LearnerModel::mlp ? options.hidden : 0};
}

void check_rows(const LabelledRows& data, const char* name) {
  if (data.rows.rows() != static_cast<std::int64_t>(data.labels.size())) {
    throw InvalidArgument(fmt::format("{} has {} rows but {} labels; expected one label a row",
                                      name, data.rows.rows(), data.labels.size()));
  }
}

std::int32_t check_input(const LabelledRows& train, std::span<const std::int64_t> subset,
                         const LabelledRows& test, const LearnerOptions& options) {
  options.validate();
  check_rows(train, "the training set");
  check_rows(test, "the test set");
  if (train.rows.cols() < 1 || train.rows.cols() != test.rows.cols()) {
    throw InvalidArgument(
        fmt::format("training rows have {} columns and test rows {}; expected the same, at least 1",
                    train.rows.cols(), test.rows.cols()));
  }
  check_subset(subset, train.rows.rows(), 1);
  return check_classes(train.labels, test.labels);
}

std::vector<std::int64_t> first_ids(std::int64_t count) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  return ids;
}

/// One training: the state that its steps share.
class Training {
 public:
  Training(const LabelledRows& train, std::span<const std::int64_t> subset, std::int32_t n_classes,
           const LabelledRows& test, const LearnerOptions& options, const Watch& watch)
      : train_(train),
        test_(test),
        watch_(watch),
        options_(options),
        order_(subset, std::min(options.batch_size, static_cast<std::int64_t>(subset.size())),
               options.seed),
        subset_(subset),
        shape_(shape_of(train, n_classes, options)),
        standardiser_(fit_standardiser(train.rows, subset, options.seed)),
        parameters_(initial_parameters(shape_, options.seed)),
        gradient_(parameters_.size()),
        velocity_(parameters_.size()),
        objective_(shape_, std::max(order_.batch_size(), evaluation_rows)),
        inputs_(std::max(order_.batch_size(), evaluation_rows), shape_.inputs) {}

  void run(Progress& progress) {
    const Schedule schedule(options_.iterations, peak_rate());
    PassCounter passes(static_cast<std::int64_t>(subset_.size()), order_.batch_size(),
                       options_.iterations);
    if (watch_.observer != nullptr && watch_.at_start) log({}, progress);
    double loss = 0.0;
    std::int64_t steps = 0;
    for (std::int64_t step = 0; step < options_.iterations; ++step) {
      progress.throw_if_cancelled();
      const auto ids = order_.next();
      std::fill(gradient_.begin(), gradient_.end(), 0.0F);
      loss +=
          accumulate(ids, 1.0F / static_cast<float>(ids.size())) / static_cast<double>(ids.size());
      ++steps;
      add_penalty(shape_, parameters_, options_.weight_decay, gradient_);
      const double rate = schedule.rate(step);
      update(static_cast<float>(rate));
      progress.advance(1);
      const std::int64_t pass = passes.ended_by(step + 1);
      if (pass == 0) continue;
      const bool last = step + 1 == options_.iterations;
      if (watch_.observer != nullptr && (last || pass % watch_.every == 0)) {
        log({.epoch = pass,
             .iteration = step + 1,
             .train_loss = loss / static_cast<double>(steps),
             .learning_rate = rate},
            progress);
      }
      loss = 0.0;
      steps = 0;
    }
  }

  LearnerResult measure() {
    LearnerResult result;
    result.iterations = options_.iterations;
    result.epochs_seen = order_.epochs_seen();
    const auto n = static_cast<double>(subset_.size());
    std::fill(gradient_.begin(), gradient_.end(), 0.0F);
    double loss = 0.0;
    std::int64_t wrong = 0;
    for_each_piece(subset_, [&](std::span<const std::int64_t> ids) {
      loss += accumulate(ids, static_cast<float>(1.0 / n));
      for (const bool right : correct(train_, ids)) wrong += right ? 0 : 1;
    });
    result.train_error = static_cast<double>(wrong) / n;
    result.final_loss =
        loss / n + add_penalty(shape_, parameters_, options_.weight_decay, gradient_);
    result.gradient_norm = norm(gradient_);
    result.test_correct = test_correct();
    result.test_error = error_rate(result.test_correct);
    return result;
  }

 private:
  /// Softmax regression is smooth with constant at most half the largest variance, so that its
  /// steps follow from the data; for mlp the usual value for inputs of variance 1.
  double peak_rate() const {
    if (options_.learning_rate > 0.0) return options_.learning_rate;
    return options_.model == LearnerModel::linear ? 1.0 / standardiser_.largest_variance : 0.1;
  }

  double accumulate(std::span<const std::int64_t> ids, float gradient_scale) {
    const auto x = standardiser_.gather(train_.rows, ids, inputs_);
    labels_.clear();
    for (const std::int64_t id : ids)
      labels_.push_back(train_.labels[static_cast<std::size_t>(id)]);
    return objective_.add_gradient(parameters_, x, labels_, gradient_scale, gradient_);
  }

  std::vector<std::uint8_t> test_correct() {
    std::vector<std::uint8_t> right;
    for_each_piece(first_ids(test_.rows.rows()), [&](std::span<const std::int64_t> ids) {
      for (const bool one : correct(test_, ids)) right.push_back(one ? 1 : 0);
    });
    return right;
  }

  void log(EpochSummary summary, Progress& progress) {
    if (summary.epoch == 0) summary.train_loss = std::numeric_limits<double>::quiet_NaN();
    const auto right = test_correct();
    summary.test_error = error_rate(right);
    summary.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    if (watch_.dynamics) {
      for_each_piece(first_ids(train_.rows.rows()), [&](std::span<const std::int64_t> ids) {
        progress.throw_if_cancelled();
        log_rows(summary.epoch, ids);
      });
      watch_.observer->rows({.epoch = summary.epoch, .test_correct = right});
    }
    watch_.observer->epoch(summary);
  }

  void log_rows(std::int64_t epoch, std::span<const std::int64_t> ids) {
    const auto x = standardiser_.gather(train_.rows, ids, inputs_);
    const auto logits = objective_.logits(parameters_, x);
    const auto labels = train_.labels.subspan(static_cast<std::size_t>(ids.front()), ids.size());
    const std::vector<float> values(logits.data(), logits.data() + logits.size());
    const DynamicsPiece piece = dynamics_of(logits, labels);
    std::vector<float> norms;
    if (watch_.gradients) norms = objective_.gradient_norms(parameters_, x, labels);
    watch_.observer->rows(
        {.epoch = epoch,
         .p_true = piece.p_true,
         .margin = piece.margin,
         .el2n = piece.el2n,
         .correct = piece.correct,
         .grand = norms,
         .logits = watch_.logits ? std::span<const float>(values) : std::span<const float>()});
  }

  /// Nesterov's step as Sutskever et al. (2013) write it, with the gradient taken at the look-ahead
  /// point that the parameters hold.
  void update(float rate) {
    const auto momentum = static_cast<float>(options_.momentum);
    const std::size_t count = parameters_.size();
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) {
      velocity_[i] = momentum * velocity_[i] + gradient_[i];
      parameters_[i] -= rate * (gradient_[i] + momentum * velocity_[i]);
    }
  }

  std::vector<bool> correct(const LabelledRows& data, std::span<const std::int64_t> ids) {
    const auto x = standardiser_.gather(data.rows, ids, inputs_);
    const auto logits = objective_.logits(parameters_, x);
    std::vector<bool> right(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      right[i] = predicts(logits.row(static_cast<std::int64_t>(i)),
                          data.labels[static_cast<std::size_t>(ids[i])]);
    }
    return right;
  }

  template <class Work>
  static void for_each_piece(std::span<const std::int64_t> ids, const Work& work) {
    while (!ids.empty()) {
      const auto piece = ids.first(std::min<std::size_t>(ids.size(), evaluation_rows));
      work(piece);
      ids = ids.subspan(piece.size());
    }
  }

  static double norm(std::span<const float> v) {
    double square = 0.0;
    for (const float value : v) square += static_cast<double>(value) * value;
    return std::sqrt(square);
  }

  const LabelledRows& train_;
  const LabelledRows& test_;
  const Watch& watch_;
  const LearnerOptions& options_;
  BatchOrder order_;
  std::span<const std::int64_t> subset_;
  LearnerShape shape_;
  Standardiser standardiser_;
  std::vector<float> parameters_;
  std::vector<float> gradient_;
  std::vector<float> velocity_;
  Objective objective_;
  Matrix<float> inputs_;
  std::vector<std::int32_t> labels_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

LearnerResult train_learner(const LabelledRows& train, std::span<const std::int64_t> subset,
                            const LabelledRows& test, const LearnerOptions& options,
                            const Watch& watch, Progress& progress) {
  const std::int32_t n_classes = check_input(train, subset, test, options);
  const auto start = std::chrono::steady_clock::now();
  LearnerResult result;
  // One block: products then run on one thread, so that their sums never depend on the thread
  // count.
  parallel_blocks(1, progress, [&](std::int64_t) {
    Training training(train, subset, n_classes, test, options, watch);
    training.run(progress);
    result = training.measure();
  });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace winnow::train
