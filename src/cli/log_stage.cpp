#include "cli/log_stage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "winnow/core/error.hpp"
#include "winnow/io/dynamics.hpp"

namespace winnow::cli {

namespace {

using metrics::LogMetric;

/// The options that the metric has.
Json options_of(LogMetric metric, const metrics::LogOptions& options) {
  switch (metric) {
    case LogMetric::el2n:
    case LogMetric::grand:
    case LogMetric::margin:
    case LogMetric::loss:
    case LogMetric::entropy:
      return options_json(options.at);
    case LogMetric::forgetting:
      return options_json(options.forgetting);
    case LogMetric::dyn_unc:
    case LogMetric::dual:
      return options_json(options.windows);
    case LogMetric::tdds: {
      Json json = options_json(options.windows);
      json.update(options_json(options.tdds));
      return json;
    }
    case LogMetric::aum:
      break;
  }
  return Json::object();
}

}  // namespace

void require_same_labels(const io::Dynamics& run, const io::Labels& labels,
                         const std::string& name) {
  if (labels.values.empty()) return;
  const std::string folder = run.folder().string();
  io::require_same_length(run.n(), folder, static_cast<std::int64_t>(labels.values.size()), name);
  require_same_dataset(run.fingerprint(), folder, labels.fingerprint, name);
  if (!run.has_labels()) return;
  const auto logged = run.labels();
  const auto [in_log, given] = std::mismatch(logged.begin(), logged.end(), labels.values.begin());
  if (in_log == logged.end()) return;
  throw DatasetMismatch(fmt::format(
      "{}: row {} is class {}, but in {} it is {}; give the labels that the run was "
      "trained with",
      (run.folder() / "labels.npy").string(), in_log - logged.begin(), *in_log, name, *given));
}

void bind_log_options(CLI::App& command, LogArguments& arguments) {
  command
      .add_option(
          "--dynamics", arguments.folders,
          "Logs of training dynamics, one folder a run (a training run, or its dynamics/), "
          "globs of them, or @FILE with one a line. The score is the mean over the runs, or "
          "what they say together.")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("DIR");
  bind_options(command, arguments.options.at);
  bind_options(command, arguments.options.forgetting);
  bind_options(command, arguments.options.windows);
  bind_options(command, arguments.options.tdds);
}

LogScored score_from_logs(const LogArguments& arguments, LogMetric metric, const io::Labels& labels,
                          const std::string& name, Progress& progress) {
  const Stopwatch watch;
  const auto folders = io::expand_runs(arguments.folders);
  std::vector<io::Dynamics> runs(folders.begin(), folders.end());
  for (const auto& run : runs) require_same_labels(run, labels, name);
  auto found = metrics::score_logs(runs, metric, arguments.options, progress);
  for (const auto& warning : found.warnings) progress.warn(warning);

  LogScored scored;
  scored.scores.values = std::move(found.scores);
  scored.scores.fingerprint = labels.fingerprint;
  scored.scores.metric = enum_name(metric);
  for (const auto& run : runs) {
    scored.scores.fingerprint = known_of(scored.scores.fingerprint, run.fingerprint());
    scored.scores.inputs.push_back({run.path(metrics::array_of(metric)).string(), ""});
  }
  scored.scores.inputs.insert(scored.scores.inputs.end(), labels.inputs.begin(),
                              labels.inputs.end());
  scored.details = {{"options", options_of(metric, arguments.options)},
                    {"runs", runs.size()},
                    {"epochs", found.epochs}};
  if (metric == LogMetric::forgetting) scored.details["never_learned"] = found.never_learned;
  scored.details["warnings"] = found.warnings;
  scored.seconds = {{"score", watch.seconds()}};
  return scored;
}

}  // namespace winnow::cli
