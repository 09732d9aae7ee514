#pragma once

#include <string>
#include <vector>

#include "winnow/core/run.hpp"

namespace winnow::cli {

/// Rows of named values: a command's result in any of its forms.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Json>> rows;  ///< Numbers, texts, booleans; null where there is none.

  /// The columns of these names, all when none is given, aligned (texts left, numbers right, with
  /// six digits).
  std::string text(const std::vector<std::string>& shown = {}) const;
  /// RFC 4180 with a header; numbers with every digit, so that they read back the same.
  std::string csv() const;
  /// [{"column": value, ...}, ...]
  Json json() const;
};

}  // namespace winnow::cli
