#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/experiments/recorder.hpp"
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

/// Names that `--model` takes: linear, mlp, resnet8, ...
std::vector<std::string> model_names();
/// True for models that train on images through the plug-in, not on embeddings.
/// @throws InvalidArgument for an unknown model, naming the near one.
bool is_network(const std::string& model);

/// Refuses models that this build cannot train, before any work is done.
/// @throws InvalidArgument for an unknown model; NotAvailable for a network without the plug-in.
void require_models(const std::vector<std::string>& models);

/// What trainings learn from and are measured on: views of what the caller keeps. What no model
/// needs may be empty, but for the labels.
struct TrainingData {
  train::LabelledRows rows;       ///< [n, d] embeddings with labels
  train::LabelledRows test_rows;  ///< [n_test, d]
  train::LabelledImages images{};
  train::LabelledImages test_images{};
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
  bool weights = true;              ///< Whether a network leaves its weights.
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
  double seconds = 0.0;       ///< Wall time.
  std::string device;         ///< cpu or cuda
  double core_seconds = 0.0;  ///< Time of all its threads, on a GPU wall time.
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

}  // namespace experiments
}  // namespace winnow
