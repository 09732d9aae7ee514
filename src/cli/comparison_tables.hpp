#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "winnow/core/run.hpp"
#include "winnow/metrics/compare.hpp"

// What metrics::compare() found, as `compare` and `benchmark` show and write it.

namespace winnow::cli {

/// What was compared.
struct Compared {
  std::vector<std::string> names;
  std::int64_t n = 0;
  std::vector<double> keep;              ///< ascending
  std::vector<std::int64_t> kept;        ///< examples at each
  std::vector<std::string> class_names;  ///< empty without labels
};

/// One matrix for the terminal.
std::string spearman_text(const metrics::Comparison& found, const Compared& compared);

/// All tables for the terminal.
std::string comparison_text(const metrics::Comparison& found, const Compared& compared);

Json comparison_json(const metrics::Comparison& found, const Compared& compared);

/// Writes spearman.csv, kendall.csv, overlap.csv and, with labels, balance.csv.
/// @returns their names.
std::vector<std::string> write_comparison(const std::filesystem::path& folder,
                                          const metrics::Comparison& found,
                                          const Compared& compared);

}  // namespace winnow::cli
