#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "winnow/core/rng.hpp"

namespace winnow {

/// Description of one option; validate() and the command line's help are both made from it.
///
/// An options struct declares its fields once:
///
///     template <class Self, class Visit>
///     static void fields(Self& self, Visit&& visit) {
///       visit(self.n_clusters, {.name = "clusters", .help = "Number of clusters k.", .min = 1});
///     }
struct FieldInfo {
  const char* name = "";  ///< Flag without dashes, also the name in messages.
  const char* help = "";  ///< One sentence.
  const char* unit = "";  ///< "", "examples", "pixels", ...
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false;  ///< min itself is not allowed.
  bool max_open = false;
};

/// Names of an enum's values: specialise with `static constexpr EnumName<E> values[]`.
template <class E>
struct EnumName {
  E value;
  const char* name;
};
template <class E>
struct EnumNames;

template <class E>
const char* enum_name(E value) {
  for (const auto& entry : EnumNames<E>::values) {
    if (entry.value == value) return entry.name;
  }
  return "?";
}

template <class E>
std::vector<std::string> enum_choices() {
  std::vector<std::string> names;
  for (const auto& entry : EnumNames<E>::values) names.emplace_back(entry.name);
  return names;
}

/// @throws InvalidArgument naming `field`, the text and the choices (and the nearest of them).
template <class E>
E parse_enum(std::string_view field, std::string_view text);

/// "[1, inf)", "(0, 1]", or "" when unbounded.
std::string range_text(const FieldInfo& info);

/// The candidate within a few typing mistakes of `text`, or "".
std::string nearest_name(std::string_view text, const std::vector<std::string>& candidates);

/// @throws InvalidArgument "clusters = 0; expected [1, inf)" (also for NaN).
void check_range(double value, const FieldInfo& info);

[[noreturn]] void throw_unknown_choice(std::string_view field, std::string_view text,
                                       const std::vector<std::string>& choices);

template <class E>
E parse_enum(std::string_view field, std::string_view text) {
  for (const auto& entry : EnumNames<E>::values) {
    if (text == entry.name) return entry.value;
  }
  throw_unknown_choice(field, text, enum_choices<E>());
}

/// A field that is typed as a text of its own form: `T::parse(field, text)` throws InvalidArgument,
/// `text()` gives what parse() takes, `T::forms` tells what that may be, e.g. "R,G,B".
template <class T>
concept TextField = requires(const T& value, std::string_view text) {
  { T::parse(text, text) } -> std::same_as<T>;
  { value.text() } -> std::convertible_to<std::string>;
  { T::forms } -> std::convertible_to<std::string_view>;
};

/// Names of all fields of an options struct, in order.
template <class Options>
std::vector<std::string> field_names() {
  std::vector<std::string> names;
  Options options;
  Options::fields(options,
                  [&names](auto&, const FieldInfo& info) { names.emplace_back(info.name); });
  return names;
}

/// Checks every numeric field of an options struct against its declared range.
template <class Options>
void validate_fields(const Options& options) {
  Options::fields(options, []<class T>(const T& value, const FieldInfo& info) {
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      check_range(static_cast<double>(value), info);
    }
  });
}

}  // namespace winnow
