#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "io/label_file.hpp"
#include "io/sidecar.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace {

constexpr std::int64_t max_classes = 1'000'000;

using Where = std::function<std::string(std::size_t)>;
using ClassMap = std::unordered_map<std::string_view, std::int32_t>;

std::vector<std::string> numbered_classes(std::span<const std::int32_t> values) {
  const std::int32_t last = *std::max_element(values.begin(), values.end());
  std::vector<std::string> names;
  for (std::int32_t i = 0; i <= last; ++i) names.push_back(std::to_string(i));
  return names;
}

[[noreturn]] void throw_bad_label(const std::string& where, const std::string& found,
                                  std::int64_t n_classes) {
  throw BadFile(
      fmt::format("{}: label is {}; expected a class index in [0, {})", where, found, n_classes));
}

ClassMap numbered(std::span<const std::string> names) {
  ClassMap map;
  for (const auto& name : names) map.emplace(name, static_cast<std::int32_t>(map.size()));
  return map;
}

/// A whole number in [0, n_classes), or -1.
std::int32_t index_of(const std::string& value, std::int64_t n_classes) {
  std::int64_t index = -1;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), index);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == value.data() + value.size();
  return whole && index >= 0 && index < n_classes ? static_cast<std::int32_t>(index) : -1;
}

/// @throws BadFile when all values could be meant as indices too, and mean other classes then.
void forbid_two_meanings(std::span<const std::string> values, const Labels& labels,
                         std::int64_t n_classes, const Where& where) {
  bool all_indices = true;
  std::size_t other = values.size();
  for (std::size_t i = 0; i < values.size() && all_indices; ++i) {
    const std::int32_t index = index_of(values[i], n_classes);
    all_indices = index >= 0;
    if (other == values.size() && index != labels.values[i]) other = i;
  }
  if (!all_indices || other == values.size()) return;
  throw BadFile(fmt::format(
      "{}: label '{}' is the name of class {} and the index of another; give the indices "
      "as a .npy, or rename the classes",
      where(other), values[other], labels.values[other]));
}

Labels index_integers(std::span<const std::string> values, std::span<const std::string> own,
                      const Where& where) {
  const auto n_classes = own.empty() ? max_classes : static_cast<std::int64_t>(own.size());
  Labels labels;
  labels.values.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int32_t index = index_of(values[i], n_classes);
    if (index < 0) throw_bad_label(where(i), fmt::format("'{}'", values[i]), n_classes);
    labels.values.push_back(index);
  }
  labels.class_names.assign(own.begin(), own.end());
  if (own.empty()) labels.class_names = numbered_classes(labels.values);
  return labels;
}

Labels index_texts(std::span<const std::string> values, const Where& where) {
  ClassMap classes;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!classes.emplace(values[i], 0).second) continue;
    if (values[i].empty()) throw BadFile(fmt::format("{}: label is empty", where(i)));
    if (label_kind(values[i]) == LabelKind::text) continue;
    throw BadFile(
        fmt::format("{}: label is the number '{}' after texts such as '{}'; expected all "
                    "texts or all integers",
                    where(i), values[i], values[0]));
  }
  Labels labels;
  for (const auto& [name, index] : classes) labels.class_names.emplace_back(name);
  std::sort(labels.class_names.begin(), labels.class_names.end());
  classes = numbered(labels.class_names);
  labels.values.reserve(values.size());
  for (const auto& value : values) labels.values.push_back(classes.at(value));
  return labels;
}

}  // namespace

LabelKind label_kind(const std::string& value) {
  std::int64_t integer = 0;
  const char* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, integer);
  if (parsed.ptr == end && parsed.ec != std::errc::invalid_argument) return LabelKind::integer;
  char* stop = nullptr;
  std::strtod(value.c_str(), &stop);
  return stop == end && !value.empty() ? LabelKind::other_number : LabelKind::text;
}

Labels index_labels(std::span<const std::string> values, std::span<const std::string> own,
                    const Where& where) {
  const ClassMap own_classes = numbered(own);
  Labels labels;
  for (const auto& value : values) {
    const auto found = own_classes.find(value);
    if (found == own_classes.end()) break;
    labels.values.push_back(found->second);
  }
  if (labels.values.size() == values.size()) {
    forbid_two_meanings(values, labels, static_cast<std::int64_t>(own.size()), where);
    labels.class_names.assign(own.begin(), own.end());
    return labels;
  }
  const bool integers = label_kind(values[0]) != LabelKind::text;
  return integers ? index_integers(values, own, where) : index_texts(values, where);
}

Labels read_npy_labels(const std::filesystem::path& path) {
  const NpyFile file(path);
  const std::vector<std::int64_t> values = read_vector_i64(file);
  if (values.empty()) throw BadFile(fmt::format("{}: no labels in it", path.string()));
  Labels labels;
  labels.values.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= max_classes) {
      throw_bad_label(fmt::format("{}: row {}", path.string(), i), std::to_string(values[i]),
                      max_classes);
    }
    labels.values.push_back(static_cast<std::int32_t>(values[i]));
  }
  labels.class_names = numbered_classes(labels.values);
  labels.fingerprint = load_sidecar(path).fingerprint;
  labels.inputs.push_back(hashed_input(file));
  return labels;
}

}  // namespace winnow::io
