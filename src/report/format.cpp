#include "report/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace winnow::report {

namespace {

constexpr const char* no_break_space = "\u00A0";

/// `value` >= 0 with `digits` significant digits, never with an exponent.
std::string fixed_significant(double value, int digits) {
  if (value == 0.0) return "0";
  // Rounding may carry into the next decade (9.996 -> 10.0): look at the rounded value.
  const double exponent = std::floor(std::log10(value));
  const double unit = std::pow(10.0, exponent - digits + 1);
  const double rounded = std::round(value / unit) * unit;
  const int decimals = digits - 1 - static_cast<int>(std::floor(std::log10(rounded) + 1e-12));
  return fmt::format("{:.{}f}", rounded, std::max(0, decimals));
}

std::string with_sign(double value, const std::string& magnitude) {
  return value < 0 ? fmt::format("\u2212{}", magnitude) : magnitude;
}

}  // namespace

std::string format_count(std::int64_t count) {
  std::string digits = fmt::format("{}", count < 0 ? -count : count);
  for (auto at = static_cast<std::int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return with_sign(static_cast<double>(count), digits);
}

std::string format_number(double value) {
  if (!std::isfinite(value)) return "not finite";
  const double size = std::abs(value);
  if (size >= 999.5 && size < 1e15) return format_count(std::llround(value));
  if (size != 0.0 && (size < 1e-4 || size >= 1e15)) {
    return with_sign(value, fmt::format("{:.2e}", size));
  }
  return with_sign(value, fixed_significant(size, 3));
}

std::string format_percent(double share) {
  if (!std::isfinite(share)) return "not finite";
  return with_sign(share, fixed_significant(std::abs(share) * 100.0, 3)) + no_break_space + "%";
}

std::string format_share(double share) {
  return fmt::format("{:.6g}{}%", share * 100.0, no_break_space);
}

std::string format_error_rate(double mean, double standard_error) {
  if (!std::isfinite(standard_error)) return fmt::format("{:.2f}{}%", mean * 100.0, no_break_space);
  return fmt::format("{:.2f}{}±{}{:.2f}{}%", mean * 100.0, no_break_space, no_break_space,
                     standard_error * 100.0, no_break_space);
}

std::string format_points(double difference) {
  return fmt::format("{:.2f}{}points", std::abs(difference) * 100.0, no_break_space);
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "not finite";
  if (seconds < 59.95) return format_number(seconds) + no_break_space + "s";
  const std::int64_t whole = std::llround(seconds);
  if (whole < 3600) {
    return fmt::format("{}{}min {:02}{}s", whole / 60, no_break_space, whole % 60, no_break_space);
  }
  const std::int64_t minutes = std::llround(seconds / 60.0);
  return fmt::format("{}{}h {:02}{}min", minutes / 60, no_break_space, minutes % 60,
                     no_break_space);
}

std::string format_bytes(std::int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size < 1e3) return fmt::format("{}{}bytes", bytes, no_break_space);
  if (size < 1e6) return format_number(size / 1e3) + no_break_space + "kB";
  return format_number(size / 1e6) + no_break_space + "MB";
}

std::string plural(std::int64_t count, const std::string& noun) {
  return plural(count, noun, noun + "s");
}

std::string plural(std::int64_t count, const std::string& singular, const std::string& many) {
  return format_count(count) + no_break_space + (count == 1 ? singular : many);
}

}  // namespace winnow::report
