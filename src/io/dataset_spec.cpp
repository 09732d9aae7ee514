#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "winnow/core/error.hpp"
#include "winnow/core/options.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

namespace {

constexpr const char* forms =
    "expected fashion-mnist[:DIR], mnist:DIR, cifar10:DIR, cifar100:DIR, svhn:DIR, images:PATH or "
    "npy:FILE, then options such as ,labels=FILE";

const std::vector<std::string> known_kinds = {"fashion-mnist", "mnist",  "cifar10", "cifar100",
                                              "svhn",          "images", "npy"};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void fail(std::string_view text, const std::string& found) {
  throw InvalidArgument(fmt::format("data = '{}': {}", text, found));
}

[[noreturn]] void fail_unknown_kind(const DatasetSpec& spec) {
  std::error_code ignored;
  const std::filesystem::path path = spec.text;
  if (std::filesystem::exists(path, ignored)) {
    const char* guess = path.extension() == ".npy" ? "npy" : "images";
    fail(spec.text, fmt::format("a path without its kind; did you mean {}:{}?", guess, spec.text));
  }
  const std::string guess = nearest_name(spec.kind, known_kinds);
  fail(spec.text,
       fmt::format("unknown kind '{}'{}; {}", spec.kind,
                   guess.empty() ? "" : fmt::format(" (did you mean {}?)", guess), forms));
}

/// Cuts `#train`, `#test` or svhn's `#extra` off the end; a `#` inside a path stays.
std::string_view cut_split(std::string_view text, std::string& split) {
  const std::size_t hash = text.rfind('#');
  if (hash == std::string_view::npos || text.find('/', hash) != std::string_view::npos) return text;
  split = text.substr(hash + 1);
  const bool extra = split == "extra" && text.starts_with("svhn:");
  if (split != "train" && split != "test" && !extra) {
    fail(text, fmt::format("unknown split '{}'; expected #train or #test", split));
  }
  return text.substr(0, hash);
}

std::vector<std::string> option_names() {
  std::vector<std::string> names = {"labels", "label-column"};
  ReadingOptions options;
  ReadingOptions::fields(
      options, [&](const auto&, const FieldInfo& info) { names.emplace_back(info.name); });
  return names;
}

/// Sets the field called `name`; `value` is "" for a flag.
void set_option(DatasetSpec& spec, const std::string& name, const std::string& value) {
  if (name == "labels") spec.labels = value;
  if (name == "label-column") spec.label_column = value;
  ReadingOptions::fields(spec.reading, [&]<class T>(T& field, const FieldInfo& info) {
    if (name != info.name) return;
    if constexpr (std::is_same_v<T, bool>) {
      field = true;
    } else {
      const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), field);
      if (code != std::errc{} || end != value.data() + value.size()) {
        fail(spec.text, fmt::format("{} = '{}'; expected a whole number", name, value));
      }
    }
  });
}

/// Takes `,NAME=VALUE` off the end of the location, once; false when there is none. A comma inside
/// a path is no option.
bool cut_option(DatasetSpec& spec, std::vector<std::string>& seen) {
  const std::size_t comma = spec.location.rfind(',');
  if (comma == std::string::npos) return false;
  const std::string option = spec.location.substr(comma + 1);
  const std::size_t equals = std::min(option.find('='), option.size());
  const std::string name = option.substr(0, equals);
  const std::vector<std::string> names = option_names();
  const bool flag = name == "skip-unreadable";
  if (!contains(names, name)) {
    const std::string guess = nearest_name(name, names);
    if (equals == option.size() || guess.empty()) return false;
    fail(spec.text, fmt::format("unknown option '{}' (did you mean {}?)", name, guess));
  }
  if (flag != (equals == option.size()) || (!flag && equals + 1 == option.size())) {
    fail(spec.text, fmt::format("{} {}", name, flag ? "stands alone, without =" : "has no value"));
  }
  if (contains(seen, name)) fail(spec.text, fmt::format("{} is given twice", name));
  seen.push_back(name);
  set_option(spec, name, flag ? "" : option.substr(equals + 1));
  spec.location.resize(comma);
  return true;
}

/// The field of type T that is called `name`.
template <class T>
T field_called(const ReadingOptions& options, std::string_view name) {
  T found{};
  ReadingOptions::fields(options, [&]<class U>(const U& value, const FieldInfo& info) {
    if constexpr (std::is_same_v<T, U>) {
      if (name == info.name) found = value;
    }
  });
  return found;
}

}  // namespace

void ReadingOptions::validate() const {
  validate_fields(*this);
  if (resize_size > 0 && image_size == 0) {
    throw InvalidArgument(
        fmt::format("resize-size = {} without image-size; give both", resize_size));
  }
  if (resize_size > 0 && resize_size < image_size) {
    throw InvalidArgument(
        fmt::format("resize-size = {}; expected at least image-size, {}", resize_size, image_size));
  }
}

DatasetSpec DatasetSpec::parse(std::string_view text) {
  DatasetSpec spec;
  spec.text = text;
  const std::string_view rest = cut_split(text, spec.split);
  // Options may follow a kind without a location: `fashion-mnist,image-size=32`.
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  const std::size_t end_of_kind = std::min(colon, rest.find(','));
  spec.kind = rest.substr(0, end_of_kind);
  if (!contains(known_kinds, spec.kind)) fail_unknown_kind(spec);
  const bool located = end_of_kind == colon && colon < rest.size();
  spec.location = rest.substr(located ? colon + 1 : end_of_kind);

  std::vector<std::string> seen;
  while (cut_option(spec, seen)) continue;
  if (!located && !spec.location.empty()) {
    fail(text, fmt::format("'{}' is no option; {}", spec.location, forms));
  }
  if (spec.location.empty() && (spec.kind != "fashion-mnist" || located)) {
    fail(text, fmt::format("nothing after the kind; {}", forms));
  }
  if (!spec.label_column.empty() && spec.labels.empty()) {
    fail(text, "label-column without labels=FILE; give both");
  }
  if (spec.kind == "npy" && !spec.split.empty()) fail(text, "npy has no splits; leave # out");
  try {
    spec.reading.validate();
  } catch (const InvalidArgument& error) {
    fail(text, error.what());
  }
  return spec;
}

DatasetSpec DatasetSpec::with_split(std::string_view new_split) const {
  DatasetSpec spec = *this;
  if (!split.empty()) spec.text.resize(text.size() - split.size() - 1);
  spec.split = new_split;
  if (!new_split.empty()) spec.text += fmt::format("#{}", new_split);
  return spec;
}

DatasetSpec DatasetSpec::without_labels() const {
  if (labels.empty()) return *this;
  std::string plain = kind;
  if (!location.empty()) plain += ":" + location;
  const ReadingOptions defaults;
  ReadingOptions::fields(reading, [&]<class T>(const T& value, const FieldInfo& info) {
    if (value == field_called<T>(defaults, info.name)) return;
    plain += std::is_same_v<T, bool> ? fmt::format(",{}", info.name)
                                     : fmt::format(",{}={}", info.name, value);
  });
  return parse(split.empty() ? plain : fmt::format("{}#{}", plain, split));
}

DatasetSpec DatasetSpec::with_reading(const ReadingOptions& options) const {
  std::vector<std::string> added;
  const ReadingOptions defaults;
  ReadingOptions::fields(options, [&]<class T>(const T& value, const FieldInfo& info) {
    const T own = field_called<T>(reading, info.name);
    const T unset = field_called<T>(defaults, info.name);
    if (value == unset || value == own) return;
    if (own != unset) {
      fail(text, fmt::format("{} is {} here and {} as an option", info.name, own, value));
    }
    added.push_back(std::is_same_v<T, bool> ? info.name : fmt::format("{}={}", info.name, value));
  });
  std::string joined = with_split("").text;
  for (const auto& option : added) joined += "," + option;
  return parse(split.empty() ? joined : fmt::format("{}#{}", joined, split));
}

}  // namespace winnow::io
