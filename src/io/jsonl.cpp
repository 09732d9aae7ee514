#include "io/jsonl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::io {

JsonlReader::JsonlReader(const std::filesystem::path& path)
    : path_(path), text_(read_file(path, std::numeric_limits<std::size_t>::max())) {
  if (text_.starts_with("\xEF\xBB\xBF")) position_ = 3;
  if (position_ == text_.size()) {
    throw BadFile(fmt::format("{}: the file is empty; expected JSON objects", path.string()));
  }
}

std::string JsonlReader::where() const { return fmt::format("{}: line {}", path_.string(), line_); }

bool JsonlReader::next(Json& object) {
  while (position_ < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', position_), text_.size());
    const auto line = std::string_view(text_).substr(position_, end - position_);
    position_ = std::min(end + 1, text_.size());
    ++line_;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    object = Json::parse(line, nullptr, false);
    if (object.is_object()) return true;
    throw BadFile(
        fmt::format("{}: {}; expected one JSON object a line, such as "
                    "{{\"path\": \"cat/1.png\", \"label\": \"cat\"}}",
                    where(), object.is_discarded() ? "this is no JSON" : "no JSON object"));
  }
  return false;
}

}  // namespace winnow::io
