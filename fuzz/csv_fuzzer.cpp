// CSV: records, tables, and that a field survives being written and read again.
#include "fuzz.hpp"
#include "memory_file.hpp"
#include "winnow/io/csv.hpp"

namespace {

using namespace winnow;

void read_records(const std::string& path) {
  io::CsvReader reader(path);
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields.empty()) fuzz::report("a record without fields", reader.where());
  }
}

void read_table(const std::string& path) {
  const io::CsvTable table = io::read_csv(path);
  for (const auto& row : table.rows) {
    if (row.size() != table.header.size()) fuzz::report("a row of another width", table.name);
  }
  if (table.column(table.header.back()) + 1 != table.header.size()) {
    fuzz::report("the last column is not found last", table.name);
  }
}

/// csv_field() and CsvReader are inverses.
void check_round_trip(fuzz::MemoryFile& file, const std::string& text) {
  const std::string line = io::csv_field(text) + ",end\n";
  if (text.find('\0') != std::string::npos || line.starts_with("\xFF\xFE") ||
      line.starts_with("\xFE\xFF") || line.starts_with("\xEF\xBB\xBF")) {
    return;
  }
  file.assign({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
  io::CsvReader reader(file.path());
  std::vector<std::string> fields;
  reader.next(fields);
  if (fields != std::vector<std::string>{text, "end"}) fuzz::report("field changed", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile file;
  file.assign({data, size});
  fuzz::expect_refusal_or_success(file.path(), [&] { read_records(file.path()); });
  fuzz::expect_refusal_or_success(file.path(), [&] { read_table(file.path()); });
  check_round_trip(file, {reinterpret_cast<const char*>(data), size});
  return 0;
}
