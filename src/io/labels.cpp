#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/label_file.hpp"
#include "io/label_join.hpp"
#include "io/label_table.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

bool is_label_file_name(const fs::path& path) {
  return path.extension() == ".npy" || is_table_name(path);
}

/// Whether `--labels` names a file; else it is a dataset spec.
bool names_a_file(const std::string& text) {
  std::error_code ignored;
  return (is_label_file_name(text) && text.find(':') == std::string::npos) ||
         fs::is_regular_file(text, ignored);
}

void require_label_file_name(const std::string& text) {
  if (is_label_file_name(text)) return;
  throw BadFile(
      fmt::format("{}: expected labels in a file called .npy, .csv, .jsonl or .ndjson", text));
}

LabelTable read_labelled_table(const fs::path& path, const std::string& label_column) {
  LabelTable table = read_label_table(path, label_column);
  if (!table.labels.empty()) return table;
  throw BadFile(
      fmt::format("{}: names in the column '{}' but no labels; expected a column called "
                  "label, or give its name as label-column",
                  table.file, table.name_column));
}

/// Labels in the order of the dataset, by name where the table has names.
Labels index_joined(LabelTable& table, const Dataset& dataset, Progress& progress) {
  const auto rows = join_names(table, dataset, progress);
  std::vector<std::string> values;
  values.reserve(rows.size());
  for (const std::size_t row : rows) values.push_back(std::move(table.labels[row]));
  Labels labels = index_labels(values, dataset.class_names(),
                               [&](std::size_t i) { return table.where(rows[i]); });
  labels.fingerprint = dataset.fingerprint();
  return labels;
}

Labels index_in_order(const LabelTable& table, std::span<const std::string> own) {
  return index_labels(table.labels, own, [&](std::size_t row) { return table.where(row); });
}

Labels read_dataset_labels(const std::string& text, Progress& progress) {
  const auto dataset = open_dataset(DatasetSpec::parse(text), progress);
  if (!dataset->has_labels()) {
    throw InvalidArgument(fmt::format(
        "labels = '{}': this dataset has no labels; add ,labels=FILE to the spec", text));
  }
  return {dataset->labels(), dataset->class_names(), dataset->fingerprint(), dataset->inputs()};
}

/// Class names of the dataset in place of numbers. @throws BadFile naming a row beyond them.
void take_class_names(Labels& labels, const Dataset& dataset, const std::string& file) {
  const auto n_classes = static_cast<std::int64_t>(dataset.class_names().size());
  if (n_classes == 0) return;
  const auto bad = std::find_if(labels.values.begin(), labels.values.end(),
                                [&](std::int32_t value) { return value >= n_classes; });
  if (bad != labels.values.end()) {
    throw BadFile(fmt::format("{}: row {}: label is {}; expected a class index in [0, {}) of {}",
                              file, bad - labels.values.begin(), *bad, n_classes, dataset.name()));
  }
  labels.class_names = dataset.class_names();
}

void require_rows(const Dataset& dataset, const Labels& labels, const std::string& text) {
  const auto n = static_cast<std::int64_t>(labels.values.size());
  if (n == dataset.size()) return;
  const std::size_t n_skipped = dataset.skipped().size();
  throw DatasetMismatch(
      fmt::format("{}: {} labels, but {} has {} examples{}; expected one label for each in the "
                  "dataset's order, "
                  "or a table with a column 'path' that names them",
                  text, n, dataset.name(), dataset.size(),
                  n_skipped > 0 ? fmt::format(" ({} are left out)", n_skipped) : ""));
}

}  // namespace

Labels read_labels(const std::string& text, Progress& progress) {
  if (!names_a_file(text)) return read_dataset_labels(text, progress);
  require_label_file_name(text);
  if (!is_table_name(text)) return read_npy_labels(text);
  const LabelTable table = read_labelled_table(text, "");
  if (!table.names.empty()) {
    throw BadFile(
        fmt::format("{}: its column '{}' names the examples, but without a dataset their order is "
                    "not known; give the labels as --labels SPEC,labels={} with the dataset's "
                    "SPEC, or leave that column out to take them by order",
                    text, table.name_column, text));
  }
  Labels labels = index_in_order(table, {});
  labels.inputs.push_back(table.input);
  return labels;
}

Labels join_labels(const Dataset& dataset, const std::string& text, const std::string& label_column,
                   Progress& progress) {
  Labels labels;
  if (!names_a_file(text)) {
    labels = read_dataset_labels(text, progress);
  } else if (require_label_file_name(text); !is_table_name(text)) {
    labels = read_npy_labels(text);
    require_rows(dataset, labels, text);
    take_class_names(labels, dataset, text);
  } else {
    LabelTable table = read_labelled_table(text, label_column);
    labels = table.names.empty() ? index_in_order(table, dataset.class_names())
                                 : index_joined(table, dataset, progress);
    labels.inputs.push_back(table.input);
  }
  require_rows(dataset, labels, text);
  return labels;
}

}  // namespace winnow::io
