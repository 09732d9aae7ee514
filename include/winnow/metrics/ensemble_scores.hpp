#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/metrics/active_learning.hpp"
#include "winnow/metrics/memorization.hpp"

namespace winnow {
namespace metrics {

/// Metrics of what many runs say together.
enum class EnsembleMetric { memorization, influence_max, influence_sum_abs, ddd, active_learning };

}  // namespace metrics

template <>
struct EnumNames<metrics::EnsembleMetric> {
  static constexpr EnumName<metrics::EnsembleMetric> values[] = {
      {metrics::EnsembleMetric::memorization, "memorization"},
      {metrics::EnsembleMetric::influence_max, "influence-max"},
      {metrics::EnsembleMetric::influence_sum_abs, "influence-sum-abs"},
      {metrics::EnsembleMetric::ddd, "ddd"},
      {metrics::EnsembleMetric::active_learning, "active-learning"}};
};

namespace metrics {

/// Options of all of them; a metric reads those that it has.
struct EnsembleOptions {
  std::optional<std::int64_t> epoch;  ///< Logged epoch of every run; unset: the last of each.
  SubsampleOptions subsample;         ///< memorization, influence
  ActiveLearningOptions active_learning;

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

/// What score_ensemble() found.
struct EnsembleScores {
  std::vector<double> scores;           ///< [n]; larger is harder.
  std::vector<double> standard_errors;  ///< [n], NaN for the rare; empty: the metric has none.
  std::vector<std::int64_t> rare;       ///< Examples in or out of too few runs; they got the mean.
  std::vector<std::int64_t> max_tests;  ///< [n], of influence-max, -1 for the rare; else empty.
  std::vector<std::int64_t> epochs;     ///< [runs], the (last) epoch that was read of each.
  std::int64_t members = 0;             ///< Runs, or checkpoints of all runs.
  std::int64_t trivial = 0;             ///< ddd: examples that no member gets wrong.
  std::int64_t impossible = 0;          ///< ddd: examples that all members get wrong.
  Fingerprint fingerprint;              ///< The first that is known among the runs.
  std::vector<std::string> warnings;
};

/// Difficulty of n examples from the logs of many runs of the same examples.
///
///     memorization         memorization() of in_train.npy and correct.npy
///     influence_max        max, and
///     influence_sum_abs    sum_abs of influence() of in_train.npy and test_correct.npy
///     ddd                  ddd() of correct.npy
///     active_learning      EnsembleUncertainty of logits.npy, or right_wrong_disagreement() of
///                          correct.npy; most_uncertain() of that when it is binary
///
/// Runs are opened one after the other: one is mapped at a time, and of each only a few bits an
/// example stay, 3 n M / 8 bytes at most. Uncertainty takes blocks of examples, for each of which
/// it opens every run; O(n) + 256 MiB of memory. Same bits for any number of threads.
///
/// @param folders  of training dynamics (io::Dynamics), or run folders that hold them.
/// @throws InvalidArgument  no run, one twice, bad options; subsamples that leave nothing to
///                          estimate; an acquisition that tells nothing of a single member.
/// @throws BadFile          an array or epoch that was not logged, naming it; too few epochs.
/// @throws DatasetMismatch  runs of other examples, labels or test examples.
EnsembleScores score_ensemble(std::span<const std::filesystem::path> folders, EnsembleMetric metric,
                              const EnsembleOptions& options, Progress& progress = silent());

}  // namespace metrics
}  // namespace winnow
