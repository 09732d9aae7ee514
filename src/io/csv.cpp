#include "winnow/io/csv.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

CsvReader::CsvReader(const fs::path& path)
    : path_(path), text_(read_file(path, std::numeric_limits<std::size_t>::max())) {
  const std::string_view text = text_;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw BadFile(
        fmt::format("{}: UTF-16 text; expected CSV in UTF-8; save it as UTF-8", path.string()));
  }
  if (text.starts_with("\xEF\xBB\xBF")) position_ = 3;
  if (position_ == text.size()) {
    throw BadFile(fmt::format("{}: the file is empty; expected CSV", path.string()));
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw BadFile(
        fmt::format("{}: a NUL in the text at byte {}; expected CSV in UTF-8", path.string(), nul));
  }
}

void CsvReader::fail(std::int64_t line, const char* found) const {
  throw BadFile(
      fmt::format("{}: line {}: {}; expected CSV as in RFC 4180", path_.string(), line, found));
}

std::string CsvReader::where() const {
  return fmt::format("{}: line {}", path_.string(), record_line_);
}

bool CsvReader::at_line_end() const {
  return position_ == text_.size() || text_[position_] == '\n' || text_[position_] == '\r';
}

void CsvReader::skip_line_end() {
  if (position_ == text_.size()) return;
  if (text_[position_] == '\r') {
    ++position_;
    if (position_ == text_.size() || text_[position_] != '\n') {
      fail(line_, "a carriage return without a line feed");
    }
  }
  ++position_;
  ++line_;
}

std::string CsvReader::read_quoted_field() {
  const std::int64_t opened = line_;
  std::string field;
  ++position_;
  while (true) {
    const std::size_t quote = text_.find('"', position_);
    if (quote == std::string::npos) fail(opened, "a quote that is never closed");
    const auto piece = std::string_view(text_).substr(position_, quote - position_);
    line_ += std::count(piece.begin(), piece.end(), '\n');
    field += piece;
    position_ = quote + 1;
    if (position_ >= text_.size() || text_[position_] != '"') return field;
    field += '"';
    ++position_;
  }
}

std::string CsvReader::read_field() {
  if (position_ < text_.size() && text_[position_] == '"') return read_quoted_field();
  const std::size_t end = std::min(text_.find_first_of(",\r\n", position_), text_.size());
  std::string field = text_.substr(position_, end - position_);
  if (field.find('"') != std::string::npos) fail(line_, "a quote inside an unquoted field");
  position_ = end;
  return field;
}

bool CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  if (position_ >= text_.size()) return false;
  record_line_ = line_;
  while (true) {
    fields.push_back(read_field());
    if (at_line_end()) break;
    if (text_[position_] != ',') fail(line_, "text after a closing quote");
    ++position_;
  }
  skip_line_end();
  return true;
}

std::size_t CsvTable::column(std::string_view title) const {
  const auto found = std::find(header.begin(), header.end(), title);
  if (found == header.end()) {
    throw BadFile(fmt::format("{}: no column '{}'; its columns are: {}", name, title,
                              fmt::join(header, ", ")));
  }
  return static_cast<std::size_t>(found - header.begin());
}

CsvTable read_csv(const fs::path& path) {
  CsvReader reader(path);
  CsvTable table;
  table.name = path.string();
  reader.next(table.header);
  auto sorted = table.header;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    throw BadFile(fmt::format("{}: two columns are called '{}'", reader.where(), *twice));
  }
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields.size() != table.header.size()) {
      throw BadFile(fmt::format("{} (row {}): {} fields; expected {} as in the header",
                                reader.where(), table.rows.size(), fields.size(),
                                table.header.size()));
    }
    table.rows.push_back(std::move(fields));
  }
  return table;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

}  // namespace winnow::io
