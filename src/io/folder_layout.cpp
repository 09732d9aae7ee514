#include "io/folder_layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "io/image_names.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::size_t index_of_class(const FolderLayout& layout, const LayoutPaths& paths,
                           std::string_view path) {
  const auto& names = layout.class_names;
  const std::string_view name = layout.class_of(path);
  const auto found = std::lower_bound(names.begin(), names.end(), name);
  if (found == names.end() || *found != name) {
    throw BadFile(fmt::format("{}: class '{}' has no folder in train", paths.name(path), name));
  }
  return static_cast<std::size_t>(found - names.begin());
}

/// A class without images is a mistake, but where it is the test split that lacks it.
void require_images_in_each(const FolderLayout& layout, const LayoutPaths& paths,
                            const std::vector<std::int32_t>& labels) {
  if (layout.split == "test") return;
  std::vector<bool> seen(layout.class_names.size());
  for (const std::int32_t label : labels) seen[static_cast<std::size_t>(label)] = true;
  const auto empty = std::find(seen.begin(), seen.end(), false);
  if (empty == seen.end()) return;
  const std::string& name = layout.class_names[static_cast<std::size_t>(empty - seen.begin())];
  throw BadFile(fmt::format("{}: no {} images in this class folder; add some or remove it",
                            paths.name(layout.folder.empty() ? name : layout.folder + "/" + name),
                            image_formats));
}

}  // namespace

std::string_view FolderLayout::class_of(std::string_view path) const {
  const std::string_view rest = path.substr(prefix());
  const std::size_t slash = rest.find('/');
  return slash == std::string_view::npos ? std::string_view() : rest.substr(0, slash);
}

bool FolderLayout::before(std::string_view a, std::string_view b) const {
  // npos + 1 is 0: a file at the top has an empty folder.
  const std::size_t a_name = a.rfind('/') + 1;
  const std::size_t b_name = b.rfind('/') + 1;
  const std::string_view a_folder = a.substr(0, a_name);
  const std::string_view b_folder = b.substr(0, b_name);
  if (a_folder == b_folder) return a.substr(a_name) < b.substr(b_name);
  const std::string_view a_class = class_of(a);
  const std::string_view b_class = class_of(b);
  if (a_class != b_class) return a_class < b_class;
  // Without its last slash, as a folder `x` comes before `x-1`.
  return a_folder.substr(0, a_name - 1) < b_folder.substr(0, b_name - 1);
}

bool has_splits(const std::vector<std::string>& tops) {
  const bool train = contains(tops, "train");
  const std::size_t known = std::size_t{train} + contains(tops, "test") + contains(tops, "val");
  return train && known >= 2 && known == tops.size();
}

FolderLayout find_layout(
    const DatasetSpec& spec, const std::vector<std::string>& tops,
    const std::function<std::vector<std::string>(const std::string&)>& folders_in) {
  if (!has_splits(tops)) {
    if (spec.split.empty()) return {"", "", tops};
    throw InvalidArgument(
        fmt::format("{}: no splits in it; expected the folders train and test (or val) and no "
                    "others",
                    spec.text));
  }
  const std::string split = spec.split.empty() ? "train" : spec.split;
  const std::string folder = split == "test" && !contains(tops, "test") ? "val" : split;
  return {folder, split, folders_in("train")};
}

void throw_stray_image(const std::string& name) {
  throw BadFile(fmt::format("{}: an image outside the class folders; expected CLASS/NAME", name));
}

FolderLabels label_by_folders(const FolderLayout& layout, const LayoutPaths& paths) {
  if (paths.count == 0) {
    throw BadFile(fmt::format("{}: no {} images in it; expected CLASS/NAME.png",
                              paths.name(layout.folder), image_formats));
  }
  // Images beside the class folders come first.
  const std::string_view first = paths.at(0);
  if (layout.class_of(first).empty()) {
    const bool mixed = !layout.class_of(paths.at(paths.count - 1)).empty();
    if (mixed || (layout.split == "test" && !layout.class_names.empty())) {
      throw_stray_image(paths.name(first));
    }
    return {};
  }
  FolderLabels labels;
  labels.values.reserve(static_cast<std::size_t>(paths.count));
  std::string_view last_class;
  std::int32_t label = -1;
  for (std::int64_t i = 0; i < paths.count; ++i) {
    const std::string_view path = paths.at(i);
    const std::string_view name = layout.class_of(path);
    if (label < 0 || name != last_class) {
      label = static_cast<std::int32_t>(index_of_class(layout, paths, path));
      last_class = name;
    }
    labels.values.push_back(label);
  }
  require_images_in_each(layout, paths, labels.values);
  labels.class_names = layout.class_names;
  return labels;
}

}  // namespace winnow::io
