#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/ensemble_stage.hpp"
#include "cli/log_stage.hpp"
#include "cli/outputs.hpp"
#include "cli/prototype_stage.hpp"
#include "cli/score_metric.hpp"
#include "cli/scratch_stage.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

struct ScoreArguments {
  metrics::Metric metric;
  ScoreOptions options;  ///< of the metrics of embeddings
  MemoryLimit memory;    ///< of self-prototypes
  LogArguments logs;
  EnsembleArguments ensemble;
  ScratchArguments scratch;

  TrainingSource& source() { return scratch.source; }
  const TrainingSource& source() const { return scratch.source; }
  /// Where labels come from: --labels, else the dataset.
  const std::string& labels_name() const {
    return source().labels.empty() ? source().data.data : source().labels;
  }
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
void finish(Session& session, const io::Scores& scores, Json details, const Json& seconds,
            const Json& work = {}) {
  const auto n = scores.values.size();
  details["seed"] = session.common.seed;
  io::write_scores(session.out(), scores, details);
  Json summary = {{"out", session.common.out},
                  {"metric", scores.metric},
                  {"n", n},
                  {"ranks", session.ranks.comm().size()}};
  summary.update(details);
  if (work.is_object()) summary["work"] = work;
  if (summary.contains("objective")) summary["objective"] = summary["objective"].back();
  summary["seconds"] = seconds;
  session.print(summary, fmt::format("{}: {} scores of {}, {}\n", session.common.out, n,
                                     scores.metric, range_of(scores.values)));
}

/// What is scored: rows, where the metric needs them, and labels of the same examples.
struct Examples {
  io::Embeddings embeddings;
  io::Labels labels;
};

/// Labels, where there are any, are of the n rows of the embeddings.
void require_same_examples(const ScoreArguments& arguments, std::int64_t n,
                           const Fingerprint& fingerprint, const io::Labels& labels) {
  if (labels.values.empty()) return;
  io::require_same_length(n, arguments.source().embeddings,
                          static_cast<std::int64_t>(labels.values.size()), arguments.labels_name());
  require_same_dataset(fingerprint, arguments.source().embeddings, labels.fingerprint,
                       arguments.labels_name());
}

Examples read_examples(const ScoreArguments& arguments, bool needs_rows, Seed seed,
                       Progress& progress) {
  const TrainingSource& source = arguments.source();
  Examples examples;
  if (!source.data.data.empty()) {
    const auto dataset = io::open_dataset(io::DatasetSpec::parse(source.data.data), progress);
    if (dataset->has_labels()) examples.labels = labels_of(*dataset);
    if (needs_rows && source.embeddings.empty()) {
      const auto encoder =
          embedding::fit_encoder(*dataset, {.encoder = source.encoder, .seed = seed}, progress);
      examples.embeddings = {.rows = encoder->encode(*dataset, progress),
                             .fingerprint = dataset->fingerprint(),
                             .inputs = dataset->inputs()};
    }
  }
  if (!source.labels.empty()) examples.labels = io::read_labels(source.labels, progress);
  if (needs_rows && !source.embeddings.empty()) {
    examples.embeddings = io::read_embeddings(source.embeddings, progress);
    require_same_examples(arguments, examples.embeddings.rows.rows(),
                          examples.embeddings.fingerprint, examples.labels);
  }
  return examples;
}

/// Self-prototypes of embeddings on disk, which need not fit in memory.
void score_stream(Session& session, const ScoreArguments& arguments) {
  const ScoreOptions& options = arguments.options;
  const std::string& name = arguments.source().embeddings;
  comm::Communicator& ranks = session.ranks.comm();
  const std::int64_t memory = arguments.memory.resolved();
  const io::Labels labels =
      read_examples(arguments, false, session.seed(), session.terminal).labels;
  try {
    const RowStream stream(name, options.kmeans, options.clusters, memory, ranks, session.terminal);
    require_same_examples(arguments, stream.n(), stream.fingerprint(), labels);
    Scored scored = score_self(stream, std::ssize(labels.class_names), options, memory,
                               session.seed(), ranks, session.terminal);
    scored.seconds["read"] = stream.seconds_reading();
    scored.work["streamed"] = !stream.rows().in_memory();
    std::vector<std::int64_t> bytes = {stream.bytes_read()};
    ranks.sum(bytes);
    scored.work["bytes_read"] = bytes[0];
    io::Scores scores{scored.values, known_of(stream.fingerprint(), labels.fingerprint),
                      enum_name(options.metric), stream.inputs()};
    if (ranks.rank() != 0) return;
    scores.inputs.insert(scores.inputs.end(), labels.inputs.begin(), labels.inputs.end());
    if (!options.centroids_out.empty()) write_centroids(options.centroids_out, scored);
    finish(session, scores, scored.details, scored.seconds, scored.work);
    if (!options.checkpoint.empty()) std::filesystem::remove(options.checkpoint);
  } catch (const InvalidArgument& error) {  // k-means does not know where the rows come from
    throw InvalidArgument(fmt::format("{}: {}", name, error.what()));
  }
}

void score_embeddings(Session& session, const ScoreArguments& arguments) {
  const ScoreOptions& options = arguments.options;
  const TrainingSource& source = arguments.source();
  if (!options.centroids_out.empty()) {
    require_new_array("--centroids-out", options.centroids_out, session.common.force);
  }
  options.validate();
  if (options.metric == EmbeddingMetric::self_prototypes && !source.embeddings.empty()) {
    return score_stream(session, arguments);
  }
  const bool needs_rows = options.metric != EmbeddingMetric::random;
  if (source.embeddings.empty() && source.data.data.empty() &&
      (needs_rows || source.labels.empty())) {
    throw InvalidArgument(
        fmt::format("metric = {} needs --embeddings FILE, or --data SPEC to make them of; your "
                    "own are an [n, d] .npy",
                    enum_name(options.metric)));
  }
  const Stopwatch watch;
  const Examples examples = read_examples(arguments, needs_rows, session.seed(), session.terminal);
  const double seconds_reading = watch.seconds();
  const auto& [embeddings, labels] = examples;
  const std::int64_t n = embeddings.rows.empty() ? static_cast<std::int64_t>(labels.values.size())
                                                 : embeddings.rows.rows();
  const std::string& name = source.embeddings.empty() ? source.data.data : source.embeddings;
  Scored scored =
      score_rows(embeddings.rows, name, n, labels, options, session.seed(), session.terminal);
  scored.seconds["read"] = seconds_reading;
  io::Scores scores{scored.values, known_of(embeddings.fingerprint, labels.fingerprint),
                    enum_name(options.metric), embeddings.inputs};
  scores.inputs.insert(scores.inputs.end(), labels.inputs.begin(), labels.inputs.end());
  if (!options.centroids_out.empty()) write_centroids(options.centroids_out, scored);
  finish(session, scores, scored.details.is_null() ? Json::object() : scored.details,
         scored.seconds);
}

/// The epoch that the metric is taken at, where a number was given.
std::optional<std::int64_t> epoch_of(const metrics::EpochChoice& choice) {
  if (choice.kind != metrics::EpochChoice::Kind::number) return {};
  return choice.epoch;
}

/// From the logs of --dynamics, or of the trainings done now.
void score_runs(Session& session, const CLI::App& command, ScoreArguments& arguments) {
  const auto* of_log = std::get_if<metrics::LogMetric>(&arguments.metric.value);
  arguments.logs.options.validate();
  arguments.ensemble.options.validate();
  if (!arguments.ensemble.errors_out.empty()) {
    require_new_array("--errors-out", arguments.ensemble.errors_out, session.common.force);
  }
  io::Labels labels;
  Json training;
  if (arguments.logs.folders.empty()) {
    if (arguments.source().data.data.empty() && arguments.source().embeddings.empty()) {
      throw InvalidArgument(fmt::format(
          "metric = {} needs --dynamics DIR..., logs of training runs (of winnow train, or of your "
          "own loop: docs/own-training-loop.md), or --data SPEC to train from scratch",
          arguments.metric.text()));
    }
    check(arguments.scratch);
    const std::filesystem::path work = arguments.scratch.work.empty()
                                           ? session.out().replace_extension()
                                           : std::filesystem::path(arguments.scratch.work);
    ScratchRuns runs =
        train_for(arguments.metric, arguments.scratch, work,
                  epoch_of(arguments.logs.options.at.epoch), session.seed(), session.terminal);
    arguments.logs.folders = std::move(runs.folders);
    labels = std::move(runs.labels);
    training = {{"models", arguments.scratch.options.models},
                {"folder", work.string()},
                {"core_seconds", runs.core_seconds}};
  } else {
    refuse_training_options(command);
    labels = read_examples(arguments, false, session.seed(), session.terminal).labels;
  }
  LogScored scored =
      of_log != nullptr
          ? score_from_logs(arguments.logs, *of_log, labels, arguments.labels_name(),
                            session.terminal)
          : score_from_runs(arguments.logs, arguments.ensemble, command.count("--epoch") > 0,
                            std::get<metrics::EnsembleMetric>(arguments.metric.value), labels,
                            arguments.labels_name(), session.terminal);
  if (!training.is_null()) scored.details["training"] = training;
  finish(session, scored.scores, scored.details, scored.seconds);
}

/// @throws InvalidArgument where several processes were started for what only one can do.
void require_divisible(const Session& session, const ScoreArguments& arguments) {
  const auto* metric = std::get_if<EmbeddingMetric>(&arguments.metric.value);
  const bool self = metric != nullptr && *metric == EmbeddingMetric::self_prototypes;
  if (self && !arguments.source().embeddings.empty()) return;
  session.ranks.require_one(self ? "winnow score without --embeddings"
                                 : "winnow score --metric " + arguments.metric.text());
}

void score(Session& session, const CLI::App& command, ScoreArguments& arguments) {
  require_divisible(session, arguments);
  require_out_array(session);
  refuse_foreign_options(command, arguments.metric);
  arguments.source().resolve();
  if (const auto* metric = std::get_if<EmbeddingMetric>(&arguments.metric.value)) {
    arguments.options.metric = *metric;
    score_embeddings(session, arguments);
  } else {
    score_runs(session, command, arguments);
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
      "  winnow score --metric el2n --data cifar10:DIR --model resnet8 --epochs 10 --work w \\\n"
      "               --out el2n.npy\n"
      "  winnow score --metric random --labels fashion-mnist --out s.npy");
  auto arguments = std::make_shared<ScoreArguments>();
  bind_option(command, arguments->metric, {.name = "metric", .help = metric_help().c_str()});
  TrainingSource& source = arguments->source();
  command
      .add_option("--embeddings", source.embeddings,
                  "Rows to score, or to train on, [n, d]: a .npy, a comma list, a glob or a folder "
                  "of shards.")
      ->type_name("FILE.npy");
  command
      .add_option("--labels", source.labels,
                  "Classes: .npy, CSV, or a dataset SPEC; default: those of --data.")
      ->type_name("FILE|SPEC");
  bind_data(command, source.data,
            "Dataset to score: gives labels, and embeddings and trainings where none are given.",
            "Test set of trainings, where --data has no test split.");
  bind_test_rows(command, source);
  bind_prototype_options(command, arguments->options);
  bind_option(command, arguments->memory,
              {.name = "memory",
               .help = "Memory for self-prototypes of --embeddings: rows that do not fit are read "
                       "again in every pass, to the same result."});
  command
      .add_option("--checkpoint", arguments->options.checkpoint,
                  "Written after every k-means iteration; where it exists, the run goes on from "
                  "it. Removed at the end.")
      ->type_name("FILE");
  bind_log_options(command, arguments->logs);
  bind_ensemble_options(command, arguments->ensemble);
  bind_scratch_options(command, arguments->scratch);
  bind_reading(command, source.data);
  on_run(
      command, session, [&session, &command, arguments] { score(session, command, *arguments); },
      Processes::many);
}

}  // namespace winnow::cli
