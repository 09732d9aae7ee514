#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "winnow/core/error.hpp"
#include "winnow/core/options.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

namespace {

constexpr const char* forms =
    "expected fashion-mnist[:DIR], mnist:DIR, images:PATH or npy:FILE[,labels=FILE]";

const std::vector<std::string> known_kinds = {"fashion-mnist", "mnist", "images", "npy"};
const std::vector<std::string> planned_kinds = {"cifar10", "cifar100", "svhn"};

bool contains(const std::vector<std::string>& kinds, const std::string& kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

[[noreturn]] void fail(std::string_view text, const std::string& found) {
  throw InvalidArgument(fmt::format("data = '{}': {}", text, found));
}

[[noreturn]] void fail_unknown_kind(const DatasetSpec& spec) {
  if (contains(planned_kinds, spec.kind)) {
    fail(spec.text, fmt::format("{} is not supported yet; {}", spec.kind, forms));
  }
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

/// Cuts `#train` or `#test` off the end; a `#` inside a path stays.
std::string_view cut_split(std::string_view text, std::string& split) {
  const std::size_t hash = text.rfind('#');
  if (hash == std::string_view::npos || text.find('/', hash) != std::string_view::npos) return text;
  split = text.substr(hash + 1);
  if (split != "train" && split != "test") {
    fail(text, fmt::format("unknown split '{}'; expected #train or #test", split));
  }
  return text.substr(0, hash);
}

}  // namespace

DatasetSpec DatasetSpec::parse(std::string_view text) {
  DatasetSpec spec;
  spec.text = text;
  const std::string_view rest = cut_split(text, spec.split);
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  spec.kind = rest.substr(0, colon);
  if (!contains(known_kinds, spec.kind)) fail_unknown_kind(spec);
  if (colon < rest.size()) spec.location = rest.substr(colon + 1);

  constexpr std::string_view labels = ",labels=";
  if (const std::size_t at = spec.location.find(labels); at != std::string::npos) {
    if (spec.kind != "npy") fail(text, "only npy: takes labels; the others bring their own");
    spec.labels = spec.location.substr(at + labels.size());
    spec.location.resize(at);
    if (spec.labels.empty()) fail(text, "no file after labels=");
  }
  if (spec.location.empty() && (spec.kind != "fashion-mnist" || colon < rest.size())) {
    fail(text, fmt::format("nothing after the kind; {}", forms));
  }
  if (spec.kind == "npy" && !spec.split.empty()) fail(text, "npy has no splits; leave # out");
  return spec;
}

DatasetSpec DatasetSpec::with_split(std::string_view new_split) const {
  DatasetSpec spec = *this;
  if (!split.empty()) spec.text.resize(text.size() - split.size() - 1);
  spec.split = new_split;
  if (!new_split.empty()) spec.text += fmt::format("#{}", new_split);
  return spec;
}

}  // namespace winnow::io
