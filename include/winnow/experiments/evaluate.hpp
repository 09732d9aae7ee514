#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/experiments/recorder.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/selection/select.hpp"
#include "winnow/train/learner.hpp"
#include "winnow/train/network.hpp"

namespace winnow {
namespace experiments {

/// What subsets of different size have in common: gradient steps, or passes over their own data.
enum class Match { iterations, epochs };

}  // namespace experiments

template <>
struct EnumNames<experiments::Match> {
  static constexpr EnumName<experiments::Match> values[] = {
      {experiments::Match::iterations, "iterations"}, {experiments::Match::epochs, "epochs"}};
};

namespace experiments {

/// Names that `--model` takes: linear, mlp, resnet8.
std::vector<std::string> model_names();
/// True for models that train on images through the plug-in, not on embeddings.
/// @throws InvalidArgument for an unknown model, naming the near one.
bool is_network(const std::string& model);

/// Refuses models that this build cannot train, before any work is done.
/// @throws InvalidArgument for an unknown model; NotAvailable for a network without the plug-in.
void require_models(const std::vector<std::string>& models);

/// What trainings learn from and are measured on. Pointers may be null where no model needs them.
struct TrainingData {
  train::LabelledRows rows;       ///< [n, d] embeddings with labels
  train::LabelledRows test_rows;  ///< [n_test, d]
  const io::Dataset* images = nullptr;
  const io::Dataset* test_images = nullptr;
  std::int64_t size() const { return static_cast<std::int64_t>(rows.labels.size()); }
};

/// Options of every kind of model, and how steps depend on the subset.
struct TrainingOptions {
  train::LearnerOptions learner;
  train::NetworkOptions network;
  Match match = Match::iterations;
};

/// What a training starts from, and what it leaves besides its outcome.
struct TrainingFolder {
  std::filesystem::path folder{};   ///< Of curves.csv, model.safetensors, dynamics/; "": nothing
  std::filesystem::path initial{};  ///< Weights that a network starts from; "": random ones
  std::filesystem::path teacher{};  ///< Weights of a teacher network, or a run with them; "": none
  bool resume = false;              ///< Go on from the checkpoint in `folder`, if there is one.
  LogOptions log{};
  Fingerprint fingerprint{};       ///< Of the training set ...
  Fingerprint test_fingerprint{};  ///< ... and the test set, for the log.
};

/// The file in a training's folder that --resume goes on from; of no use once the run is written.
std::filesystem::path checkpoint_of(const std::filesystem::path& folder);

/// What one training gave.
struct TrainingOutcome {
  std::int64_t n_train = 0;
  std::int64_t iterations = 0;
  double epochs_seen = 0.0;
  double test_error = 0.0;   ///< [0, 1]
  double train_error = 0.0;  ///< [0, 1]; NaN for networks, which do not measure it
  double gradient_norm = 0.0;
  std::vector<double> train_loss;          ///< of networks, by pass
  std::vector<std::uint8_t> test_correct;  ///< [n_test]
  std::vector<std::string> files;          ///< written into the training's folder
  std::vector<std::string> warnings;
  double seconds = 0.0;
};

/// Gradient steps of a network on a subset: those that all n examples would take, or with
/// Match::epochs their share.
std::int64_t network_steps(const TrainingOptions& options, std::int64_t subset, std::int64_t n);

/// Trains one model on one subset.
///
/// A folder gets curves.csv, a row a pass; with a log also dynamics/; of a network also
/// model.safetensors, and a checkpoint after every pass, which is the caller's to remove.
/// With Match::epochs the steps shrink with the subset: iterations |subset| / n, at least 1.
/// @throws InvalidArgument  see train_learner() and NetworkTrainer::train(); a network without
///                          images. NotAvailable: a network without the plug-in.
TrainingOutcome train_model(const std::string& model, const TrainingData& data,
                            std::span<const std::int64_t> subset, const TrainingOptions& options,
                            Seed seed, const TrainingFolder& folder = {},
                            Progress& progress = silent());

/// One planned training of an evaluation.
struct Cell {
  std::string model;
  std::string policy;  ///< full, random, hard or easy
  double keep = 1.0;   ///< (0, 1]
  std::uint64_t seed = 0;

  /// "linear-hard-0.5-s3": the name of its folder in `trainings/`.
  std::string id() const;
};

/// A cell that was trained.
struct CellResult {
  Cell cell;
  TrainingOutcome outcome;
};

/// How evaluate() compares policies.
struct EvaluationOptions {
  std::vector<std::string> models{"linear", "mlp"};
  std::vector<double> keeps{0.5, 0.1};  ///< each in (0, 1]
  std::int64_t seeds = 10;              ///< trainings of a cheap learner per cell
  std::int64_t network_seeds = 1;       ///< trainings of a network per cell
  TrainingOptions training;
  selection::SelectOptions select;  ///< class balance and seed; policy and size come from the cell
  Seed seed{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.seeds,
          FieldInfo{
              .name = "evaluate-seeds", .help = "Trainings of linear and mlp per cell.", .min = 1});
    visit(self.network_seeds,
          FieldInfo{.name = "network-seeds", .help = "Trainings of a network per cell.", .min = 1});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

/// Mean and standard error of one cell over its seeds.
struct CellSummary {
  std::string model;
  std::string policy;
  double keep = 1.0;
  std::int64_t n_train = 0;
  std::int64_t seeds = 0;
  double test_error = 0.0;      ///< mean
  double standard_error = 0.0;  ///< of the mean; NaN with one seed
};

/// Cells in the order of models, then full, then by keep fraction: random, hard, easy; then seeds.
/// Networks cost minutes, so they train one pair: random and hard at the first keep fraction.
std::vector<Cell> plan(const EvaluationOptions& options);

/// Trains every planned cell, as many at a time as there are threads.
///
/// Each finished training leaves FOLDER/trainings/ID/run.json; with `resume`, one whose options,
/// data and fingerprint agree is read instead of repeated. At the end FOLDER/results.csv holds a
/// row per cell in plan order, and timing.csv their seconds.
///
/// @param scores, labels, class_names  as select() takes them; labels may not be empty.
/// @throws InvalidArgument  bad options, data without labels or test examples.
/// results.csv has the same bytes for any number of threads.
std::vector<CellResult> evaluate(const TrainingData& data, std::span<const double> scores,
                                 std::span<const std::string> class_names,
                                 const Fingerprint& fingerprint, const EvaluationOptions& options,
                                 const std::filesystem::path& folder, bool resume,
                                 Progress& progress = silent());

/// One summary per (model, policy, keep), in the order in which they first appear.
std::vector<CellSummary> summarize(const std::vector<CellResult>& results);

/// Writes `results.csv` and `timing.csv` of a run folder.
void write_results(const std::filesystem::path& folder, const std::vector<CellResult>& results);

}  // namespace experiments
}  // namespace winnow
