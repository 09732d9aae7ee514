#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "winnow/core/rng.hpp"

namespace winnow::train {

/// Learning rate of every step: up linearly over the first twentieth, then half a cosine to zero.
class Schedule {
 public:
  Schedule(std::int64_t iterations, double peak)
      : iterations_(iterations), warm_up_(iterations / 20), peak_(peak) {}

  double rate(std::int64_t step) const {
    if (step < warm_up_) {
      return peak_ * static_cast<double>(step + 1) / static_cast<double>(warm_up_ + 1);
    }
    const double done =
        static_cast<double>(step - warm_up_) / static_cast<double>(iterations_ - warm_up_);
    return 0.5 * peak_ * (1.0 + std::cos(std::numbers::pi * done));
  }

 private:
  std::int64_t iterations_;
  std::int64_t warm_up_;
  double peak_;
};

/// Batches of ids without end: every pass takes all of them once in a new random order. A pass's
/// last batch is filled from the next pass, so that all batches have one size.
class BatchOrder {
 public:
  /// 1 <= batch_size <= ids.size()
  BatchOrder(std::span<const std::int64_t> ids, std::int64_t batch_size, Seed seed)
      : ids_(ids.begin(), ids.end()),
        batch_(static_cast<std::size_t>(batch_size)),
        position_(ids.size()),
        seed_(seed) {}

  /// Valid until the next call.
  std::span<const std::int64_t> next() {
    for (std::int64_t& id : batch_) {
      if (position_ == ids_.size()) {
        RandomStream(seed_, "shuffle", static_cast<std::uint64_t>(passes_++))
            .shuffle(std::span(ids_));
        position_ = 0;
      }
      id = ids_[position_++];
    }
    taken_ += batch_size();
    return batch_;
  }

  std::int64_t batch_size() const { return static_cast<std::int64_t>(batch_.size()); }
  double epochs_seen() const {
    return static_cast<double>(taken_) / static_cast<double>(ids_.size());
  }

 private:
  std::vector<std::int64_t> ids_;
  std::vector<std::int64_t> batch_;
  std::size_t position_;
  std::int64_t passes_ = 0;
  std::int64_t taken_ = 0;
  Seed seed_;
};

}  // namespace winnow::train
