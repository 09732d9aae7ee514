#include "cli/score_metric.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

std::vector<std::string> all_names() {
  auto names = enum_choices<Metric>();
  for (auto& name : enum_choices<metrics::LogMetric>()) names.push_back(std::move(name));
  for (auto& name : enum_choices<metrics::EnsembleMetric>()) names.push_back(std::move(name));
  return names;
}

template <class E>
bool find(std::string_view text, MetricChoice& choice) {
  for (const auto& entry : EnumNames<E>::values) {
    if (text != entry.name) continue;
    choice.value = entry.value;
    return true;
  }
  return false;
}

/// Names of options, and of the metrics that have them.
struct Owners {
  std::vector<std::string> options;
  std::vector<std::string> metrics;
};

template <class Options>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  Options options;
  Options::fields(options,
                  [&names](auto&, const FieldInfo& info) { names.emplace_back(info.name); });
  return names;
}

std::vector<Owners> owners() {
  auto prototypes = names_of<cluster::KMeansOptions>();
  for (const char* name : {"clusters", "centroids-in", "centroids-out"}) {
    prototypes.emplace_back(name);
  }
  const auto of_runs = enum_choices<metrics::EnsembleMetric>();
  auto of_dynamics = enum_choices<metrics::LogMetric>();
  of_dynamics.insert(of_dynamics.end(), of_runs.begin(), of_runs.end());
  std::vector<std::string> of_an_epoch = {"el2n", "grand", "margin", "loss", "entropy"};
  of_an_epoch.insert(of_an_epoch.end(), of_runs.begin(), of_runs.end());
  auto subsampled = names_of<metrics::SubsampleOptions>();
  subsampled.emplace_back("errors-out");
  return {{prototypes, enum_choices<Metric>()},
          {{"embeddings"}, enum_choices<Metric>()},
          {{"dynamics"}, of_dynamics},
          {names_of<metrics::EpochOptions>(), of_an_epoch},
          {subsampled, {"memorization", "influence-max", "influence-sum-abs"}},
          {names_of<metrics::ActiveLearningOptions>(), {"active-learning"}},
          {names_of<metrics::ForgettingOptions>(), {"forgetting"}},
          {names_of<metrics::WindowOptions>(), {"dyn-unc", "dual", "tdds"}},
          {names_of<metrics::TddsOptions>(), {"tdds"}}};
}

}  // namespace

MetricChoice MetricChoice::parse(std::string_view field, std::string_view text) {
  MetricChoice choice;
  if (find<Metric>(text, choice) || find<metrics::LogMetric>(text, choice) ||
      find<metrics::EnsembleMetric>(text, choice)) {
    return choice;
  }
  throw_unknown_choice(field, text, all_names());
}

std::string MetricChoice::text() const {
  return std::visit([](auto metric) -> std::string { return enum_name(metric); }, value);
}

std::string metric_help() {
  return fmt::format(
      "How difficulty is measured; larger is harder. Of --embeddings: {}. Of training dynamics "
      "(--dynamics): {}.",
      fmt::join(enum_choices<Metric>(), ", "), fmt::join(enum_choices<metrics::LogMetric>(), ", "));
}

void refuse_foreign_options(const CLI::App& command, const MetricChoice& metric) {
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

}  // namespace winnow::cli
