#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "io/braces.hpp"
#include "io/datasets.hpp"
#include "io/folder_layout.hpp"
#include "io/image_names.hpp"
#include "io/image_store.hpp"
#include "io/label_table.hpp"
#include "io/natural_order.hpp"
#include "io/shards.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

bool ends_in(const fs::path& path, std::string_view extension) {
  std::string own = path.extension().string();
  for (char& c : own) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return own == extension;
}

/// The shards of a folder that holds tars and neither images nor folders, else none.
std::vector<fs::path> tars_in(const fs::path& folder, PassedOver& others) {
  std::vector<fs::path> tars;
  std::error_code code;
  auto entry = fs::directory_iterator(folder, code);
  for (; !code && entry != fs::directory_iterator(); entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) continue;
    const FileRole role = file_role(name);
    std::error_code ignored;
    if (role == FileRole::image || role == FileRole::other_image) return {};
    if (entry->is_directory(ignored)) return {};
    if (ends_in(name, ".tar")) {
      tars.push_back(entry->path());
    } else {
      others.add(name);
    }
  }
  if (code) throw BadFile(fmt::format("{}: cannot list: {}", folder.string(), code.message()));
  std::sort(tars.begin(), tars.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.native(), b.native());
  });
  return tars;
}

std::vector<fs::path> expand_tars(const DatasetSpec& spec) {
  std::vector<fs::path> tars;
  for (const auto& name : expand_braces(spec.location)) {
    std::error_code ignored;
    const bool pattern =
        name.find_first_of("*?[") != std::string::npos && !fs::exists(name, ignored);
    if (pattern) {
      for (auto& path : matching_files(name)) tars.push_back(std::move(path));
    } else if (fs::is_regular_file(name, ignored)) {
      tars.emplace_back(name);
    } else {
      throw BadFile(fmt::format("{}: no such {}", name.empty() ? "''" : name,
                                name == spec.location ? "folder, .tar, .csv or .jsonl" : ".tar"));
    }
  }
  for (const auto& path : tars) {
    if (!is_table_name(path)) continue;
    throw BadFile(
        fmt::format("{}: a manifest in a list of shards; expected it by itself", path.string()));
  }
  return tars;
}

}  // namespace

ImageListing list_images(const DatasetSpec& spec, Progress& progress) {
  std::error_code ignored;
  if (fs::is_directory(spec.location, ignored)) {
    PassedOver others;
    const std::vector<fs::path> tars = tars_in(spec.location, others);
    if (tars.empty()) return list_folder(spec, progress);
    others.tell(spec.text, progress);
    return list_tars(spec, tars, progress);
  }
  if (!fs::exists(spec.location, ignored)) return list_tars(spec, expand_tars(spec), progress);
  if (is_table_name(spec.location)) return list_manifest(spec, progress);
  return list_tars(spec, {spec.location}, progress);
}

bool images_have_test_split(const DatasetSpec& spec) {
  std::error_code ignored;
  PassedOver others;
  if (!fs::is_directory(spec.location, ignored) || !tars_in(spec.location, others).empty()) {
    return !list_images(spec.with_split(""), silent()).split.empty();
  }
  return has_splits(folders_in(spec.location));
}

}  // namespace winnow::io
