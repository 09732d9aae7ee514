#include "io/manifest.hpp"

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>

#include "io/label_file.hpp"
#include "io/label_table.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

void check_paths(const Manifest& manifest) {
  std::unordered_map<std::string_view, std::size_t> first;
  first.reserve(manifest.paths.size());
  for (std::size_t i = 0; i < manifest.paths.size(); ++i) {
    const std::string& path = manifest.paths[i];
    if (path.empty()) throw BadFile(fmt::format("{}: the path is empty", manifest.where(i)));
    const auto [found, is_new] = first.emplace(path, i);
    if (is_new) continue;
    throw BadFile(fmt::format("{}: '{}' again, which line {} has already; name each file once",
                              manifest.where(i), path, manifest.lines[found->second]));
  }
}

}  // namespace

std::string Manifest::where(std::size_t row) const {
  return fmt::format("{}: line {} (row {})", file, lines[row], row);
}

Manifest read_manifest(const fs::path& path, const std::string& label_column) {
  if (!is_table_name(path)) {
    throw BadFile(fmt::format("{}: expected a list of files called .csv or .jsonl", path.string()));
  }
  LabelTable table = read_label_table(path, label_column);
  if (table.names.empty()) {
    throw BadFile(fmt::format(
        "{}: no column of paths; expected one called path (or file, filename, file_name, key, "
        "image) in the header",
        path.string()));
  }
  for (auto& name : table.names) {
    if (name.starts_with("./")) name.erase(0, 2);
  }
  Manifest manifest{table.file, std::move(table.names), std::move(table.labels),
                    std::move(table.lines), std::move(table.input)};
  check_paths(manifest);
  return manifest;
}

Labels manifest_labels(const Manifest& manifest) {
  if (manifest.labels.empty()) return {};
  return index_labels(manifest.labels, {}, [&](std::size_t row) { return manifest.where(row); });
}

}  // namespace winnow::io
