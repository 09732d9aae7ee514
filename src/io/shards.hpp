#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace winnow::io {

/// Files that a glob matches, in natural order. @throws BadFile when none does.
std::vector<std::filesystem::path> matching_files(const std::string& pattern);

}  // namespace winnow::io
