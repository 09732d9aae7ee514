#pragma once

#include <string>

#include "cli/stages.hpp"
#include "winnow/metrics/metric.hpp"

namespace winnow::cli {

/// Help of --metric: all names.
std::string metric_help();

/// Refuses options that the chosen metric does not have, which would be ignored silently.
/// @throws InvalidArgument naming the option and the metrics that have it.
void refuse_foreign_options(const CLI::App& command, const metrics::Metric& metric);

/// Refuses options of trainings where --dynamics gives the logs.
/// @throws InvalidArgument naming the option.
void refuse_training_options(const CLI::App& command);

}  // namespace winnow::cli
