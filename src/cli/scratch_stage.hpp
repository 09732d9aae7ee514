#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/training_options.hpp"
#include "cli/training_source.hpp"
#include "winnow/experiments/metric_trainings.hpp"

// Scoring from scratch: the trainings that a metric learns from.

namespace winnow::cli {

/// Options of these trainings; --embeddings and --labels are those of `score` itself.
struct ScratchArguments {
  TrainingSource source;
  std::string models = "mlp";
  std::string work;
  experiments::MetricTrainingOptions options;
  TrainingArguments training;
};

void bind_scratch_options(CLI::App& command, ScratchArguments& arguments);

/// Names, without dashes, of the options that only trainings have.
std::vector<std::string> scratch_option_names();

/// Everything that can be refused before anything is read. @throws InvalidArgument; NotAvailable.
void check(ScratchArguments& arguments);

/// What train_for() did.
struct ScratchRuns {
  std::vector<std::string> folders;  ///< of the runs, with their logs
  io::Labels labels;
  std::vector<InputFile> inputs;
  double core_seconds = 0.0;  ///< of all runs, those that were taken over included
};

/// Plans and does the trainings of a metric in `work`/trainings, taking over what is there.
/// @param epoch  that the metric is taken at, when it was given as a number.
/// @throws as read_material(), experiments::plan_metric() and Planner::run().
ScratchRuns train_for(const metrics::Metric& metric, const ScratchArguments& arguments,
                      const std::filesystem::path& work, std::optional<std::int64_t> epoch,
                      Seed seed, Progress& progress);

}  // namespace winnow::cli
