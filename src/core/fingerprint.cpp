#include "winnow/core/fingerprint.hpp"

#include <fmt/format.h>

#include <charconv>

#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow {

Fingerprint Fingerprint::parse(std::string_view text) {
  if (text.empty() || text == "unknown") return {};
  constexpr std::string_view prefix = "xxh3:";
  std::uint64_t value = 0;
  const std::string_view digits =
      text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view{};
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 16 || code != std::errc{} || end != digits.data() + digits.size()) {
    throw BadFile(fmt::format("fingerprint is '{}'; expected 'xxh3:' and 16 hex digits", text));
  }
  return Fingerprint(value);
}

std::string Fingerprint::text() const { return known() ? hash_text(*value_) : "unknown"; }

void require_same_dataset(const Fingerprint& a, std::string_view name_a, const Fingerprint& b,
                          std::string_view name_b) {
  if (a.matches(b)) return;
  throw DatasetMismatch(
      fmt::format("{} has dataset fingerprint {}, but {} has {}; they come from two different "
                  "datasets; make both from the same --data",
                  name_a, a.text(), name_b, b.text()));
}

}  // namespace winnow
