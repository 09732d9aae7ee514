#include "cli/grid.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

constexpr std::int64_t most_values = 100'000;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size();
}

std::vector<double> spaced(double low, double high, std::int64_t count) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const double share = count == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(count - 1);
    const double between =
        low > 0.0 ? low * std::pow(high / low, share) : low + (high - low) * share;
    values.push_back(i == 0 ? low : i == count - 1 ? high : between);
  }
  return values;
}

}  // namespace

Grid Grid::parse(std::string_view field, std::string_view text) {
  const auto fail = [&](const std::string& problem) {
    throw InvalidArgument(
        fmt::format("{} = '{}'; {}; expected a number, a list A,B,... or LOW:HIGH:COUNT", field,
                    text, problem));
  };
  Grid grid;
  if (const auto parts = split(text, ':'); parts.size() > 1) {
    double low = 0.0;
    double high = 0.0;
    std::int64_t count = 0;
    if (parts.size() != 3 || !parse_number(parts[0], low) || !parse_number(parts[1], high) ||
        !parse_number(parts[2], count)) {
      fail("not LOW:HIGH:COUNT");
    }
    if (!(low >= 0.0 && low < high && std::isfinite(high))) fail("LOW is not below HIGH");
    if (count < 2 || count > most_values) fail(fmt::format("COUNT not in [2, {}]", most_values));
    grid.values = spaced(low, high, count);
    return grid;
  }
  for (const auto part : split(text, ',')) {
    double value = 0.0;
    if (!parse_number(part, value)) fail(fmt::format("'{}' is no number", part));
    grid.values.push_back(value);
  }
  return grid;
}

std::string Grid::text() const { return fmt::format("{}", fmt::join(values, ",")); }

}  // namespace winnow::cli
