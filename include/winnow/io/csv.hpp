#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace winnow::io {

/// Reads a CSV file record by record (RFC 4180): comma separated, quoted fields with doubled quotes
/// and line breaks inside, lines ended by LF or CRLF, a UTF-8 byte order mark skipped. A blank line
/// is a record of one empty field; only the line break at the end of the file is not. The text is
/// held in memory, so that nothing which happens to the file later can be seen.
class CsvReader {
 public:
  /// @throws BadFile when missing, empty, UTF-16 or not text.
  explicit CsvReader(const std::filesystem::path& path);

  /// The next record into `fields`, or false at the end.
  /// @throws BadFile naming the line: a quote that is never closed, text after a closing quote,
  ///         a quote inside an unquoted field, a lone carriage return.
  bool next(std::vector<std::string>& fields);

  /// Line of the file, counted from 1 as editors do, where the last record began.
  std::int64_t line() const { return record_line_; }
  /// "y.csv: line 12", for messages about the last record.
  std::string where() const;
  /// The whole file: what a content hash covers.
  std::span<const std::byte> file_bytes() const { return std::as_bytes(std::span(text_)); }

 private:
  [[noreturn]] void fail(std::int64_t line, const char* found) const;
  std::string read_field();
  std::string read_quoted_field();
  bool at_line_end() const;
  void skip_line_end();

  std::filesystem::path path_;
  std::string text_;
  std::size_t position_ = 0;
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 0;
};

/// A whole CSV file that starts with a header.
struct CsvTable {
  std::string name;  ///< the file, for messages
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< each as long as the header

  /// @throws BadFile naming the columns that there are.
  std::size_t column(std::string_view title) const;
};

/// @throws BadFile also when a record is shorter or longer than the header, naming its line, or a
///         column's name is given twice.
CsvTable read_csv(const std::filesystem::path& path);

/// `text` as one CSV field: quoted only where it must be.
std::string csv_field(std::string_view text);

}  // namespace winnow::io
