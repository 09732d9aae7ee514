#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/command.hpp"
#include "cli/data_arguments.hpp"
#include "cli/embed_stage.hpp"
#include "cli/outputs.hpp"
#include "cli/policy_options.hpp"
#include "cli/stages.hpp"
#include "cli/training_options.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/report/report.hpp"
#include "winnow/selection/export.hpp"
#include "winnow/train/image_store.hpp"

namespace winnow::cli {

namespace {

namespace fs = std::filesystem;

struct PruneArguments {
  DataArguments source;
  std::string embeddings;
  std::string labels;
  std::string formats;
  bool evaluate = false;
  std::string evaluate_models = "linear,mlp";
  std::string evaluate_keeps;
  embedding::EncoderOptions encoder;
  ScoreOptions score;
  selection::SelectOptions select;
  experiments::EvaluationOptions evaluation;
  TrainingArguments training;
};

/// One `winnow prune`: its stages in order, each leaving its files in the run folder.
class Prune {
 public:
  Prune(Session& session, PruneArguments arguments)
      : session_(session), arguments_(std::move(arguments)), folder_(session.out()) {}

  void run() {
    check();
    open();
    timed("embed", [this] { embed(); });
    timed("score", [this] { score(); });
    timed("select", [this] { select(); });
    if (arguments_.evaluate) timed("evaluate", [this] { evaluate(); });
    write_run(folder_, run_info());
    timed("report", [this] { report(); });
    print();
  }

 private:
  template <class Stage>
  void timed(const char* name, const Stage& stage) {
    const Stopwatch watch;
    stage();
    seconds_[name] = watch.seconds();
  }

  /// What a policy looks at besides scores is what this run makes on its way.
  void check_policy() const {
    const bool clusters = arguments_.score.metric == EmbeddingMetric::self_prototypes;
    if (arguments_.select.policy == selection::Policy::balanced) {
      throw InvalidArgument(
          "policy = balanced takes levels of clusters; take winnow cluster and winnow select");
    }
    if (arguments_.select.policy == selection::Policy::density && !clusters) {
      throw InvalidArgument(
          "policy = density takes the clusters of --metric self-prototypes; take that metric, or "
          "winnow cluster and winnow select");
    }
  }

  /// Everything that can be refused before any work.
  void check() {
    require_out_folder(session_, "the run folder to write", true);
    if (arguments_.source.data.empty() == arguments_.embeddings.empty()) {
      throw InvalidArgument("give either --data SPEC or --embeddings FILE");
    }
    if (arguments_.evaluate && arguments_.source.data.empty()) {
      throw InvalidArgument(
          "--evaluate needs --data, for labels and a test set; with embeddings of "
          "your own, use winnow train on the subset");
    }
    arguments_.source.resolve(arguments_.encoder.encoder.default_image_size());
    arguments_.encoder.seed = session_.seed();
    arguments_.select.seed = session_.seed();
    arguments_.encoder.validate();
    arguments_.score.validate();
    arguments_.select.validate();
    check_policy();
    for (const auto format : selection::parse_formats(arguments_.formats)) {
      if (format == selection::Format::keys && arguments_.source.data.empty()) {
        throw InvalidArgument("write = keys needs --data; embeddings alone have no keys");
      }
    }
    auto& evaluation = arguments_.evaluation;
    evaluation.models = split_list(arguments_.evaluate_models);
    if (!arguments_.evaluate_keeps.empty()) {
      evaluation.keeps = parse_numbers("evaluate-keep", arguments_.evaluate_keeps);
    }
    evaluation.select = arguments_.select;
    evaluation.seed = session_.seed();
    evaluation.training = resolve(arguments_.training);
    evaluation.validate();
    if (arguments_.evaluate) experiments::require_models(evaluation.models);
  }

  void open() {
    if (arguments_.source.data.empty()) {
      embeddings_ = io::read_embeddings(arguments_.embeddings, session_.terminal);
      n_ = embeddings_->rows.rows();
      fingerprint_ = embeddings_->fingerprint;
      inputs_ = embeddings_->inputs;
    } else {
      splits_ = open_splits(arguments_.source.data, arguments_.source.test_data, session_.terminal);
      n_ = splits_.train->size();
      fingerprint_ = splits_.train->fingerprint();
      inputs_ = splits_.train->inputs();
      if (splits_.train->has_labels()) labels_ = labels_of(*splits_.train);
    }
    if (!arguments_.labels.empty()) {
      labels_ = splits_.train
                    ? io::join_labels(*splits_.train, arguments_.labels, "", session_.terminal)
                    : io::read_labels(arguments_.labels, session_.terminal);
      io::require_same_length(n_, arguments_.source.data + arguments_.embeddings,
                              static_cast<std::int64_t>(labels_.values.size()), arguments_.labels);
      require_same_dataset(fingerprint_, arguments_.source.data + arguments_.embeddings,
                           labels_.fingerprint, arguments_.labels);
    }
    const std::int64_t kept = arguments_.select.kept_of(n_);
    if (arguments_.evaluation.keeps.empty() || arguments_.evaluate_keeps.empty()) {
      const double keep = static_cast<double>(kept) / static_cast<double>(n_);
      const double asked = arguments_.select.keep_count ? keep : arguments_.select.keep;
      arguments_.evaluation.keeps = {asked};
      if (asked != 0.1) arguments_.evaluation.keeps.push_back(0.1);
    }
    const auto& clusters = arguments_.score.clusters;
    if (clusters && (*clusters < 1 || *clusters > n_)) {
      throw InvalidArgument(
          fmt::format("clusters = {}; expected 1 to {}, the number of examples", *clusters, n_));
    }
    if (!arguments_.score.centroids_in.empty()) {  // a bad file, before the work and not after it
      io::read_embeddings(arguments_.score.centroids_in);
    }
    if (!arguments_.evaluate) return;
    if (labels_.values.empty()) {
      throw InvalidArgument(
          fmt::format("--evaluate: {} has no labels; give --labels FILE", arguments_.source.data));
    }
    if (!splits_.test || !splits_.test->has_labels()) {
      throw InvalidArgument(
          fmt::format("--evaluate: {} has no labelled test split; give --test-data "
                      "SPEC",
                      arguments_.source.data));
    }
    if (splits_.test->class_names() != labels_.class_names) {
      throw DatasetMismatch(
          fmt::format("--evaluate: the classes of {} are not those of {}; expected the same names "
                      "in the same order",
                      arguments_.labels.empty() ? arguments_.source.data : arguments_.labels,
                      splits_.test->name()));
    }
  }

  /// Before the first file is written: what an earlier run left is removed, so that nothing stale
  /// stands beside this run's files. With --resume, embeddings and trainings stay.
  void prepare_folder() {
    if (prepared_) return;
    prepared_ = true;
    make_folder(folder_);
    std::error_code ignored;
    remove_temporaries(folder_);
    for (const auto& training : fs::directory_iterator(folder_ / "trainings", ignored)) {
      remove_temporaries(training.path());
    }
    for (const char* name : {"run.json", "results.csv", "timing.csv", "report.html", "scores.json",
                             "scores.npy", "assignment.npy", "centroids.json", "centroids.npy"}) {
      fs::remove(folder_ / name, ignored);
    }
    if (session_.common.resume) return;
    fs::remove_all(folder_ / "trainings", ignored);
    for (const char* name :
         {"embeddings.json", "embeddings.npy", "embeddings-test.json", "embeddings-test.npy"}) {
      fs::remove(folder_ / name, ignored);
    }
  }

  /// Goes through files, so that a killed run goes on where it was and rows are read as any others.
  void embed() {
    if (embeddings_) {
      rows_ = std::move(embeddings_->rows);
      return;
    }
    const bool unseen = arguments_.score.metric == EmbeddingMetric::random &&
                        arguments_.select.policy != selection::Policy::d2;
    if (unseen && !arguments_.evaluate) return;
    prepare_folder();
    const fs::path out = folder_ / "embeddings.npy";
    const fs::path test_out = splits_.test ? folder_ / "embeddings-test.npy" : fs::path();
    knn_ = embed_files(splits_, arguments_.encoder,
                       {.out = out,
                        .test_out = test_out,
                        .storage = {},
                        .resume = session_.common.resume,
                        .force = true},
                       session_.terminal)
               .knn;
    rows_ = io::read_embeddings(out.string(), session_.terminal).rows;
    if (splits_.test) test_rows_ = io::read_embeddings(test_out.string(), session_.terminal).rows;
  }

  void score() {
    const ScoreOptions& options = arguments_.score;
    Scored scored = score_rows(rows_, arguments_.source.data + arguments_.embeddings, n_, labels_,
                               options, session_.seed(), session_.terminal);
    scores_ = {scored.values, fingerprint_, enum_name(options.metric), inputs_};
    Json details = scored.details.is_null() ? Json::object() : scored.details;
    details["seed"] = session_.common.seed;
    prepare_folder();
    io::write_scores(folder_ / "scores.npy", scores_, details);
    if (scored.kmeans) {
      write_centroids(folder_ / "centroids.npy", scored);
      io::write_npy(folder_ / "assignment.npy", std::span(scored.kmeans->assignment));
    }
    kmeans_ = std::move(scored.kmeans);
  }

  void select() {
    selection::Examples examples{.scores = scores_.values,
                                 .labels = labels_.values,
                                 .class_names = labels_.class_names,
                                 .embeddings = rows_};
    if (kmeans_) {
      examples.clusters = {.centroids = kmeans_->centroids,
                           .assignment = kmeans_->assignment,
                           .distance = kmeans_->distance,
                           .geometry = arguments_.score.kmeans.geometry};
    }
    selection_ = selection::select(examples, arguments_.select, session_.terminal);
    selection::write_selection(folder_, selection_,
                               {.scores = scores_.values,
                                .labels = labels_.values,
                                .dataset = splits_.train.get(),
                                .fingerprint = fingerprint_,
                                .inputs = inputs_,
                                .details = {{"metric", scores_.metric}}},
                               {selection::parse_formats(arguments_.formats)}, session_.terminal);
  }

  void evaluate() {
    experiments::TrainingData data{.rows = {rows_, labels_.values},
                                   .test_rows = {test_rows_, splits_.test->labels()}};
    std::optional<train::ImageStore> images;
    std::optional<train::ImageStore> test_images;
    if (std::ranges::any_of(arguments_.evaluation.models, experiments::is_network)) {
      images.emplace(*splits_.train, session_.terminal);
      test_images.emplace(*splits_.test, session_.terminal);
      data.images = images->view();
      data.test_images = test_images->view();
    }
    results_ = experiments::evaluate(data, scores_.values, labels_.class_names, fingerprint_,
                                     arguments_.evaluation, folder_, session_.common.resume,
                                     session_.terminal);
  }

  void report() { report::write_report({folder_}, folder_ / "report.html", {}, session_.terminal); }

  RunInfo run_info() const {
    RunInfo run;
    run.kind = "prune";
    run.command = session_.arguments;
    run.inputs = inputs_;
    run.options = {{"data", arguments_.source.data.empty() ? Json() : Json(arguments_.source.data)},
                   {"embeddings", arguments_.embeddings},
                   {"metric", scores_.metric},
                   {"seed", session_.common.seed}};
    if (!arguments_.source.data.empty()) run.options.update(options_json(arguments_.encoder));
    run.options.update(options_json(arguments_.select));
    run.options.update(arguments_.select.policy_json());
    run.results = {
        {"n", n_}, {"kept", selection_.ids.size()}, {"knn", knn_}, {"seconds", seconds_}};
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && !name.starts_with(".")) run.files.push_back(name);
    }
    run.files.emplace_back("report.html");  // written next, from this very record
    std::sort(run.files.begin(), run.files.end());
    for (const auto& result : results_) run.children.push_back("trainings/" + result.cell.id());
    return run;
  }

  Json evaluation_json() const {
    Json list = Json::array();
    for (const auto& s : experiments::summarize(results_)) {
      list.push_back({{"model", s.model},
                      {"policy", s.policy},
                      {"keep", s.keep},
                      {"n_train", s.n_train},
                      {"seeds", s.seeds},
                      {"test_error", s.test_error},
                      {"standard_error", s.standard_error}});
    }
    return list;
  }

  std::string evaluation_text() const {
    std::string text = fmt::format("\n{:<9} {:<8} {:>6} {:>9} {:>6}  {}\n", "model", "subset",
                                   "keep", "examples", "seeds", "test error %");
    for (const auto& s : experiments::summarize(results_)) {
      text += fmt::format("{:<9} {:<8} {:>6.3g} {:>9} {:>6}  {:.2f}{}\n", s.model, s.policy, s.keep,
                          s.n_train, s.seeds, 100.0 * s.test_error,
                          s.seeds > 1 ? fmt::format(" +- {:.2f}", 100.0 * s.standard_error) : "");
    }
    return text;
  }

  void print() const {
    std::string text = knn_.is_null()
                           ? std::string()
                           : knn_text(knn_, enum_name(arguments_.encoder.encoder.kind)) + "\n";
    for (const auto& line : selection::format_audit(selection_.audit)) text += line + "\n";
    if (!results_.empty()) text += evaluation_text();
    text += "\n";
    for (const auto& [stage, time] : seconds_.items()) {
      text += fmt::format("{} {:.1f} s  ", stage, time.get<double>());
    }
    text += fmt::format("\nkept ids: {}\nreport:   {}\n", (folder_ / "keep.npy").string(),
                        (folder_ / "report.html").string());
    session_.print({{"out", folder_.string()},
                    {"n", n_},
                    {"kept", selection_.ids.size()},
                    {"knn", knn_},
                    {"audit", selection::audit_json(selection_.audit)},
                    {"evaluation", evaluation_json()},
                    {"seconds", seconds_}},
                   text);
  }

  Session& session_;
  PruneArguments arguments_;
  fs::path folder_;
  Splits splits_;
  std::optional<io::Embeddings> embeddings_;
  io::Labels labels_;
  std::int64_t n_ = 0;
  Fingerprint fingerprint_;
  std::vector<InputFile> inputs_;
  Matrix<float> rows_;
  Matrix<float> test_rows_;
  Json knn_;
  bool prepared_ = false;
  io::Scores scores_;
  std::optional<cluster::KMeansResult> kmeans_;  ///< of self-prototypes
  selection::Selection selection_;
  std::vector<experiments::CellResult> results_;
  Json seconds_ = Json::object();
};

void bind_evaluation(CLI::App& command, PruneArguments& arguments) {
  command.add_flag("--evaluate", arguments.evaluate,
                   "Train on full, random, hard and easy subsets and compare test errors.");
  command
      .add_option("--evaluate-models", arguments.evaluate_models,
                  "Models to train, a comma list of: linear, mlp, resnet8.")
      ->type_name("LIST")
      ->capture_default_str();
  command
      .add_option("--evaluate-keep", arguments.evaluate_keeps,
                  "Keep fractions to compare, a comma list.")
      ->type_name("LIST")
      ->default_str("--keep and 0.1");
  bind_options(command, arguments.evaluation);
  command
      .add_option("--train-iterations", arguments.training.iterations,
                  "Gradient steps of every training, whatever its subset's size.")
      ->type_name("INTEGER")
      ->default_str("2000 for linear and mlp, --epochs for networks");
  bind_option(command, arguments.training.options.network.epochs,
              {.name = "epochs",
               .help = "Passes over all data that networks train for.",
               .min = 0,
               .min_open = true});
  bind_option(command, arguments.training.options.match, match_info());
}

}  // namespace

void add_prune(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "prune", "Embed, score, select, and report on a dataset in one go.",
      Output::resume, "Run folder to write.",
      "Examples:\n"
      "  winnow prune --data fashion-mnist --keep 0.5 --evaluate --out runs/demo\n"
      "  winnow prune --data images:photos --keep 0.3 --policy easy --out runs/photos\n"
      "  winnow prune --embeddings 'shards/*.npy' --keep 0.8 --clusters 1000 --out runs/mine");
  auto arguments = std::make_shared<PruneArguments>();
  PruneArguments& a = *arguments;
  bind_data(command, a.source, data_help, "Test set, where --data has no test split.");
  command.add_option("--embeddings", a.embeddings, "Your own vectors in place of --data, [n, d].")
      ->type_name("FILE.npy");
  command
      .add_option("--labels", a.labels,
                  "Classes, for balance and audit, where the dataset has none: .npy, CSV or SPEC.")
      ->type_name("FILE|SPEC");
  bind_options(command, a.select);
  command
      .add_option("--keep-count", a.select.keep_count,
                  help_text(selection::SelectOptions::keep_count_info()))
      ->type_name("INTEGER")
      ->excludes(command.get_option("--keep"));
  bind_score_options(command, a.score);
  command.remove_option(command.get_option("--centroids-out"));
  bind_encoder_options(command, a.encoder);
  command
      .add_option(
          "--write", a.formats,
          "Further files of the selection, a comma list of: keys, csv, mask, jsonl, dropped.")
      ->type_name("LIST");
  bind_evaluation(command, a);
  bind_policy_options(command, a.select);
  bind_reading(command, a.source);
  on_run(command, session, [&session, &command, arguments] {
    refuse_foreign_policy_options(command, arguments->select.policy);
    Prune(session, *arguments).run();
  });
}

}  // namespace winnow::cli
