#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// Which part of a tree of images is the dataset, as ImageFolder lays it out.
struct FolderLayout {
  std::string folder;                    ///< of the split, or "" for the whole tree
  std::string split;                     ///< as Dataset::split()
  std::vector<std::string> class_names;  ///< folders in `train` or at the top, in byte order

  /// Where a path's class begins.
  std::size_t prefix() const { return folder.empty() ? 0 : folder.size() + 1; }
  /// The first folder of a path below `folder`; "" for a file that lies there by itself.
  std::string_view class_of(std::string_view path) const;
  /// Order of torchvision's ImageFolder, in bytes: by class, then folder, then name.
  bool before(std::string_view a, std::string_view b) const;
};

/// Finds the split. A tree has splits when the only folders at its top are train and test (or val);
/// it then opens as train, and both splits number the classes as train does.
/// @param tops        folders at the top, in byte order
/// @param folders_in  lists the folders inside one of them, in byte order
/// @throws InvalidArgument a split is asked for and there are none.
FolderLayout find_layout(
    const DatasetSpec& spec, const std::vector<std::string>& tops,
    const std::function<std::vector<std::string>(const std::string&)>& folders_in);

/// Whether a tree with these top folders has splits.
bool has_splits(const std::vector<std::string>& tops);

/// Paths of images, in order, and how messages name them.
struct LayoutPaths {
  std::int64_t count = 0;
  std::function<std::string_view(std::int64_t)> at;
  std::function<std::string(std::string_view)> name;
};

struct FolderLabels {
  std::vector<std::int32_t> values;  ///< [n]; empty when no image lies in a class folder
  std::vector<std::string> class_names;
};

/// Labels images by their folders.
/// @throws BadFile no images; some in class folders and some beside them; a class folder without
///         images (but in the test split), a class that train does not have.
FolderLabels label_by_folders(const FolderLayout& layout, const LayoutPaths& paths);

[[noreturn]] void throw_stray_image(const std::string& name);

}  // namespace winnow::io
