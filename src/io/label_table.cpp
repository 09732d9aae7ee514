#include "io/label_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "io/jsonl.hpp"
#include "io/label_file.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/io/csv.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 6> name_titles = {"path",      "file", "filename",
                                                         "file_name", "key",  "image"};
constexpr std::string_view label_title = "label";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return result;
}

/// Positions of the columns of names and of labels among the titles of a table.
struct Columns {
  std::optional<std::size_t> name;
  std::optional<std::size_t> label;
};

std::optional<std::size_t> position(const std::vector<std::string>& titles,
                                    std::string_view title) {
  const auto found = std::find(titles.begin(), titles.end(), title);
  if (found == titles.end()) return {};
  return static_cast<std::size_t>(found - titles.begin());
}

/// @throws BadFile when the column asked for by name is not there, or a title decides and comes
///         twice.
Columns find_columns(const std::vector<std::string>& titles, const std::string& label_column,
                     const std::string& where) {
  std::vector<std::string> lowered;
  lowered.reserve(titles.size());
  for (const auto& title : titles) lowered.push_back(lower(title));
  const auto once = [&](const std::vector<std::string>& among, std::string_view title) {
    const auto found = position(among, title);
    if (found && std::count(among.begin(), among.end(), title) > 1) {
      throw BadFile(fmt::format("{}: two columns are called '{}'", where, title));
    }
    return found;
  };
  Columns columns;
  columns.label = label_column.empty() ? once(lowered, label_title) : once(titles, label_column);
  if (!label_column.empty() && !columns.label) {
    throw BadFile(fmt::format("{}: no column '{}'; its columns are: {}", where, label_column,
                              fmt::join(titles, ", ")));
  }
  for (const std::string_view title : name_titles) {
    columns.name = once(lowered, title);
    if (columns.name && columns.name != columns.label) break;
    columns.name.reset();
  }
  return columns;
}

InputFile hashed(const fs::path& path, std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.add(bytes.data(), bytes.size());
  return {path.string(), hash_text(hasher.digest())};
}

void take_row(LabelTable& table, const Columns& columns, std::vector<std::string>& fields,
              std::int64_t line) {
  if (columns.name) table.names.push_back(std::move(fields[*columns.name]));
  if (columns.label) table.labels.push_back(std::move(fields[*columns.label]));
  table.lines.push_back(line);
}

/// One column under another title than `label`: a text above numbers.
void drop_title(LabelTable& table) {
  auto& values = table.labels;
  if (values.size() < 2 || values[0].empty() || label_kind(values[0]) != LabelKind::text ||
      label_kind(values[1]) == LabelKind::text) {
    return;
  }
  values.erase(values.begin());
  table.lines.erase(table.lines.begin());
}

LabelTable read_csv_table(const fs::path& path, const std::string& label_column) {
  CsvReader reader(path);
  LabelTable table;
  table.file = path.string();
  std::vector<std::string> fields;
  reader.next(fields);
  const std::size_t width = fields.size();
  Columns columns = find_columns(fields, label_column, reader.where());
  const bool titled = columns.name || columns.label;
  if (!titled && width > 1) {
    throw BadFile(fmt::format("{}: {} columns; expected one, or one called '{}' in the header",
                              path.string(), width, label_title));
  }
  if (titled && columns.name) table.name_column = fields[*columns.name];
  if (!titled) {
    columns.label = 0;
    take_row(table, columns, fields, reader.line());
  }
  while (reader.next(fields)) {
    if (fields.size() != width) {
      throw BadFile(fmt::format("{} (row {}): {} fields; expected {} as in the first line",
                                reader.where(), table.lines.size(), fields.size(), width));
    }
    take_row(table, columns, fields, reader.line());
  }
  if (!titled) drop_title(table);
  table.input = hashed(path, reader.file_bytes());
  return table;
}

/// The value of one key as it would stand in CSV.
template <class Where>
std::string text_of(const Json& object, const std::string& key, const Where& where) {
  const auto found = object.find(key);
  if (found == object.end()) {
    throw BadFile(fmt::format("{}: no \"{}\", which the first line has", where(), key));
  }
  if (found->is_string()) return found->template get<std::string>();
  if (found->is_number()) return found->dump();
  throw BadFile(fmt::format("{}: \"{}\" is {}; expected a text or a whole number", where(), key,
                            found->is_structured() ? found->type_name() : found->dump()));
}

/// Which keys of the first object are the name and the label.
Columns find_keys(const Json& first, const std::string& label_column, const std::string& where,
                  std::vector<std::string>& keys) {
  for (const auto& [key, value] : first.items()) keys.push_back(key);
  const Columns columns = find_columns(keys, label_column, where);
  if (columns.name || columns.label) return columns;
  throw BadFile(
      fmt::format("{}: no \"{}\"; its keys are: {}", where, label_title, fmt::join(keys, ", ")));
}

LabelTable read_jsonl_table(const fs::path& path, const std::string& label_column) {
  JsonlReader reader(path);
  LabelTable table;
  table.file = path.string();
  Columns columns;
  std::vector<std::string> keys;
  Json object;
  while (reader.next(object)) {
    const auto where = [&] {
      return fmt::format("{} (row {})", reader.where(), table.lines.size());
    };
    if (table.lines.empty()) columns = find_keys(object, label_column, where(), keys);
    if (columns.name) table.names.push_back(text_of(object, keys[*columns.name], where));
    if (columns.label) {
      table.labels.push_back(text_of(object, keys[*columns.label], where));
    } else if (object.contains(label_title)) {
      throw BadFile(fmt::format("{}: \"{}\", which the first line has not", where(), label_title));
    }
    table.lines.push_back(reader.line());
  }
  if (columns.name) table.name_column = keys[*columns.name];
  table.input = hashed(path, reader.file_bytes());
  return table;
}

}  // namespace

std::string LabelTable::where(std::size_t row) const {
  return fmt::format("{}: line {} (row {})", file, lines[row], row);
}

bool is_table_name(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".csv" || extension == ".jsonl" || extension == ".ndjson";
}

LabelTable read_label_table(const fs::path& path, const std::string& label_column) {
  LabelTable table = path.extension() == ".csv" ? read_csv_table(path, label_column)
                                                : read_jsonl_table(path, label_column);
  if (table.lines.empty()) {
    throw BadFile(fmt::format("{}: no labels or paths in it", path.string()));
  }
  return table;
}

}  // namespace winnow::io
