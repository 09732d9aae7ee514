#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/ensemble_stage.hpp"
#include "cli/log_stage.hpp"
#include "cli/outputs.hpp"
#include "cli/score_metric.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

struct ScoreArguments {
  MetricChoice metric;
  std::string embeddings;
  std::string labels;
  ScoreOptions options;  ///< of the metrics of embeddings
  LogArguments logs;
  EnsembleArguments ensemble;
};

/// Lowest, median and highest score, for the printed line.
std::string range_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const double median = *middle;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{:.4g} to {:.4g}, median {:.4g}", *low, *high, median);
}

/// Writes the scores and prints what they are.
void finish(Session& session, const io::Scores& scores, Json details, const Json& seconds) {
  const auto n = scores.values.size();
  details["seed"] = session.common.seed;
  io::write_scores(session.out(), scores, details);
  Json summary = {{"out", session.common.out}, {"metric", scores.metric}, {"n", n}, {"ranks", 1}};
  summary.update(details);
  if (summary.contains("objective")) summary["objective"] = summary["objective"].back();
  summary["seconds"] = seconds;
  session.print(summary, fmt::format("{}: {} scores of {}, {}\n", session.common.out, n,
                                     scores.metric, range_of(scores.values)));
}

/// Rows and labels of the same examples.
io::Embeddings read_rows(const ScoreArguments& arguments, const io::Labels& labels,
                         Progress& progress) {
  if (arguments.embeddings.empty()) return {};
  io::Embeddings embeddings = io::read_embeddings(arguments.embeddings, progress);
  if (!labels.values.empty()) {
    io::require_same_length(embeddings.rows.rows(), arguments.embeddings,
                            static_cast<std::int64_t>(labels.values.size()), arguments.labels);
    require_same_dataset(embeddings.fingerprint, arguments.embeddings, labels.fingerprint,
                         arguments.labels);
  }
  return embeddings;
}

io::Labels read_given_labels(const ScoreArguments& arguments, Progress& progress) {
  return arguments.labels.empty() ? io::Labels{} : io::read_labels(arguments.labels, progress);
}

void score_embeddings(Session& session, const ScoreArguments& arguments) {
  const ScoreOptions& options = arguments.options;
  if (!options.centroids_out.empty()) {
    require_new_array("--centroids-out", options.centroids_out, session.common.force);
  }
  options.validate();
  const bool needs_rows = options.metric != Metric::random;
  if (arguments.embeddings.empty() && (needs_rows || arguments.labels.empty())) {
    throw InvalidArgument(
        fmt::format("metric = {} needs --embeddings FILE; make one with winnow "
                    "embed, or write your own [n, d] .npy",
                    enum_name(options.metric)));
  }
  const Stopwatch watch;
  const io::Labels labels = read_given_labels(arguments, session.terminal);
  const io::Embeddings embeddings = read_rows(arguments, labels, session.terminal);
  const double seconds_reading = watch.seconds();
  const std::int64_t n = arguments.embeddings.empty()
                             ? static_cast<std::int64_t>(labels.values.size())
                             : embeddings.rows.rows();
  Scored scored = score_rows(embeddings.rows, arguments.embeddings, n, labels, options,
                             session.seed(), session.terminal);
  scored.seconds["read"] = seconds_reading;
  io::Scores scores{scored.values, known_of(embeddings.fingerprint, labels.fingerprint),
                    enum_name(options.metric), embeddings.inputs};
  scores.inputs.insert(scores.inputs.end(), labels.inputs.begin(), labels.inputs.end());
  if (!options.centroids_out.empty()) write_centroids(options.centroids_out, scored);
  finish(session, scores, scored.details.is_null() ? Json::object() : scored.details,
         scored.seconds);
}

void score_logs(Session& session, const ScoreArguments& arguments, metrics::LogMetric metric) {
  arguments.logs.options.validate();
  const io::Labels labels = read_given_labels(arguments, session.terminal);
  const LogScored scored =
      score_from_logs(arguments.logs, metric, labels, arguments.labels, session.terminal);
  finish(session, scored.scores, scored.details, scored.seconds);
}

void score_ensemble(Session& session, const ScoreArguments& arguments, bool epoch_given,
                    metrics::EnsembleMetric metric) {
  const EnsembleArguments& ensemble = arguments.ensemble;
  ensemble.options.validate();
  if (!ensemble.errors_out.empty()) {
    require_new_array("--errors-out", ensemble.errors_out, session.common.force);
  }
  const io::Labels labels = read_given_labels(arguments, session.terminal);
  const LogScored scored = score_from_runs(arguments.logs, ensemble, epoch_given, metric, labels,
                                           arguments.labels, session.terminal);
  finish(session, scored.scores, scored.details, scored.seconds);
}

void score(Session& session, const CLI::App& command, ScoreArguments& arguments) {
  require_out_array(session);
  refuse_foreign_options(command, arguments.metric);
  if (const auto* metric = std::get_if<metrics::LogMetric>(&arguments.metric.value)) {
    score_logs(session, arguments, *metric);
  } else if (const auto* of_runs = std::get_if<metrics::EnsembleMetric>(&arguments.metric.value)) {
    score_ensemble(session, arguments, command.count("--epoch") > 0, *of_runs);
  } else {
    arguments.options.metric = std::get<Metric>(arguments.metric.value);
    score_embeddings(session, arguments);
  }
}

}  // namespace

void add_score(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "score", "Say how hard every example is.", Output::replace,
      "Scores to write, [n] float64, with a sidecar .json.",
      "Examples:\n"
      "  winnow score --metric self-prototypes --embeddings emb.npy --clusters 1000 --out s.npy\n"
      "  winnow score --metric supervised-prototypes --embeddings 'shards/*.npy' \\\n"
      "               --labels labels.csv --out s.npy\n"
      "  winnow score --metric forgetting --dynamics runs/seed-* --out s.npy\n"
      "  winnow score --metric memorization --dynamics @runs.txt --errors-out e.npy --out s.npy\n"
      "  winnow score --metric random --labels fashion-mnist --out s.npy");
  auto arguments = std::make_shared<ScoreArguments>();
  bind_option(command, arguments->metric, {.name = "metric", .help = metric_help().c_str()});
  command
      .add_option("--embeddings", arguments->embeddings,
                  "Rows to score, [n, d]: a .npy, a comma list, a glob or a folder of shards.")
      ->type_name("FILE.npy");
  command
      .add_option("--labels", arguments->labels,
                  "Classes: .npy, CSV, or a dataset SPEC; without them none are used.")
      ->type_name("FILE|SPEC");
  bind_prototype_options(command, arguments->options);
  bind_log_options(command, arguments->logs);
  bind_ensemble_options(command, arguments->ensemble);
  on_run(command, session,
         [&session, &command, arguments] { score(session, command, *arguments); });
}

}  // namespace winnow::cli
