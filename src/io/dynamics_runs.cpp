#include <fmt/format.h>

#include <algorithm>

#include "io/shards.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/dynamics.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> matching_folders(const std::string& pattern) {
  std::vector<fs::path> paths = matching_files(pattern);
  std::erase_if(paths, [](const fs::path& path) {
    std::error_code ignored;
    return !fs::is_directory(path, ignored);
  });
  if (paths.empty()) throw BadFile(fmt::format("{}: matches files, but no folder", pattern));
  return paths;
}

void append_run(const std::string& item, std::vector<fs::path>& runs) {
  std::error_code ignored;
  if (!fs::exists(item, ignored) && item.find_first_of("*?[") != std::string::npos) {
    const auto found = matching_folders(item);
    runs.insert(runs.end(), found.begin(), found.end());
  } else {
    runs.emplace_back(item);
  }
}

void append_list(const fs::path& list, std::vector<fs::path>& runs) {
  const std::string text = read_file(list);
  const std::size_t before = runs.size();
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && !line.starts_with('#')) append_run(line, runs);
    begin = end + 1;
  }
  if (runs.size() == before) {
    throw BadFile(fmt::format("{}: names no run; expected a folder a line", list.string()));
  }
}

}  // namespace

std::vector<fs::path> expand_runs(std::span<const std::string> items) {
  std::vector<fs::path> runs;
  for (const std::string& item : items) {
    std::error_code ignored;
    if (item.starts_with('@') && !fs::exists(item, ignored)) {
      append_list(item.substr(1), runs);
    } else {
      append_run(item, runs);
    }
  }
  return runs;
}

}  // namespace winnow::io
