#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/io/dynamics.hpp"
#include "winnow/metrics/at_epoch.hpp"
#include "winnow/metrics/forgetting.hpp"
#include "winnow/metrics/tdds.hpp"
#include "winnow/metrics/uncertainty.hpp"

namespace winnow {
namespace metrics {

/// Metrics of the training dynamics of one run, averaged over runs.
enum class LogMetric { el2n, grand, forgetting, aum, margin, dyn_unc, dual, tdds, loss, entropy };

}  // namespace metrics

template <>
struct EnumNames<metrics::LogMetric> {
  static constexpr EnumName<metrics::LogMetric> values[] = {
      {metrics::LogMetric::el2n, "el2n"},
      {metrics::LogMetric::grand, "grand"},
      {metrics::LogMetric::forgetting, "forgetting"},
      {metrics::LogMetric::aum, "aum"},
      {metrics::LogMetric::margin, "margin"},
      {metrics::LogMetric::dyn_unc, "dyn-unc"},
      {metrics::LogMetric::dual, "dual"},
      {metrics::LogMetric::tdds, "tdds"},
      {metrics::LogMetric::loss, "loss"},
      {metrics::LogMetric::entropy, "entropy"}};
};

namespace metrics {

/// Options of all of them; a metric reads those that it has.
struct LogOptions {
  EpochOptions at;
  ForgettingOptions forgetting;
  WindowOptions windows;
  TddsOptions tdds;

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

/// What score_logs() found.
struct LogScores {
  std::vector<double> scores;        ///< [n], the mean over the runs; larger is harder.
  std::vector<std::int64_t> epochs;  ///< that they come from
  std::int64_t never_learned = 0;    ///< forgetting: examples that no run ever got right
  std::vector<std::string> warnings;
};

/// The array that a metric reads.
io::DynamicsArray array_of(LogMetric metric);

/// Difficulty of n examples from the logs of one or more runs: the mean of each run's score.
///
///     el2n        |softmax - onehot|_2 at an epoch; in [0, sqrt(2)]. Paul et al. 2021,
///                 arXiv:2107.07075, who average 10 runs at epoch 20 (CIFAR).
///     grand       norm of the gradient of the example's loss at an epoch. Same paper. At epoch 0
///     it
///                 follows the norm of the input (Kirsch 2023, arXiv:2303.14753): a warning.
///     margin      minus the margin at an epoch
///     loss        loss() at an epoch. A probability of 0 counts as half the smallest above 0 that
///                 the file's type can hold: float16 logs end at a loss of 17.3.
///     entropy     entropy() at an epoch
///     forgetting, aum, dyn_unc, dual, tdds    their functions, over all epochs
///
/// Examples that a run did not train on (in_train) are scored as all others: its predictions for
/// them are those for unseen examples. The result's warnings say how many.
///
/// Reads blocks of examples over all epochs, in parallel, in O(n) + a few MiB a thread of memory;
/// same bits for any number of threads.
///
/// @param runs  at least one, of the same examples.
/// @throws InvalidArgument  no run, bad options, too few epochs for a window, runs that logged
///                          different epochs; BadFile when the array that the metric needs was not
///                          logged, an epoch is missing or a value is out of its range;
///                          DatasetMismatch when runs are of different examples.
LogScores score_logs(std::span<const io::Dynamics> runs, LogMetric metric,
                     const LogOptions& options, Progress& progress = silent());

}  // namespace metrics
}  // namespace winnow
