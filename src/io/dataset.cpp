#include "winnow/io/dataset.hpp"

#include <fmt/format.h>

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

std::unique_ptr<Dataset> open_dataset(const DatasetSpec& spec, Progress& progress) {
  if (spec.kind == "npy") return open_npy_dataset(spec);
  if (spec.kind == "images") return open_image_dataset(spec, progress);
  if (spec.kind == "cifar10" || spec.kind == "cifar100" || spec.kind == "svhn") {
    throw InvalidArgument(fmt::format("data = '{}': {} is not read yet", spec.text, spec.kind));
  }
  return open_idx_dataset(spec);
}

std::unique_ptr<Dataset> open_test_split(const DatasetSpec& spec, Progress& progress) {
  if (spec.kind == "npy") return nullptr;
  const bool has_test =
      spec.kind == "images" ? images_have_test_split(spec) : idx_has_test_split(spec);
  if (!has_test) return nullptr;
  return open_dataset(spec.with_split("test"), progress);
}

}  // namespace winnow::io
