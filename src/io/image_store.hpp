#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// Image files where they lie, in the order of their dataset. Thread-safe.
class ImageStore {
 public:
  virtual ~ImageStore() = default;

  virtual std::int64_t size() const = 0;
  virtual std::string key(std::int64_t index) const = 0;
  /// "photos/cat/1.png" or "photos.tar: member cat/1.png", for messages.
  virtual std::string name(std::int64_t index) const = 0;
  /// Calls `use` with the bytes of the file, which are there during the call only.
  /// @throws BadFile not readable, or changed meanwhile, whatever `use` made of it.
  virtual void visit(std::int64_t index,
                     const std::function<void(std::span<const std::byte>)>& use) const = 0;
  /// As Dataset::file() and Dataset::files().
  virtual std::optional<std::filesystem::path> file(std::int64_t /*index*/) const { return {}; }
  virtual std::vector<ExampleFile> files(std::int64_t /*index*/) const { return {}; }
};

/// All that is known of a dataset's images before one is looked at.
struct ImageListing {
  std::unique_ptr<ImageStore> store;
  std::string split;                     ///< as Dataset::split()
  std::vector<std::int32_t> labels;      ///< [n], or empty
  std::vector<std::string> class_names;  ///< empty without labels
  std::vector<InputFile> inputs;
};

/// A folder in ImageFolder layout, or of images without classes. Names are listed, no file is
/// opened; links to files and to class folders are followed.
/// @throws BadFile a folder that cannot be listed; a link to nothing or, below the class folders,
///         to a folder; special files; what label_by_folders() throws.
ImageListing list_folder(const DatasetSpec& spec, Progress& progress);

/// Names of the folders in a folder, in byte order.
std::vector<std::string> folders_in(const std::filesystem::path& folder);

/// Tars, either WebDataset shards or together one tree in ImageFolder layout. Headers are read, and
/// the labels of WebDataset.
/// @throws BadFile not a plain tar, truncated, damaged; members that are links, sparse, absolute,
///         have `..` in their path or come twice; see web_dataset.hpp and label_by_folders().
ImageListing list_tars(const DatasetSpec& spec, const std::vector<std::filesystem::path>& shards,
                       Progress& progress);

/// The files that a CSV or JSONL manifest names, in its order. @throws BadFile naming the line.
ImageListing list_manifest(const DatasetSpec& spec, Progress& progress);

/// Whatever `images:` may name: one of the above, or several tars by glob, braces, comma list or
/// folder. @throws BadFile also when there is no such thing.
ImageListing list_images(const DatasetSpec& spec, Progress& progress);

}  // namespace winnow::io
