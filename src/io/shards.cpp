#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "io/natural_order.hpp"
#include "io/shards.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The run of digits at `position`, without leading zeros.
std::string_view number_at(std::string_view text, std::size_t position) {
  std::size_t end = position;
  while (end < text.size() && is_digit(text[end])) ++end;
  while (position + 1 < end && text[position] == '0') ++position;
  return text.substr(position, end - position);
}

std::size_t skip_number(std::string_view text, std::size_t position) {
  while (position < text.size() && is_digit(text[position])) ++position;
  return position;
}

std::vector<fs::path> sorted(std::vector<fs::path> paths) {
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.native(), b.native());
  });
  return paths;
}

std::vector<fs::path> expand_folder(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (entry.is_regular_file() && !file.starts_with('.') && file.ends_with(".npy")) {
      paths.push_back(entry.path());
    }
  }
  if (paths.empty()) {
    throw BadFile(fmt::format("{}: no .npy file in this folder", folder.string()));
  }
  return sorted(std::move(paths));
}

std::vector<fs::path> expand_one(const std::string& text) {
  std::error_code ignored;
  if (fs::is_directory(text, ignored)) return expand_folder(text);
  if (fs::exists(text, ignored)) return {text};
  if (text.find_first_of("*?[") != std::string::npos) return matching_files(text);
  throw BadFile(
      fmt::format("{}: no such file; expected a .npy file, a folder of them, a glob or "
                  "a comma list",
                  text.empty() ? "''" : text));
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view x = number_at(a, i);
      const std::string_view y = number_at(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      i = skip_number(a, i);
      j = skip_number(b, j);
    } else {
      if (a[i] != b[j]) {
        return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      }
      ++i;
      ++j;
    }
  }
  const bool a_ended = i == a.size();
  const bool b_ended = j == b.size();
  return a_ended != b_ended ? a_ended : a < b;
}

std::vector<fs::path> matching_files(const std::string& pattern) {
  glob_t found{};
  const int code = ::glob(pattern.c_str(), GLOB_ERR | GLOB_NOSORT, nullptr, &found);
  std::vector<fs::path> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (code == GLOB_NOMATCH) throw BadFile(fmt::format("{}: no file matches", pattern));
  if (code != 0) {
    throw BadFile(fmt::format("{}: cannot look for matches: {}", pattern,
                              code == GLOB_NOSPACE ? "out of memory" : "a folder is not readable"));
  }
  return sorted(std::move(paths));
}

std::vector<fs::path> expand_shards(const std::string& text) {
  std::error_code ignored;
  if (fs::exists(text, ignored)) return expand_one(text);
  std::vector<fs::path> paths;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    for (auto& path : expand_one(text.substr(begin, end - begin))) paths.push_back(std::move(path));
    begin = end + 1;
  }
  return paths;
}

}  // namespace winnow::io
