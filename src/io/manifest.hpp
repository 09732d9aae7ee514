#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "winnow/io/arrays.hpp"

namespace winnow::io {

/// A list of files and maybe their labels, as they are written in a CSV or JSONL table.
struct Manifest {
  std::string file;                 ///< the table, for messages
  std::vector<std::string> paths;   ///< [n] in the table's order, none empty, each once
  std::vector<std::string> labels;  ///< [n], or empty when the table has no labels
  std::vector<std::int64_t> lines;  ///< [n], from 1; where each path stands
  InputFile input;                  ///< with its XXH3 hash

  /// "train.csv: line 12 (row 10)", for messages about one path.
  std::string where(std::size_t row) const;
};

/// Reads `path,label` from a table whose name ends in .csv (with a header), .jsonl or .ndjson.
///
/// Columns are found by name as read_label_table() says: path, file, filename, file_name, key or
/// image; `label` or `label_column`, which may be missing. Others are passed over. A leading `./`
/// is taken off the paths; nothing else is done to them.
/// @throws BadFile also when a path is empty or comes twice, naming both lines.
Manifest read_manifest(const std::filesystem::path& path, const std::string& label_column = "");

/// Class indices of a manifest's labels: whole numbers as they are, texts in byte order.
/// @throws BadFile naming the line of a label that is empty, or a number among texts.
Labels manifest_labels(const Manifest& manifest);

}  // namespace winnow::io
