#include <fmt/format.h>

#include <algorithm>

#include "io/image_store.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

class FolderStore final : public ImageStore {
 public:
  explicit FolderStore(fs::path root) : root_(std::move(root)) {}

  std::vector<std::string> folders(const std::string& folder) const override {
    std::vector<std::string> names;
    for (const auto& entry : list(root_ / folder)) {
      if (entry.is_directory()) names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::vector<std::string> loose_files(const std::string& folder) const override {
    std::vector<std::string> paths;
    for (const auto& entry : list(root_ / folder)) {
      if (!entry.is_directory()) {
        paths.push_back((fs::path(folder) / entry.path().filename()).string());
      }
    }
    return paths;
  }

  std::vector<StoredFile> files(const std::string& folder) const override {
    std::vector<StoredFile> found;
    walk(folder, 0, found);
    return found;
  }

  StoredBytes bytes(const StoredFile& file) const override {
    MappedFile mapped(root_ / file.path);
    const auto bytes = mapped.bytes();
    return {std::move(mapped), bytes};
  }

  std::string name(const std::string& path) const override { return (root_ / path).string(); }
  std::optional<fs::path> disk_path(const StoredFile& file) const override {
    return root_ / file.path;
  }

 private:
  static std::vector<fs::directory_entry> list(const fs::path& folder) {
    std::vector<fs::directory_entry> entries;
    std::error_code code;
    auto entry = fs::directory_iterator(folder, code);
    for (; !code && entry != fs::directory_iterator(); entry.increment(code)) {
      if (!entry->path().filename().string().starts_with('.')) entries.push_back(*entry);
    }
    if (code) {
      throw BadFile(fmt::format("{}: cannot list: {}", folder.string(), code.message()));
    }
    return entries;
  }

  /// Links to class folders are welcome; deeper ones could lead in circles.
  void walk(const std::string& folder, int depth, std::vector<StoredFile>& found) const {
    for (const auto& entry : list(root_ / folder)) {
      const std::string name = entry.path().filename().string();
      std::string path = folder.empty() ? name : fmt::format("{}/{}", folder, name);
      std::error_code code;
      if (entry.is_directory(code)) {
        if (depth > 0 && entry.is_symlink(code)) {
          throw BadFile(
              fmt::format("{}: a link to a folder inside a class folder; expected files "
                          "or folders",
                          entry.path().string()));
        }
        walk(path, depth + 1, found);
      } else if (entry.is_regular_file(code)) {
        found.push_back({std::move(path)});
      } else {
        throw BadFile(fmt::format("{}: {}; expected a file or a folder", entry.path().string(),
                                  entry.is_symlink(code) ? "a link to nothing" : "a special file"));
      }
    }
  }

  fs::path root_;
};

}  // namespace

std::unique_ptr<ImageStore> open_folder_store(const fs::path& root) {
  return std::make_unique<FolderStore>(root);
}

}  // namespace winnow::io
