#include "cli/table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "winnow/io/csv.hpp"

namespace winnow::cli {

namespace {

std::string cell_text(const Json& value, bool every_digit) {
  if (value.is_null()) return every_digit ? "" : "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) {
    const double number = value.get<double>();
    return every_digit ? fmt::format("{}", number) : fmt::format("{:.6g}", number);
  }
  if (value.is_string()) return value.get<std::string>();
  return value.dump();
}

}  // namespace

std::string Table::text(const std::vector<std::string>& shown) const {
  std::string found;
  std::vector<std::vector<std::string>> lines(rows.size() + 1);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (!shown.empty() && std::find(shown.begin(), shown.end(), columns[c]) == shown.end()) {
      continue;
    }
    std::size_t width = columns[c].size();
    bool is_text = false;
    for (const auto& row : rows) {
      width = std::max(width, cell_text(row[c], false).size());
      is_text = is_text || row[c].is_string();
    }
    const auto aligned = [&](const std::string& cell) {
      return is_text ? fmt::format("{:<{}}", cell, width) : fmt::format("{:>{}}", cell, width);
    };
    lines.front().push_back(aligned(columns[c]));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      lines[r + 1].push_back(aligned(cell_text(rows[r][c], false)));
    }
  }
  for (const auto& line : lines) {
    if (!line.empty()) found += fmt::format("{}\n", fmt::join(line, "  "));
  }
  return found;
}

std::string Table::csv() const {
  std::string found;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (c > 0) found += ',';
    found += io::csv_field(columns[c]);
  }
  found += "\n";
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) found += ',';
      found += io::csv_field(cell_text(row[c], true));
    }
    found += "\n";
  }
  return found;
}

Json Table::json() const {
  Json found = Json::array();
  for (const auto& row : rows) {
    Json object = Json::object();
    for (std::size_t c = 0; c < row.size(); ++c) object[columns[c]] = row[c];
    found.push_back(std::move(object));
  }
  return found;
}

}  // namespace winnow::cli
