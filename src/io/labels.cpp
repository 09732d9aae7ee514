#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include "io/label_file.hpp"
#include "io/sidecar.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/io/csv.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t max_classes = 1'000'000;
constexpr const char* label_column = "label";

/// What a CSV field says: a whole number, some other number, or a text.
enum class FieldKind { integer, other_number, text };

FieldKind kind_of(const std::string& field) {
  std::int64_t integer = 0;
  const char* end = field.data() + field.size();
  const auto parsed = std::from_chars(field.data(), end, integer);
  if (parsed.ptr == end && parsed.ec != std::errc::invalid_argument) return FieldKind::integer;
  char* stop = nullptr;
  std::strtod(field.c_str(), &stop);
  return stop == end && !field.empty() ? FieldKind::other_number : FieldKind::text;
}

std::vector<std::string> numbered_classes(std::span<const std::int32_t> values) {
  const std::int32_t last = *std::max_element(values.begin(), values.end());
  std::vector<std::string> names;
  for (std::int32_t i = 0; i <= last; ++i) names.push_back(std::to_string(i));
  return names;
}

[[noreturn]] void throw_bad_label(const std::string& where, const std::string& found) {
  throw BadFile(
      fmt::format("{}: label is {}; expected a class index in [0, {})", where, found, max_classes));
}

Labels read_npy_labels(const fs::path& path) {
  const NpyFile file(path);
  const std::vector<std::int64_t> values = read_vector_i64(file);
  if (values.empty()) throw BadFile(fmt::format("{}: no labels in it", path.string()));
  Labels labels;
  labels.values.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= max_classes) {
      throw_bad_label(fmt::format("{}: row {}", path.string(), i), std::to_string(values[i]));
    }
    labels.values.push_back(static_cast<std::int32_t>(values[i]));
  }
  labels.class_names = numbered_classes(labels.values);
  labels.fingerprint = load_sidecar(path).fingerprint;
  labels.inputs.push_back(hashed_input(file));
  return labels;
}

/// The label column of a CSV file, and on which line each of its values stands.
struct LabelColumn {
  InputFile input;
  std::vector<std::string> values;
  std::vector<std::int64_t> lines;

  std::string where(const fs::path& path, std::size_t row) const {
    return fmt::format("{}: line {} (row {})", path.string(), lines[row], row);
  }
};

LabelColumn read_label_column(const fs::path& path) {
  CsvReader reader(path);
  LabelColumn column;
  std::vector<std::string> fields;
  reader.next(fields);
  const std::size_t width = fields.size();
  const auto named = std::find(fields.begin(), fields.end(), label_column);
  const bool titled = named != fields.end();
  if (!titled && width > 1) {
    throw BadFile(fmt::format("{}: {} columns; expected one, or one called '{}' in the header",
                              path.string(), width, label_column));
  }
  const std::size_t index = titled ? named - fields.begin() : 0;
  if (!titled) {
    column.values.push_back(fields[0]);
    column.lines.push_back(reader.line());
  }
  while (reader.next(fields)) {
    if (fields.size() != width) {
      throw BadFile(fmt::format("{} (row {}): {} fields; expected {} as in the first line",
                                reader.where(), column.values.size(), fields.size(), width));
    }
    column.values.push_back(std::move(fields[index]));
    column.lines.push_back(reader.line());
  }
  // One column under another title: a text above numbers.
  if (!titled && column.values.size() > 1 && kind_of(column.values[0]) == FieldKind::text &&
      !column.values[0].empty() && kind_of(column.values[1]) != FieldKind::text) {
    column.values.erase(column.values.begin());
    column.lines.erase(column.lines.begin());
  }
  if (column.values.empty()) throw BadFile(fmt::format("{}: no labels in it", path.string()));
  Hasher hasher;
  hasher.add(reader.file_bytes().data(), reader.file_bytes().size());
  column.input = {path.string(), hash_text(hasher.digest())};
  return column;
}

void parse_integers(const LabelColumn& column, const fs::path& path, Labels& labels) {
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    const std::string& field = column.values[i];
    std::int64_t value = -1;
    const auto parsed = std::from_chars(field.data(), field.data() + field.size(), value);
    if (kind_of(field) != FieldKind::integer || parsed.ec != std::errc{} || value < 0 ||
        value >= max_classes) {
      throw_bad_label(column.where(path, i), fmt::format("'{}'", field));
    }
    labels.values.push_back(static_cast<std::int32_t>(value));
  }
  labels.class_names = numbered_classes(labels.values);
}

void index_texts(const LabelColumn& column, const fs::path& path, Labels& labels) {
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    if (column.values[i].empty()) throw_bad_label(column.where(path, i), "empty");
    if (kind_of(column.values[i]) == FieldKind::text) continue;
    throw BadFile(
        fmt::format("{}: label is the number '{}' after texts such as '{}'; expected all "
                    "texts or all integers",
                    column.where(path, i), column.values[i], column.values[0]));
  }
  auto& names = labels.class_names;
  names = column.values;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const auto& value : column.values) {
    const auto found = std::lower_bound(names.begin(), names.end(), value);
    labels.values.push_back(static_cast<std::int32_t>(found - names.begin()));
  }
}

Labels read_csv_labels(const fs::path& path) {
  const LabelColumn column = read_label_column(path);
  Labels labels;
  if (kind_of(column.values[0]) == FieldKind::text) {
    index_texts(column, path, labels);
  } else {
    parse_integers(column, path, labels);
  }
  labels.inputs.push_back(column.input);
  return labels;
}

Labels read_dataset_labels(const std::string& text, Progress& progress) {
  const auto dataset = open_dataset(DatasetSpec::parse(text), progress);
  if (!dataset->has_labels()) {
    throw InvalidArgument(fmt::format(
        "labels = '{}': this dataset has no labels; add ,labels=FILE to the spec", text));
  }
  return {dataset->labels(), dataset->class_names(), dataset->fingerprint(), dataset->inputs()};
}

}  // namespace

Labels read_label_file(const fs::path& path) {
  const std::string name = path.string();
  if (name.ends_with(".npy")) return read_npy_labels(path);
  if (name.ends_with(".csv")) return read_csv_labels(path);
  throw BadFile(fmt::format("{}: expected labels in a file called .npy or .csv", name));
}

Labels read_labels(const std::string& text, Progress& progress) {
  std::error_code ignored;
  const bool named_as_file =
      (text.ends_with(".npy") || text.ends_with(".csv")) && text.find(':') == std::string::npos;
  if (named_as_file || fs::is_regular_file(text, ignored)) return read_label_file(text);
  return read_dataset_labels(text, progress);
}

}  // namespace winnow::io
