#include "winnow/metrics/tdds.hpp"

#include <fmt/format.h>

#include <cmath>
#include <span>
#include <utility>

#include "metrics/softmax.hpp"
#include "metrics/windows.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

namespace {

constexpr double epsilon = 1e-8;

/// Probabilities and their logs as the score needs them.
struct Prediction {
  std::vector<double> probability;
  std::vector<double> log;

  explicit Prediction(std::int64_t classes)
      : probability(static_cast<std::size_t>(classes)), log(probability.size()) {}

  void take(std::span<const float> logits) {
    log_softmax(logits, probability);
    for (std::size_t c = 0; c < log.size(); ++c) {
      probability[c] = std::exp(probability[c]);
      log[c] = std::log(probability[c] + epsilon);
    }
  }
};

double movement(const Prediction& before, const Prediction& after) {
  double sum = 0.0;
  for (std::size_t c = 0; c < after.log.size(); ++c) {
    sum += std::abs(after.probability[c] * (after.log[c] - before.log[c]));
  }
  return sum;
}

/// |x - mean(x)|_2
double deviation(std::span<const double> values) {
  double mean = 0.0;
  for (const double value : values) mean += value;
  mean /= static_cast<double>(values.size());
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares);
}

/// The score of one example from its movements: later windows weigh more.
double score_of(std::span<const double> movements, std::int32_t window, double decay) {
  const auto pairs = static_cast<std::size_t>(window) - 1;
  double score = 0.0;
  for (std::size_t k = 0; k + pairs <= movements.size(); ++k) {
    score = (1.0 - decay) * score + decay * deviation(movements.subspan(k, pairs));
  }
  return score;
}

}  // namespace

std::vector<double> tdds(MatrixView<const float> logits, std::int64_t classes, std::int32_t window,
                         const TddsOptions& options) {
  options.validate();
  require_window(logits.rows(), window);
  if (classes < 2 || logits.cols() % classes != 0) {
    throw InvalidArgument(
        fmt::format("{} logits of {} classes; expected at least 2 classes, and "
                    "all of every example",
                    logits.cols(), classes));
  }
  const std::int64_t n = logits.cols() / classes;
  std::vector<double> scores(static_cast<std::size_t>(n));
  std::vector<double> movements(static_cast<std::size_t>(logits.rows() - 1));
  Prediction before(classes);
  Prediction after(classes);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto of_example = [&](std::int64_t row) {
      return logits.row(row).subspan(static_cast<std::size_t>(i * classes),
                                     static_cast<std::size_t>(classes));
    };
    before.take(of_example(0));
    for (std::size_t t = 0; t < movements.size(); ++t) {
      after.take(of_example(static_cast<std::int64_t>(t) + 1));
      movements[t] = movement(before, after);
      std::swap(before, after);
    }
    scores[static_cast<std::size_t>(i)] = score_of(movements, window, options.decay);
  }
  return scores;
}

}  // namespace winnow::metrics
