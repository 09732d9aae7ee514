#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/stages.hpp"
#include "winnow/metrics/ensemble_scores.hpp"
#include "winnow/metrics/log_scores.hpp"

namespace winnow::cli {

/// `--metric` of `winnow score`: one of embeddings, of training dynamics, or of many runs together.
struct MetricChoice {
  std::variant<Metric, metrics::LogMetric, metrics::EnsembleMetric> value = Metric::self_prototypes;

  static constexpr const char* forms = "NAME";
  /// @throws InvalidArgument naming the near name.
  static MetricChoice parse(std::string_view field, std::string_view text);
  std::string text() const;
};

/// Help of --metric: all names.
std::string metric_help();

/// Refuses options that the chosen metric does not have, which would be ignored silently.
/// @throws InvalidArgument naming the option and the metrics that have it.
void refuse_foreign_options(const CLI::App& command, const MetricChoice& metric);

}  // namespace winnow::cli
