#include "winnow/io/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/datasets.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

void Dataset::read_vectors(std::span<const std::int64_t> /*ids*/, std::span<float> /*out*/) const {
  throw InvalidArgument(fmt::format("{}: holds images; expected a dataset of vectors", name_));
}

void Dataset::seal() {
  if (size() == 0) throw BadFile(fmt::format("{}: the dataset is empty", name_));
  Hasher hasher;
  for (std::int64_t id = 0; id < size(); ++id) {
    hasher.add(key(id));
    hasher.add_value('\0');
    hasher.add_value(has_labels() ? labels_[static_cast<std::size_t>(id)] : std::int32_t{-1});
  }
  // Neither the whole dataset's fingerprint nor that of one which never had these examples.
  for (const SkippedExample& example : skipped_) {
    hasher.add("skipped");
    hasher.add_value('\0');
    hasher.add(example.key);
    hasher.add_value('\0');
  }
  fingerprint_ = Fingerprint(hasher.digest());
}

void check_request(const Dataset& dataset, std::span<const std::int64_t> ids, std::size_t out_size,
                   std::int64_t row_size) {
  for (const std::int64_t id : ids) {
    if (id >= 0 && id < dataset.size()) continue;
    throw InvalidArgument(
        fmt::format("{}: sample id {}; expected [0, {})", dataset.name(), id, dataset.size()));
  }
  const auto expected = static_cast<std::int64_t>(ids.size()) * row_size;
  if (static_cast<std::int64_t>(out_size) != expected) {
    throw InvalidArgument(fmt::format("{}: room for {} values; expected {} for {} examples",
                                      dataset.name(), out_size, expected, ids.size()));
  }
}

void Dataset::relabel(Labels labels) {
  require_same_length(size(), name_, static_cast<std::int64_t>(labels.values.size()), "the labels");
  labels_ = std::move(labels.values);
  class_names_ = std::move(labels.class_names);
  inputs_.insert(inputs_.end(), labels.inputs.begin(), labels.inputs.end());
  seal();
}

void align_classes(Dataset& dataset, const Dataset& reference) {
  const auto& names = reference.class_names();
  if (dataset.class_names() == names) return;
  std::vector<std::int32_t> index;
  for (const auto& name : dataset.class_names()) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw DatasetMismatch(
          fmt::format("{} has the class '{}', which {} has not; a test set needs the classes of "
                      "the training set",
                      dataset.name(), name, reference.name()));
    }
    index.push_back(static_cast<std::int32_t>(found - names.begin()));
  }
  Labels labels{dataset.labels(), names, {}, {}};
  for (auto& label : labels.values) label = index[static_cast<std::size_t>(label)];
  dataset.relabel(std::move(labels));
}

namespace {

bool is_cifar(const DatasetSpec& spec) { return spec.kind.starts_with("cifar"); }

std::unique_ptr<Dataset> open_kind(const DatasetSpec& spec, Progress& progress) {
  if (spec.kind == "npy") return open_npy_dataset(spec);
  if (spec.kind == "images") return open_image_dataset(spec, progress);
  if (spec.kind == "svhn") return open_svhn_dataset(spec, progress);
  if (is_cifar(spec)) return open_cifar_dataset(spec);
  return open_idx_dataset(spec);
}

bool has_test_split(const DatasetSpec& spec) {
  if (spec.kind == "npy") return false;
  if (spec.kind == "images") return images_have_test_split(spec);
  if (spec.kind == "svhn") return svhn_has_test_split(spec);
  if (is_cifar(spec)) return cifar_has_test_split(spec);
  return idx_has_test_split(spec);
}

}  // namespace

std::unique_ptr<Dataset> open_dataset(const DatasetSpec& spec, Progress& progress) {
  auto dataset = open_kind(spec, progress);
  if (!spec.labels.empty()) {
    dataset->relabel(join_labels(*dataset, spec.labels, spec.label_column, progress));
  }
  return dataset;
}

std::unique_ptr<Dataset> open_test_split(const DatasetSpec& spec, Progress& progress) {
  if (!has_test_split(spec)) return nullptr;
  return open_dataset(spec.without_labels().with_split("test"), progress);
}

}  // namespace winnow::io
