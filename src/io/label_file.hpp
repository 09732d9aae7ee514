#pragma once

#include <filesystem>

#include "winnow/io/arrays.hpp"

namespace winnow::io {

/// Labels from a `.npy` or `.csv` file, as read_labels() describes.
Labels read_label_file(const std::filesystem::path& path);

}  // namespace winnow::io
