#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/files.hpp"

namespace winnow::io {

/// One file of an image folder or archive.
struct StoredFile {
  std::string path;        ///< relative to the root, parts separated by '/'
  std::size_t offset = 0;  ///< in an archive
  std::size_t size = 0;    ///< in an archive
};

/// The bytes of one file, and what keeps them in memory.
struct StoredBytes {
  std::optional<MappedFile> file;
  std::span<const std::byte> bytes;
};

/// A tree of files: a folder on disk or a tar archive. Hidden names (`.x`) are not seen.
class ImageStore {
 public:
  virtual ~ImageStore() = default;

  /// Names of the folders directly inside `folder` ("": the root), in byte order.
  virtual std::vector<std::string> folders(const std::string& folder) const = 0;
  /// Paths of the files directly inside `folder`.
  virtual std::vector<std::string> loose_files(const std::string& folder) const = 0;
  /// Every file below `folder` and its sub-folders, in no particular order.
  virtual std::vector<StoredFile> files(const std::string& folder) const = 0;
  virtual StoredBytes bytes(const StoredFile& file) const = 0;
  /// "photos/cat/1.png" or "photos.tar: member cat/1.png".
  virtual std::string name(const std::string& path) const = 0;
  /// Where the file lies on disk by itself, if it does.
  virtual std::optional<std::filesystem::path> disk_path(const StoredFile& file) const = 0;
};

/// @throws BadFile not readable; a link to nothing or, below the class folders, to a folder.
std::unique_ptr<ImageStore> open_folder_store(const std::filesystem::path& root);
/// @throws BadFile not a plain tar, truncated, damaged; members that are links, sparse, absolute,
///         have `..` in their path or come twice.
std::unique_ptr<ImageStore> open_tar_store(const std::filesystem::path& path);

/// Whether the name ends in .jpg, .jpeg or .png, in any case.
bool has_image_extension(const std::string& path);

}  // namespace winnow::io
