#include "winnow/core/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "winnow/core/error.hpp"

namespace winnow {

namespace {

/// Levenshtein distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string range_text(const FieldInfo& info) {
  if (std::isinf(info.min) && std::isinf(info.max)) return "";
  const bool open_low = info.min_open || std::isinf(info.min);
  const bool open_high = info.max_open || std::isinf(info.max);
  return fmt::format("{}{}, {}{}", open_low ? '(' : '[', info.min, info.max, open_high ? ')' : ']');
}

std::string nearest_name(std::string_view text, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

void check_range(double value, const FieldInfo& info) {
  const bool low = info.min_open ? value > info.min : value >= info.min;
  const bool high = info.max_open ? value < info.max : value <= info.max;
  if (low && high) return;
  throw InvalidArgument(
      fmt::format("{} = {}; expected a value in {}", info.name, value, range_text(info)));
}

void throw_unknown_choice(std::string_view field, std::string_view text,
                          const std::vector<std::string>& choices) {
  const std::string guess = nearest_name(text, choices);
  throw InvalidArgument(fmt::format(
      "{} = '{}' is not known{}; expected one of: {}", field, text,
      guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess), fmt::join(choices, ", ")));
}

}  // namespace winnow
