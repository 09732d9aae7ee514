#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/run.hpp"

namespace winnow::io {

/// What a CSV or JSONL table says about examples: their names, their labels, or both.
struct LabelTable {
  std::string file;                 ///< the table, for messages
  std::string name_column;          ///< its column of names, "" when there is none
  std::vector<std::string> names;   ///< [n] as written, or empty
  std::vector<std::string> labels;  ///< [n] as written, or empty
  std::vector<std::int64_t> lines;  ///< [n], from 1; where each row stands
  InputFile input;

  /// "y.csv: line 12 (row 10)".
  std::string where(std::size_t row) const;
};

/// Whether the name ends in .csv, .jsonl or .ndjson.
bool is_table_name(const std::filesystem::path& path);

/// Reads a table whose name ends in .csv, .jsonl or .ndjson.
///
/// The names are the column (or key) called path, file, filename, file_name, key or image, the
/// first of these that there is; the labels are the one called `label`; case does not matter.
/// Other columns are passed over. A CSV of one column needs no header: it holds labels.
/// Numbers of JSON are kept as they would stand in CSV.
/// @param label_column  another name of the labels, case and all; "" for `label`
/// @throws BadFile naming the line: a row longer or shorter than the first, a value that is no text
///         or whole number, a missing key; no row; neither names nor labels; no `label_column`.
LabelTable read_label_table(const std::filesystem::path& path, const std::string& label_column);

}  // namespace winnow::io
