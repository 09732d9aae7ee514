#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/train/network_options.hpp"

namespace winnow::train {

/// Learning rate of every step: up linearly at first, then as the schedule says.
class Schedule {
 public:
  /// Half a cosine to zero after a rise over the first twentieth.
  Schedule(std::int64_t iterations, double peak)
      : Schedule(iterations, peak, 0.05, RateSchedule::cosine) {}
  /// @param warm_up  Share of the steps over which the rate rises, [0, 1).
  Schedule(std::int64_t iterations, double peak, double warm_up, RateSchedule schedule)
      : iterations_(iterations),
        warm_up_(static_cast<std::int64_t>(warm_up * static_cast<double>(iterations) + 1e-9)),
        peak_(peak),
        schedule_(schedule) {}

  double rate(std::int64_t step) const {
    if (step < warm_up_) {
      return peak_ * static_cast<double>(step + 1) / static_cast<double>(warm_up_ + 1);
    }
    switch (schedule_) {
      case RateSchedule::cosine: {
        const double done =
            static_cast<double>(step - warm_up_) / static_cast<double>(iterations_ - warm_up_);
        return 0.5 * peak_ * (1.0 + std::cos(std::numbers::pi * done));
      }
      case RateSchedule::step:
        return peak_ * (2 * step < iterations_ ? 1.0 : 4 * step < 3 * iterations_ ? 0.1 : 0.01);
      case RateSchedule::constant:
        break;
    }
    return peak_;
  }

 private:
  std::int64_t iterations_;
  std::int64_t warm_up_;
  double peak_;
  RateSchedule schedule_;
};

/// When passes over a subset end, in steps.
class PassCounter {
 public:
  PassCounter(std::int64_t subset_size, std::int64_t batch_size, std::int64_t iterations)
      : subset_size_(subset_size), batch_size_(batch_size), iterations_(iterations) {}

  /// The pass that step number `taken` (from 1) ended, or 0. The last step ends the pass it is in.
  std::int64_t ended_by(std::int64_t taken) const {
    const std::int64_t seen = taken * batch_size_;
    if (taken == iterations_) return (seen + subset_size_ - 1) / subset_size_;
    const std::int64_t pass = seen / subset_size_;
    return pass > (seen - batch_size_) / subset_size_ ? pass : 0;
  }

 private:
  std::int64_t subset_size_;
  std::int64_t batch_size_;
  std::int64_t iterations_;
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

  /// As after `steps` calls of next().
  void skip(std::int64_t steps) {
    for (std::int64_t step = 0; step < steps; ++step) next();
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
