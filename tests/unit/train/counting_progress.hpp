#pragma once

#include <atomic>

#include "winnow/core/progress.hpp"

namespace winnow::train {

/// Counts, and asks to stop once `stop_at` units are done.
class CountingProgress final : public Progress {
 public:
  explicit CountingProgress(std::int64_t stop_at) : stop_at_(stop_at) {}
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

}  // namespace winnow::train
