#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "io/image_store.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

struct FreeArchive {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using ArchivePtr = std::unique_ptr<archive, FreeArchive>;

/// The parts of a member's path: `./cat//1.png` gives cat, 1.png.
std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const auto& part : parts) path += path.empty() ? part : "/" + part;
  return path;
}

/// Finds every member of a mapped tar once; libarchive reads the headers, and the data of a plain
/// tar come back as pointers into the mapping.
class TarIndexer {
 public:
  explicit TarIndexer(const MappedFile& file)
      : file_(file), name_(file.path().string()), handle_(archive_read_new()) {
    if (!handle_) throw std::bad_alloc();
    require_plain();
    archive_read_support_filter_none(handle_.get());
    archive_read_support_format_tar(handle_.get());
    if (archive_read_open_memory(handle_.get(), file.bytes().data(), file.bytes().size()) !=
        ARCHIVE_OK) {
      fail();
    }
  }

  std::vector<StoredFile> run() {
    archive_entry* entry = nullptr;
    int code = 0;
    while ((code = archive_read_next_header(handle_.get(), &entry)) != ARCHIVE_EOF) {
      if (code != ARCHIVE_OK && code != ARCHIVE_WARN) fail();
      add(entry);
    }
    require_end_marker();
    std::sort(files_.begin(), files_.end(),
              [](const StoredFile& a, const StoredFile& b) { return a.path < b.path; });
    const auto twice =
        std::adjacent_find(files_.begin(), files_.end(),
                           [](const auto& a, const auto& b) { return a.path == b.path; });
    if (twice != files_.end()) fail_member(twice->path, "is there twice; remove one of them");
    return std::move(files_);
  }

  std::set<std::string> take_folders() { return std::move(folders_); }

 private:
  [[noreturn]] void fail() const {
    const char* reason = archive_error_string(handle_.get());
    throw BadFile(fmt::format("{}: damaged or truncated tar near byte {}: {}", name_,
                              archive_read_header_position(handle_.get()),
                              reason == nullptr ? "no reason given" : reason));
  }

  [[noreturn]] void fail_member(const std::string& path, const std::string& found) const {
    throw BadFile(fmt::format("{}: member {} {}", name_, path, found));
  }

  void require_plain() const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
    const std::string_view text(reinterpret_cast<const char*>(file_.bytes().data()),
                                file_.bytes().size());
    if (text.empty()) throw BadFile(fmt::format("{}: the file is empty; expected a tar", name_));
    using std::string_view_literals::operator""sv;
    for (const std::string_view magic : {"\x1F\x8B"sv, "BZh"sv,
                                         "\xFD"
                                         "7zXZ"sv,
                                         "\x28\xB5\x2F\xFD"sv}) {
      if (!text.starts_with(magic)) continue;
      throw BadFile(fmt::format(
          "{}: a compressed archive, in which images cannot be found at random; decompress it to "
          "a plain .tar first",
          name_));
    }
  }

  /// Every tar ends in blocks of zeros; without one, the end is missing.
  void require_end_marker() const {
    constexpr std::size_t block = 512;
    const auto bytes = file_.bytes();
    const auto last = bytes.last(std::min(block, bytes.size()));
    if (std::all_of(last.begin(), last.end(), [](std::byte b) { return b == std::byte{0}; })) {
      return;
    }
    throw BadFile(fmt::format("{}: truncated tar: {} bytes that do not end in a block of zeros",
                              name_, bytes.size()));
  }

  void add(archive_entry* entry) {
    const char* text = archive_entry_pathname(entry);
    if (text == nullptr) text = archive_entry_pathname_utf8(entry);
    if (text == nullptr) fail();
    const std::string path = text;
    const std::vector<std::string> parts = split_path(path);
    if (path.starts_with('/') || std::find(parts.begin(), parts.end(), "..") != parts.end()) {
      fail_member(path, "is absolute or has .. in its path; expected paths inside the archive");
    }
    if (std::any_of(parts.begin(), parts.end(), [](const auto& p) { return p.starts_with('.'); })) {
      return;
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) {
      folders_.insert(joined(parts));
      return;
    }
    const bool link = archive_entry_hardlink(entry) != nullptr;
    if (archive_entry_filetype(entry) == AE_IFREG && !link) {
      add_file(entry, joined(parts));
    } else if (has_image_extension(path)) {
      fail_member(path,
                  "is a link or a special file; expected a regular file; make the archive "
                  "with tar --dereference --hard-dereference");
    }
  }

  void add_file(archive_entry* entry, std::string path) {
    StoredFile file{std::move(path), 0, static_cast<std::size_t>(archive_entry_size(entry))};
    if (archive_entry_sparse_count(entry) > 0) fail_member(file.path, "is stored as a sparse file");
    if (file.size > 0) {
      const void* data = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      if (archive_read_data_block(handle_.get(), &data, &size, &offset) != ARCHIVE_OK) fail();
      const std::byte* begin = file_.bytes().data();
      const auto* found = static_cast<const std::byte*>(data);
      if (size != file.size || offset != 0 || std::less<>{}(found, begin) ||
          std::less<>{}(begin + file_.bytes().size(), found + size)) {
        fail_member(file.path, "is not stored in one piece; make the archive again with GNU tar");
      }
      file.offset = static_cast<std::size_t>(found - begin);
    }
    files_.push_back(std::move(file));
  }

  const MappedFile& file_;
  std::string name_;
  ArchivePtr handle_;
  std::vector<StoredFile> files_;
  std::set<std::string> folders_;
};

class TarStore final : public ImageStore {
 public:
  explicit TarStore(const fs::path& path) : file_(path) {
    TarIndexer indexer(file_);
    files_ = indexer.run();
    folders_ = indexer.take_folders();
    for (const auto& file : files_) {
      for (std::size_t slash = file.path.find('/'); slash != std::string::npos;
           slash = file.path.find('/', slash + 1)) {
        folders_.insert(file.path.substr(0, slash));
      }
    }
  }

  std::vector<std::string> folders(const std::string& folder) const override {
    const std::string prefix = prefix_of(folder);
    std::vector<std::string> names;
    for (const auto& path : folders_) {
      if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos &&
          path.size() > prefix.size()) {
        names.push_back(path.substr(prefix.size()));
      }
    }
    return names;
  }

  std::vector<std::string> loose_files(const std::string& folder) const override {
    const std::string prefix = prefix_of(folder);
    std::vector<std::string> paths;
    for (const auto& file : files(folder)) {
      if (file.path.find('/', prefix.size()) == std::string::npos) paths.push_back(file.path);
    }
    return paths;
  }

  std::vector<StoredFile> files(const std::string& folder) const override {
    const std::string prefix = prefix_of(folder);
    std::vector<StoredFile> found;
    std::copy_if(files_.begin(), files_.end(), std::back_inserter(found),
                 [&](const StoredFile& file) { return file.path.starts_with(prefix); });
    return found;
  }

  StoredBytes bytes(const StoredFile& file) const override {
    return {std::nullopt, file_.bytes().subspan(file.offset, file.size)};
  }

  std::string name(const std::string& path) const override {
    return fmt::format("{}: member {}", file_.path().string(), path);
  }
  std::optional<fs::path> disk_path(const StoredFile& /*file*/) const override { return {}; }

 private:
  static std::string prefix_of(const std::string& folder) {
    return folder.empty() ? "" : folder + "/";
  }

  MappedFile file_;
  std::vector<StoredFile> files_;
  std::set<std::string> folders_;
};

}  // namespace

std::unique_ptr<ImageStore> open_tar_store(const fs::path& path) {
  return std::make_unique<TarStore>(path);
}

}  // namespace winnow::io
