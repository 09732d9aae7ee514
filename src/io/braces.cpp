#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "io/braces.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

constexpr std::int64_t max_names = 1'000'000;

/// Splits at commas that no brace encloses.
std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '{') ++depth;
    if (c == '}') depth = std::max(0, depth - 1);
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  const bool whole = !text.empty() && parsed.ec == std::errc{} && parsed.ptr == end && value >= 0;
  return whole ? std::optional(value) : std::nullopt;
}

/// `0000..0012`, or nothing when it is not of that form.
std::optional<std::vector<std::string>> count_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return {};
  const std::string_view from = text.substr(0, dots);
  const std::string_view to = text.substr(dots + 2);
  const auto first = number(from);
  const auto last = number(to);
  if (!first || !last) return {};
  if (std::max(*first, *last) - std::min(*first, *last) >= max_names) {
    throw InvalidArgument(fmt::format("{{{}}}: more than {} names", text, max_names));
  }
  const bool padded = from.starts_with('0') || to.starts_with('0');
  const std::size_t width = padded ? std::max(from.size(), to.size()) : 0;
  std::vector<std::string> numbers;
  const std::int64_t step = *first <= *last ? 1 : -1;
  for (std::int64_t i = *first; i != *last + step; i += step) {
    numbers.push_back(fmt::format("{:0{}}", i, width));
  }
  return numbers;
}

/// What the inside of a pair of braces stands for; nothing when it is a part of the name.
std::optional<std::vector<std::string>> choices(std::string_view inside) {
  if (auto numbers = count_range(inside)) return numbers;
  std::vector<std::string> parts = split_list(inside);
  if (parts.size() < 2) return {};
  return parts;
}

void expand_into(const std::string& text, std::vector<std::string>& found) {
  for (std::size_t open = text.find('{'); open != std::string::npos;
       open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) break;
    const auto parts = choices(std::string_view(text).substr(open + 1, close - open - 1));
    if (!parts) continue;
    for (const auto& part : *parts) {
      expand_into(text.substr(0, open) + part + text.substr(close + 1), found);
    }
    return;
  }
  if (static_cast<std::int64_t>(found.size()) == max_names) {
    throw InvalidArgument(fmt::format("{}: more than {} names", text, max_names));
  }
  found.push_back(text);
}

}  // namespace

std::vector<std::string> expand_braces(const std::string& text) {
  std::vector<std::string> found;
  for (const auto& part : split_list(text)) expand_into(part, found);
  return found;
}

}  // namespace winnow::io
