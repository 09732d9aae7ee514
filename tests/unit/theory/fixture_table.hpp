#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace winnow::theory::testing {

/// A CSV of fixtures: cells by row and column name.
class FixtureTable {
 public:
  explicit FixtureTable(const std::string& name) {
    std::ifstream file(std::string(WINNOW_FIXTURES) + "/" + name);
    std::string line;
    while (std::getline(file, line)) {
      std::stringstream stream(line);
      auto& cells = columns_.empty() ? columns_ : rows_.emplace_back();
      for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    }
  }
  std::size_t size() const { return rows_.size(); }
  const std::string& text(std::size_t row, const std::string& column) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] == column) return rows_.at(row).at(i);
    }
    throw std::out_of_range("no column " + column);
  }
  double number(std::size_t row, const std::string& column) const {
    return std::stod(text(row, column));
  }

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace winnow::theory::testing
