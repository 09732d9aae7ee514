#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "unit/support.hpp"
#include "winnow/experiments/training.hpp"

namespace winnow::experiments {

/// Three clouds that overlap, with scores that are the distance to the own cloud's centre.
struct Clouds {
  Matrix<float> rows;
  std::vector<std::int32_t> labels;
  std::vector<double> scores;

  Clouds(std::int64_t n, std::uint64_t seed) : rows(testing::normal_matrix(n, 4, seed)) {
    for (std::int64_t i = 0; i < n; ++i) {
      double squares = 0.0;
      for (const float value : rows.row(i)) squares += static_cast<double>(value) * value;
      scores.push_back(std::sqrt(squares));
      labels.push_back(static_cast<std::int32_t>(i % 3));
      rows(i, labels.back()) += 2.0F;
    }
  }
};

inline const std::vector<std::string> cloud_names{"a", "b", "c"};

/// What trainings on them learn from.
inline TrainingData data_of(const Clouds& train, const Clouds& test) {
  return {.rows = {train.rows, train.labels}, .test_rows = {test.rows, test.labels}};
}

/// Trainings of a few milliseconds.
inline TrainingOptions short_training() {
  TrainingOptions options;
  options.learner.iterations = 40;
  options.learner.batch_size = 16;
  options.learner.hidden = 6;
  return options;
}

}  // namespace winnow::experiments
