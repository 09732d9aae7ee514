#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/experiments/evaluate.hpp"
#include "winnow/experiments/metric_trainings.hpp"
#include "winnow/metrics/compare.hpp"
#include "winnow/metrics/metric.hpp"

namespace winnow::experiments {

/// Trainings on what metrics keep: every metric, policy, keep fraction and seed.
struct BenchmarkEvaluation {
  std::vector<std::string> models{"mlp"};
  std::vector<metrics::Metric> metrics;  ///< Empty: all of the benchmark.
  std::vector<selection::Policy> policies{selection::Policy::hard};
  std::vector<double> keeps{0.2, 0.4, 0.6, 0.8};  ///< each in (0, 1)
  std::int64_t seeds = 5;
  TrainingOptions training;
  selection::SelectOptions select;  ///< class balance, and what the stratified policy takes

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.seeds, FieldInfo{.name = "seeds", .help = "Trainings of each kind.", .min = 1});
    visit(self.select.class_balance,
          FieldInfo{.name = "class-balance",
                    .help = "Share of every class's fair part that it keeps.",
                    .min = 0,
                    .max = 1});
    selection::StratifiedOptions::fields(self.select.stratified, visit);
    visit(self.training.match, FieldInfo{.name = "match", .help = "Equal steps or equal passes."});
  }
  void validate() const;
};

/// How self-prototypes depend on the number of clusters.
struct ClusterStudy {
  std::vector<std::int64_t> clusters;  ///< Empty: no study.
  std::vector<double> keeps{0.5};      ///< at which the first evaluation's first model is trained
};

/// What run_benchmark() compares.
struct BenchmarkOptions {
  std::vector<metrics::Metric> metrics;
  MetricTrainingOptions scoring;   ///< of metrics of one run
  MetricTrainingOptions subsets;   ///< of memorization and influence
  MetricTrainingOptions ensemble;  ///< of ddd and active-learning
  std::int64_t clusters = 0;       ///< of self-prototypes; 0: the number of classes
  Geometry geometry = Geometry::spherical;
  std::vector<BenchmarkEvaluation> evaluations;
  ClusterStudy cluster_study;
  Seed seed{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.clusters, FieldInfo{.name = "clusters",
                                   .help = "Clusters of self-prototypes; 0: one a class.",
                                   .min = 0});
    visit(self.geometry, FieldInfo{.name = "geometry", .help = "Of the prototypes."});
  }
  /// @throws InvalidArgument naming the field; a metric twice, no metric, no evaluation.
  void validate() const;
  /// Every model that is trained, for require_models().
  std::vector<std::string> models() const;
};

/// Scores of one metric and what they took.
struct BenchmarkScore {
  metrics::Metric metric{};
  std::string name{};                     ///< of the metric; "self-prototypes-k30" of the study
  std::vector<double> values{};           ///< [n]
  std::vector<double> standard_errors{};  ///< [n] or empty
  std::int64_t trainings = 0;
  double core_seconds = 0.0;  ///< of its trainings, as if none were shared, and of scoring itself
  std::vector<std::string> warnings{};
};

/// A cell's mean beside full data and random subsets. Differences are of trainings with the same
/// seed; NaN where there is nothing to compare with, errors of them with one seed.
struct BenchmarkSummary {
  CellSummary cell;
  double over_full = std::numeric_limits<double>::quiet_NaN();
  double over_full_error = std::numeric_limits<double>::quiet_NaN();
  double over_random = std::numeric_limits<double>::quiet_NaN();
  double over_random_error = std::numeric_limits<double>::quiet_NaN();
  /// over_full is at most two standard errors above 0.
  bool matches_full() const { return over_full <= 2.0 * over_full_error; }
};

/// What a metric costs, and what pruning with it saves.
struct BenchmarkCost {
  std::string metric;
  std::string model;  ///< whose trainings repay it
  std::int64_t trainings = 0;
  double core_seconds = 0.0;
  /// Of one training on all data without a log: those of random subsets, by their steps.
  double full_core_seconds = 0.0;
  /// The smallest fraction from which on up to 1 all subsets match full data; 1: none does.
  double keep = 1.0;
  /// Trainings on that fraction, for as many passes as on all data, that save what the metric cost:
  /// core_seconds / ((1 - keep) full_core_seconds); infinite when keep is 1.
  double trainings_to_repay = std::numeric_limits<double>::infinity();
};

/// What run_benchmark() found.
struct BenchmarkResult {
  std::vector<BenchmarkScore> scores;         ///< in the order of the options
  std::vector<BenchmarkScore> cluster_study;  ///< in the order of ClusterStudy::clusters
  std::vector<CellResult> cells;
  std::vector<std::string> children;  ///< folders of all trainings, relative to the run's
};

/// The paper's study: every metric scores the same data, and models are trained on what each keeps,
/// beside all data and random subsets.
///
/// Trainings are planned together (see Planner): metrics share those that they have in common, and
/// full-data references serve both sides. FOLDER/scores/METRIC.npy holds the scores with their
/// sidecars, FOLDER/trainings/ the trainings; with `resume` finished ones are taken over.
///
/// @param data         with rows, of which prototypes are found too, and images for networks.
/// @param class_names  [n_classes]
/// @throws InvalidArgument  bad options, prototypes without rows; as plan_metric(), Planner::run().
/// Same scores and errors for any number of threads.
///
/// Sorscher et al. 2022, arXiv:2206.14486, section 4.
BenchmarkResult run_benchmark(const TrainingData& data, std::span<const std::string> class_names,
                              const Fingerprint& fingerprint, const Fingerprint& test_fingerprint,
                              const BenchmarkOptions& options, const std::filesystem::path& folder,
                              bool resume, Progress& progress = silent());

/// One summary per (model, metric, policy, keep), in the order in which they first appear.
std::vector<BenchmarkSummary> summarize_benchmark(const std::vector<CellResult>& cells);

/// One row per score and model; only the `hard` policy's subsets count.
std::vector<BenchmarkCost> costs_of(const BenchmarkResult& result);

}  // namespace winnow::experiments
