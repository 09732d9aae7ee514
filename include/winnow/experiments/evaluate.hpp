#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/experiments/planner.hpp"
#include "winnow/experiments/training.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::experiments {

/// One training of an evaluation: a row of its results.
struct Cell {
  std::string model;
  std::string metric;  ///< Whose ranking the policy goes by; "" where there is one only.
  std::string policy;  ///< full, random, hard or easy
  double keep = 1.0;   ///< (0, 1]
  std::uint64_t seed = 0;

  /// "linear-hard-0.5-s3", "linear-el2n-hard-0.5-s3": the name of its folder in `trainings/`.
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
  std::string metric;
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

/// Scores of examples and their classes: what subsets are selected by.
struct RankedData {
  std::span<const double> scores;
  std::span<const std::int32_t> labels;
  std::span<const std::string> class_names;
};

/// The training of a cell, for a Planner; `ranked` must outlive it.
/// @param select  class balance; policy, size and seed come from the cell.
PlannedTraining planned(const Cell& cell, const RankedData& ranked, const TrainingOptions& training,
                        const selection::SelectOptions& select);

/// Trains every planned cell, as Planner::run() does. At the end FOLDER/results.csv holds a row per
/// cell in plan order, and timing.csv their seconds.
///
/// @param scores, labels, class_names  as select() takes them; labels may not be empty.
/// @throws InvalidArgument  bad options, data without labels or test examples.
/// results.csv has the same bytes for any number of threads.
std::vector<CellResult> evaluate(const TrainingData& data, std::span<const double> scores,
                                 std::span<const std::string> class_names,
                                 const Fingerprint& fingerprint, const EvaluationOptions& options,
                                 const std::filesystem::path& folder, bool resume,
                                 Progress& progress = silent());

/// One summary per (model, metric, policy, keep), in the order in which they first appear.
std::vector<CellSummary> summarize(const std::vector<CellResult>& results);

/// Writes `results.csv` and `timing.csv` of a run folder, with a column `metric` where cells have
/// one.
void write_results(const std::filesystem::path& folder, const std::vector<CellResult>& results);

}  // namespace winnow::experiments
