#include "cli/score_metric.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/scratch_stage.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

/// Names of options, and of the metrics that have them.
struct Owners {
  std::vector<std::string> options;
  std::vector<std::string> metrics;
};

std::vector<Owners> owners() {
  auto prototypes = field_names<cluster::KMeansOptions>();
  for (const char* name : {"clusters", "centroids-in", "centroids-out", "memory", "checkpoint"}) {
    prototypes.emplace_back(name);
  }
  const auto of_runs = enum_choices<metrics::EnsembleMetric>();
  auto of_dynamics = enum_choices<metrics::LogMetric>();
  of_dynamics.insert(of_dynamics.end(), of_runs.begin(), of_runs.end());
  std::vector<std::string> of_an_epoch = {"el2n", "grand", "margin", "loss", "entropy"};
  of_an_epoch.insert(of_an_epoch.end(), of_runs.begin(), of_runs.end());
  auto subsampled = field_names<metrics::SubsampleOptions>();
  subsampled.emplace_back("errors-out");
  return {{prototypes, enum_choices<metrics::EmbeddingMetric>()},
          {scratch_option_names(), of_dynamics},
          {{"dynamics"}, of_dynamics},
          {field_names<metrics::EpochOptions>(), of_an_epoch},
          {subsampled, {"memorization", "influence-max", "influence-sum-abs"}},
          {field_names<metrics::ActiveLearningOptions>(), {"active-learning"}},
          {field_names<metrics::ForgettingOptions>(), {"forgetting"}},
          {field_names<metrics::WindowOptions>(), {"dyn-unc", "dual", "tdds"}},
          {field_names<metrics::TddsOptions>(), {"tdds"}}};
}

}  // namespace

std::string metric_help() {
  return fmt::format(
      "How difficulty is measured; larger is harder. Of embeddings: {}. Of training dynamics, from "
      "logs (--dynamics) or from scratch (--model): {}. Of many runs together: {}.",
      fmt::join(enum_choices<metrics::EmbeddingMetric>(), ", "),
      fmt::join(enum_choices<metrics::LogMetric>(), ", "),
      fmt::join(enum_choices<metrics::EnsembleMetric>(), ", "));
}

void refuse_foreign_options(const CLI::App& command, const metrics::Metric& metric) {
  const std::string name = metric.text();
  for (const auto& owner : owners()) {
    if (std::find(owner.metrics.begin(), owner.metrics.end(), name) != owner.metrics.end()) {
      continue;
    }
    for (const auto& option : owner.options) {
      if (command.count("--" + option) == 0) continue;
      throw InvalidArgument(
          fmt::format("--{}: metric = {} has no use for it; leave it out, or take "
                      "{}",
                      option, name, fmt::join(owner.metrics, ", ")));
    }
  }
}

void refuse_training_options(const CLI::App& command) {
  auto options = scratch_option_names();
  options.emplace_back("embeddings");
  options.emplace_back("encoder");
  for (const auto& option : options) {
    if (command.count("--" + option) == 0) continue;
    throw InvalidArgument(
        fmt::format("--{}: --dynamics gives the logs of trainings that are done; leave out the "
                    "one or the other",
                    option));
  }
}

}  // namespace winnow::cli
