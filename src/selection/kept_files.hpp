#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/selection/export.hpp"

namespace winnow::selection {

/// Checks that the files of `ids` can be written: the dataset has images (and for links files of
/// its own), every key is a safe relative path, and no two are the same.
/// @throws InvalidArgument, BadFile.
void check_kept_files(const io::Dataset* dataset, std::span<const std::int64_t> ids, FileMode mode);

/// Writes FOLDER/files/ (only for a folder that is not visible yet) or FOLDER/kept.tar; the checks
/// have passed.
void write_kept_files(const std::filesystem::path& folder, const io::Dataset& dataset,
                      std::span<const std::int64_t> ids, FileMode mode, Progress& progress);

}  // namespace winnow::selection
