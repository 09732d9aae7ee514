#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "winnow/core/run.hpp"

namespace winnow::io {

/// Reads a JSONL file: one JSON object a line, UTF-8, lines ended by LF or CRLF. A byte order mark
/// and blank lines are skipped. The text is held in memory.
class JsonlReader {
 public:
  /// @throws BadFile when missing or empty.
  explicit JsonlReader(const std::filesystem::path& path);

  /// The next object, or false at the end.
  /// @throws BadFile naming the line: no JSON, or JSON that is not an object.
  bool next(Json& object);

  /// Line of the file, counted from 1 as editors do, of the last object.
  std::int64_t line() const { return line_; }
  /// "y.jsonl: line 12", for messages about the last object.
  std::string where() const;
  /// The whole file: what a content hash covers.
  std::span<const std::byte> file_bytes() const { return std::as_bytes(std::span(text_)); }

 private:
  std::filesystem::path path_;
  std::string text_;
  std::size_t position_ = 0;
  std::int64_t line_ = 0;
};

}  // namespace winnow::io
