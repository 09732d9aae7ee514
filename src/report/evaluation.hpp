#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace winnow::report {

/// One line of results.csv. Errors are shares in [0, 1].
struct Training {
  std::string model;
  std::string policy;
  double keep = 1.0;
  std::string seed;
  std::int64_t n_train = 0;
  std::optional<std::int64_t> iterations;
  double test_error = 0.0;
  std::optional<double> train_error;
};

/// Columns model, policy, keep and test_error must be there; other columns may, in any order.
/// @throws BadFile naming row and column of what is not a share or a number, or a missing column.
std::vector<Training> read_trainings(const std::filesystem::path& path);

/// The same model, keep fraction and policy over all seeds.
struct Cell {
  std::string model;
  std::string policy;
  double keep = 1.0;
  std::int64_t n_train = 0;
  std::vector<double> test_errors;
  double mean = 0.0;
  double standard_error = 0.0;  ///< Of the mean; NaN with a single seed.
  double train_mean = 0.0;      ///< NaN when not recorded.
};

/// Cells in order: model as it first appears, keep fraction from large to small, policy as it first
/// appears.
std::vector<Cell> summarise(const std::vector<Training>& trainings);

/// Models in order of appearance.
std::vector<std::string> model_names(const std::vector<Cell>& cells);

/// What one model and keep fraction say in words.
struct Verdict {
  std::string brief;  ///< "at 50 %, hard beats random by 0.21 points"
  std::string
      full;  ///< Sentences: who won with what error, how random did, whether the gap exceeds
             ///< two standard errors of the difference, and the cost against all data.
};

/// One verdict a keep fraction, from large to small.
std::vector<Verdict> verdicts(const std::vector<Cell>& cells, const std::string& model);

}  // namespace winnow::report
