#include "cli/ensemble_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "winnow/core/error.hpp"
#include "winnow/io/dynamics.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::cli {

namespace {

using metrics::EnsembleMetric;

bool has_errors(EnsembleMetric metric) {
  return metric == EnsembleMetric::memorization || metric == EnsembleMetric::influence_max ||
         metric == EnsembleMetric::influence_sum_abs;
}

Json used_options(EnsembleMetric metric, const metrics::EnsembleOptions& options) {
  Json json = Json::object();
  if (has_errors(metric)) json = options_json(options.subsample);
  if (metric == EnsembleMetric::active_learning) json = options_json(options.active_learning);
  json["epoch"] = options.epoch ? Json(*options.epoch) : Json("last");
  return json;
}

/// Mean and largest of the errors that are known.
Json summary_of(const std::vector<double>& errors) {
  double sum = 0.0;
  double largest = 0.0;
  std::int64_t known = 0;
  for (const double error : errors) {
    if (std::isnan(error)) continue;
    sum += error;
    largest = std::max(largest, error);
    ++known;
  }
  return {{"mean", sum / static_cast<double>(known)}, {"max", largest}};
}

Json details_of(EnsembleMetric metric, const metrics::EnsembleOptions& options,
                const metrics::EnsembleScores& found) {
  constexpr std::size_t most_ids = 20;
  Json details = {{"options", used_options(metric, options)},
                  {"runs", found.epochs.size()},
                  {"members", found.members},
                  {"epochs", {std::ranges::min(found.epochs), std::ranges::max(found.epochs)}}};
  if (has_errors(metric)) {
    const auto shown = std::span(found.rare).first(std::min(most_ids, found.rare.size()));
    details["standard_error"] = summary_of(found.standard_errors);
    details["rare"] = {{"count", found.rare.size()},
                       {"first", std::vector<std::int64_t>(shown.begin(), shown.end())}};
  }
  if (metric == EnsembleMetric::ddd) {
    details["trivial"] = found.trivial;
    details["impossible"] = found.impossible;
  }
  details["warnings"] = found.warnings;
  return details;
}

/// An epoch of every run; nothing: the last.
std::optional<std::int64_t> epoch_of(const metrics::EpochChoice& choice, EnsembleMetric metric) {
  if (choice.kind == metrics::EpochChoice::Kind::number) return choice.epoch;
  if (choice.kind == metrics::EpochChoice::Kind::last) return {};
  throw InvalidArgument(fmt::format("epoch = {}; metric = {} takes the number of an epoch, or last",
                                    choice.text(), enum_name(metric)));
}

}  // namespace

void bind_ensemble_options(CLI::App& command, EnsembleArguments& arguments) {
  bind_options(command, arguments.options.subsample);
  bind_options(command, arguments.options.active_learning);
  command
      .add_option("--errors-out", arguments.errors_out,
                  "Also write the standard errors, [n] (memorization, influence-max, "
                  "influence-sum-abs); NaN where an example was in or out of too few runs.")
      ->type_name("FILE.npy");
}

LogScored score_from_runs(const LogArguments& logs, const EnsembleArguments& arguments,
                          bool epoch_given, EnsembleMetric metric, const io::Labels& labels,
                          const std::string& name, Progress& progress) {
  const Stopwatch watch;
  metrics::EnsembleOptions options = arguments.options;
  if (epoch_given) options.epoch = epoch_of(logs.options.at.epoch, metric);
  const auto folders = io::expand_runs(logs.folders);
  if (!labels.values.empty()) {
    for (const auto& folder : folders) require_same_labels(io::Dynamics(folder), labels, name);
  }
  auto found = metrics::score_ensemble(folders, metric, options, progress);
  for (const auto& warning : found.warnings) progress.warn(warning);
  if (!arguments.errors_out.empty()) io::write_npy(arguments.errors_out, found.standard_errors);

  LogScored scored;
  scored.details = details_of(metric, options, found);
  scored.scores.fingerprint = known_of(labels.fingerprint, found.fingerprint);
  scored.scores.metric = enum_name(metric);
  scored.scores.values = std::move(found.scores);
  for (const auto& folder : folders) scored.scores.inputs.push_back({folder.string(), ""});
  scored.scores.inputs.insert(scored.scores.inputs.end(), labels.inputs.begin(),
                              labels.inputs.end());
  scored.seconds = {{"score", watch.seconds()}};
  return scored;
}

}  // namespace winnow::cli
