#pragma once

#include <memory>

#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// One constructor per kind of dataset; what they throw is said at open_dataset().
std::unique_ptr<Dataset> open_idx_dataset(const DatasetSpec& spec);
std::unique_ptr<Dataset> open_cifar_dataset(const DatasetSpec& spec);
std::unique_ptr<Dataset> open_svhn_dataset(const DatasetSpec& spec, Progress& progress);
std::unique_ptr<Dataset> open_npy_dataset(const DatasetSpec& spec);
std::unique_ptr<Dataset> open_image_dataset(const DatasetSpec& spec, Progress& progress);

/// Whether the files of the `test` split are there.
bool idx_has_test_split(const DatasetSpec& spec);
bool cifar_has_test_split(const DatasetSpec& spec);
bool svhn_has_test_split(const DatasetSpec& spec);
bool images_have_test_split(const DatasetSpec& spec);

/// @throws InvalidArgument unless ids lie in [0, dataset.size()) and `out` holds ids.size() rows.
void check_request(const Dataset& dataset, std::span<const std::int64_t> ids, std::size_t out_size,
                   std::int64_t row_size);

}  // namespace winnow::io
