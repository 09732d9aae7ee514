#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "report/evaluation.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::report {

/// How many examples of one class there were and stayed.
struct ClassCount {
  std::string name;
  std::int64_t before = 0;
  std::int64_t kept = 0;
  std::optional<std::int64_t> kept_without_balance = {};

  double kept_fraction() const {
    return before > 0 ? static_cast<double>(kept) / static_cast<double>(before) : 0.0;
  }
};

/// What a run folder holds; whatever it does not have is empty. n = examples.
struct RunData {
  std::filesystem::path folder;
  RunInfo info;
  std::string winnow_version;  ///< That wrote the run.

  std::unique_ptr<io::Dataset> dataset;  ///< Null when there is none or it cannot be opened.
  std::vector<std::int32_t> labels;      ///< [n] or empty; from the dataset or a labels file.
  std::vector<std::string> class_names;
  std::vector<double> scores;            ///< [n]
  Json score_meta;                       ///< Sidecar, null when absent.
  std::vector<std::int64_t> assignment;  ///< [n] nearest cluster
  std::optional<io::Subset> keep;
  Json keep_meta;
  std::vector<ClassCount> classes;  ///< From the audit, else counted from labels.
  std::vector<Training> trainings;
  Fingerprint fingerprint;
  std::vector<std::string> warnings;

  /// n, from the first of scores, labels, selection that knows it; 0 when none does.
  std::int64_t n_examples() const;
  std::int64_t n_kept() const { return keep ? static_cast<std::int64_t>(keep->ids.size()) : 0; }
  /// [n] 1 where kept; empty without a selection.
  std::vector<std::uint8_t> kept_mask() const;
  /// Score at the selection's border; nothing for policies without one.
  std::optional<double> cut() const;
  /// Option of the command, else of the sidecars, as text; "" when nobody names it.
  std::string setting(const std::string& name) const;
  /// Short name for headings: the dataset, else the folder.
  std::string title() const;
};

/// Value at `name` of an object; null when absent or not an object.
Json json_member(const Json& object, const std::string& name);
/// Text of a JSON value: strings bare, null as "", the rest dumped.
std::string json_text(const Json& value);
/// Number at `name` of an object; nothing when absent or not a number.
std::optional<double> json_number(const Json& object, const std::string& name);

/// Reads what is there. `data`: the dataset's spec where it moved, or "".
/// @throws BadFile, DatasetMismatch as write_report() says.
RunData load_run(const std::filesystem::path& folder, const std::string& data, Progress& progress);

}  // namespace winnow::report
