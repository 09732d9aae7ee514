#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/temp_folder.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::testing {

/// Uses `count` threads while alive.
class Threads {
 public:
  explicit Threads(int count) : before_(thread_count()) { set_thread_count(count); }
  ~Threads() { set_thread_count(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// Asks to stop once `stop_at` units are done, over all stages.
class StoppingProgress final : public Progress {
 public:
  explicit StoppingProgress(std::int64_t stop_at) : stop_at_(stop_at) {}
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {}
  void advance(std::int64_t count) noexcept override { done_ += count; }
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view /*message*/) override {}
  bool cancelled() const noexcept override { return done_ >= stop_at_; }
  std::int64_t count() const { return done_; }

 private:
  std::int64_t stop_at_;
  std::atomic<std::int64_t> done_{0};
};

/// Independent standard normal entries.
inline Matrix<float> normal_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  Matrix<float> matrix(rows, cols);
  RandomStream random(Seed{seed}, "normal-matrix");
  for (float& value : std::span(matrix.data(), static_cast<std::size_t>(matrix.size()))) {
    value = static_cast<float>(random.normal());
  }
  return matrix;
}

/// [rows, cols] from values in row order.
inline Matrix<float> matrix_of(std::int64_t rows, std::int64_t cols,
                               const std::vector<float>& values) {
  Matrix<float> matrix(rows, cols);
  if (matrix.size() != static_cast<std::int64_t>(values.size())) {
    throw std::logic_error("matrix_of: wrong number of values");
  }
  std::copy(values.begin(), values.end(), matrix.data());
  return matrix;
}

inline std::vector<float> values_of(MatrixView<const float> matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

/// Expects that `call` throws an E whose message holds every one of `parts`.
template <class E, class Call>
void expect_error(const Call& call, const std::vector<std::string>& parts) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown; expected a message with " << parts.front();
  } catch (const E& error) {
    const std::string message = error.what();
    for (const auto& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
    }
  }
}

}  // namespace winnow::testing
