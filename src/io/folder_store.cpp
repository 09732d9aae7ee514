#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/folder_layout.hpp"
#include "io/image_names.hpp"
#include "io/image_store.hpp"
#include "io/ordered_blocks.hpp"
#include "io/path_table.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

struct Entries {
  Names folders;
  Names files;
};

/// Lists one folder by the types that its entries carry: no file is looked at but links. Hidden
/// names (`.x`) are not seen.
class Lister {
 public:
  Lister(const fs::path& folder, bool links_to_folders)
      : folder_(folder), links_to_folders_(links_to_folders), handle_(::opendir(folder.c_str())) {
    if (handle_ == nullptr) fail(errno);
  }
  ~Lister() { ::closedir(handle_); }
  Lister(const Lister&) = delete;
  Lister& operator=(const Lister&) = delete;

  /// In byte order.
  Entries run() {
    Entries found;
    errno = 0;
    while (const dirent* entry = ::readdir(handle_)) {
      const char* name = entry->d_name;
      if (name[0] == '.') continue;
      (is_folder(*entry) ? found.folders : found.files).emplace_back(name);
      errno = 0;
    }
    if (errno != 0) fail(errno);
    std::sort(found.folders.begin(), found.folders.end());
    std::sort(found.files.begin(), found.files.end());
    return found;
  }

 private:
  [[noreturn]] void fail(int code) const {
    throw BadFile(fmt::format("{}: cannot list: {}", folder_.string(), std::strerror(code)));
  }
  [[noreturn]] void fail_entry(const dirent& entry, const char* found) const {
    throw BadFile(fmt::format("{}: {}", (folder_ / entry.d_name).string(), found));
  }

  bool is_folder(const dirent& entry) const {
    if (entry.d_type == DT_REG) return false;
    if (entry.d_type == DT_DIR) return true;
    struct stat info {};
    struct stat target {};
    if (::fstatat(::dirfd(handle_), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      fail_entry(entry, "cannot be looked at; was it removed meanwhile?");
    }
    const bool link = S_ISLNK(info.st_mode);
    if (link && ::fstatat(::dirfd(handle_), entry.d_name, &target, 0) != 0) {
      fail_entry(entry, "a link to nothing; expected a file or a folder");
    }
    const mode_t mode = link ? target.st_mode : info.st_mode;
    if (S_ISREG(mode)) return false;
    if (!S_ISDIR(mode)) fail_entry(entry, "a special file; expected a file or a folder");
    if (link && !links_to_folders_) {
      fail_entry(entry, "a link to a folder inside a class folder; expected files or folders");
    }
    return true;
  }

  fs::path folder_;
  bool links_to_folders_;
  DIR* handle_;
};

class FolderStore final : public ImageStore {
 public:
  FolderStore(fs::path root, PathTable paths) : root_(std::move(root)), paths_(std::move(paths)) {}

  std::int64_t size() const override { return paths_.size(); }
  std::string key(std::int64_t index) const override { return std::string(paths_[index]); }
  std::string name(std::int64_t index) const override { return (root_ / paths_[index]).string(); }
  void visit(std::int64_t index,
             const std::function<void(std::span<const std::byte>)>& use) const override {
    const std::string bytes = read_file(root_ / paths_[index]);
    use(std::as_bytes(std::span(bytes)));
  }
  std::optional<fs::path> file(std::int64_t index) const override { return root_ / paths_[index]; }

 private:
  fs::path root_;
  PathTable paths_;
};

/// The images of a part of the tree.
struct Part {
  PathTable paths;
  PassedOver others;
};

class FolderWalker {
 public:
  explicit FolderWalker(fs::path root) : root_(std::move(root)) {}

  Entries list(const std::string& folder) const { return Lister(root_ / folder, true).run(); }

  /// Every image below `folder`, in the layout's order.
  Part walk(const std::string& folder) const {
    std::vector<std::pair<std::string, Names>> folders;
    Names pending = {folder};
    while (!pending.empty()) {
      const std::string next = std::move(pending.back());
      pending.pop_back();
      Entries entries = Lister(root_ / next, false).run();
      for (const auto& name : entries.folders) pending.push_back(next + "/" + name);
      folders.emplace_back(next, std::move(entries.files));
    }
    std::sort(folders.begin(), folders.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    Part part;
    for (const auto& [path, names] : folders) take(path, names, part);
    return part;
  }

  /// The images among files that lie in one folder.
  void take(const std::string& folder, const Names& names, Part& part) const {
    std::string path = folder.empty() ? "" : folder + "/";
    const std::size_t length = path.size();
    for (const auto& name : names) {
      path.resize(length);
      path += name;
      const FileRole role = file_role(name);
      if (role == FileRole::other_image) throw_other_image((root_ / path).string());
      if (role == FileRole::image) {
        part.paths.add(path);
      } else {
        part.others.add(path);
      }
    }
  }

 private:
  fs::path root_;
};

void forbid_images_beside_splits(const fs::path& root, const Names& files) {
  for (const auto& name : files) {
    const FileRole role = file_role(name);
    if (role == FileRole::image || role == FileRole::other_image) {
      throw_stray_image((root / name).string());
    }
  }
}

/// One class folder is one block of work.
Part walk_all(const FolderWalker& walker, const std::string& top, const Entries& entries,
              Progress& progress) {
  const auto n_folders = static_cast<std::int64_t>(entries.folders.size());
  std::vector<Part> parts(entries.folders.size());
  ordered_blocks(n_folders, progress, [&](std::int64_t block) {
    const auto i = static_cast<std::size_t>(block);
    const std::string& name = entries.folders[i];
    parts[i] = walker.walk(top.empty() ? name : top + "/" + name);
    progress.advance(parts[i].paths.size());
    return true;
  });
  Part all;
  walker.take(top, entries.files, all);
  std::int64_t count = all.paths.size();
  std::size_t characters = all.paths.characters();
  for (const auto& part : parts) {
    count += part.paths.size();
    characters += part.paths.characters();
  }
  all.paths.reserve(count, characters);
  for (auto& part : parts) {
    all.paths.append(part.paths);
    all.others.add(part.others);
    part = {};
  }
  return all;
}

}  // namespace

std::vector<std::string> folders_in(const fs::path& folder) {
  return Lister(folder, true).run().folders;
}

ImageListing list_folder(const DatasetSpec& spec, Progress& progress) {
  const fs::path root = spec.location;
  const FolderWalker walker(root);
  Entries entries = walker.list("");
  const FolderLayout layout = find_layout(spec, entries.folders, [&](const std::string& folder) {
    return walker.list(folder).folders;
  });
  if (!layout.folder.empty()) {
    forbid_images_beside_splits(root, entries.files);
    entries = walker.list(layout.folder);
  }
  Part images = walk_all(walker, layout.folder, entries, progress);
  FolderLabels labels = label_by_folders(
      layout,
      {images.paths.size(), [&](std::int64_t i) { return images.paths[i]; },
       [&](std::string_view path) { return (path.empty() ? root : root / path).string(); }});
  images.others.tell(spec.text, progress);
  return {std::make_unique<FolderStore>(root, std::move(images.paths)),
          layout.split,
          std::move(labels.values),
          std::move(labels.class_names),
          {{spec.location, ""}}};
}

}  // namespace winnow::io
