#pragma once

#include <string>

#include "cli/log_stage.hpp"
#include "winnow/metrics/ensemble_scores.hpp"

// Scores of what many runs say together.

namespace winnow::cli {

/// Options of these metrics; --dynamics and --epoch are those of LogArguments.
struct EnsembleArguments {
  metrics::EnsembleOptions options;
  std::string errors_out;
};

void bind_ensemble_options(CLI::App& command, EnsembleArguments& arguments);

/// Writes the standard errors, too, when they were asked for.
///
/// @param epoch_given  whether --epoch was; without it the last logged epoch of every run counts.
/// @param labels       empty, or of the same examples; then they are compared with those of the
///                     logs.
/// @param name         where the labels come from, for messages.
/// @throws DatasetMismatch  labels of other examples, or that differ from those of the logs.
LogScored score_from_runs(const LogArguments& logs, const EnsembleArguments& arguments,
                          bool epoch_given, metrics::EnsembleMetric metric,
                          const io::Labels& labels, const std::string& name, Progress& progress);

}  // namespace winnow::cli
