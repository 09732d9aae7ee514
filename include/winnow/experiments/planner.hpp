#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/experiments/training.hpp"

namespace winnow::experiments {

/// A training that somebody needs.
struct PlannedTraining {
  std::string id;  ///< Name of its folder in `trainings/`; a second of that name becomes ID-2.
  std::string model;
  Seed seed{};
  TrainingOptions options{};
  Json subset;                                      ///< Equal descriptions, equal subsets.
  std::int64_t size = 0;                            ///< Examples of the subset ...
  std::function<std::vector<std::int64_t>()> draw;  ///< ... and their ids, asked for when needed.
  LogOptions log{};
};

/// Many trainings on the same data: each is done once, whoever asked for it, and left on disk.
///
/// add() what is needed, then run(); and again, if more is needed then. Two trainings are the same
/// when model, seed, options and subset are; the one that is done then logs what both asked for.
/// Only gradient norms of networks are logged by a training of their own, for they cost as much as
/// the training.
class Planner {
 public:
  /// @param data  must live as long, with its labels.
  /// @throws InvalidArgument for data without labels or without test examples.
  Planner(const TrainingData& data, const Fingerprint& fingerprint,
          const Fingerprint& test_fingerprint);

  /// @returns where outcome() and folder() find it.
  /// @throws InvalidArgument for an unknown model, or bad log options.
  std::size_t add(PlannedTraining training);

  std::size_t size() const { return trainings_.size(); }

  /// Does all trainings that are not done: linear and mlp side by side on a thread each; networks
  /// likewise when there are as many as threads, else one after the other on all of them.
  ///
  /// Each finished training leaves FOLDER/trainings/ID/ with run.json, its log and, of a network,
  /// curves.csv. With `resume`, one found there that is the same, of the same data, and has the log
  /// wanted is read instead of repeated, and an interrupted network goes on from its last pass.
  /// Same bits for any number of threads, but for the seconds.
  void run(const std::filesystem::path& folder, bool resume, Progress& progress = silent());

  /// After run(). What was read back has neither test_correct nor files.
  const TrainingOutcome& outcome(std::size_t training) const { return outcomes_.at(training); }
  /// After run().
  std::filesystem::path folder(std::size_t training) const;

 private:
  Json specification(const PlannedTraining& training) const;
  bool read_back(std::size_t training);
  void train(std::size_t training, bool resume, Progress& progress);
  void write(std::size_t training) const;
  void run_learners(const std::vector<std::size_t>& learners, Progress& progress);
  void run_networks(const std::vector<std::size_t>& networks, bool resume, Progress& progress);

  const TrainingData& data_;
  Fingerprint fingerprint_;
  Fingerprint test_fingerprint_;
  std::string data_hash_;
  std::filesystem::path folder_;
  std::vector<PlannedTraining> trainings_;
  std::unordered_map<std::string, std::size_t> known_;  ///< by specification
  std::unordered_set<std::string> ids_;
  std::vector<TrainingOutcome> outcomes_;
  std::vector<bool> done_;
};

/// A training on all n examples, without a log.
PlannedTraining full_training(const std::string& model, Seed seed, std::int64_t n,
                              const TrainingOptions& options);

}  // namespace winnow::experiments
