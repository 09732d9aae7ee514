#pragma once

#include <string>
#include <vector>

#include "cli/stages.hpp"
#include "winnow/metrics/log_scores.hpp"

// Scores from training dynamics.

namespace winnow::cli {

/// `--dynamics` and the options of its metrics.
struct LogArguments {
  std::vector<std::string> folders;
  metrics::LogOptions options;
};

void bind_log_options(CLI::App& command, LogArguments& arguments);

/// Scores with what their sidecar says of them.
struct LogScored {
  io::Scores scores;
  Json details;
  Json seconds;
};

/// Does nothing without labels.
/// @throws DatasetMismatch  labels of other examples, or that differ from those of the log.
void require_same_labels(const io::Dynamics& run, const io::Labels& labels,
                         const std::string& name);

/// @param labels  empty, or of the same examples; then they are compared with those of the logs.
/// @param name    where the labels come from, for messages.
/// @throws DatasetMismatch  labels of other examples, or that differ from those of the logs.
LogScored score_from_logs(const LogArguments& arguments, metrics::LogMetric metric,
                          const io::Labels& labels, const std::string& name, Progress& progress);

}  // namespace winnow::cli
