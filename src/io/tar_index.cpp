#include "io/tar_index.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <new>

#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

constexpr std::int64_t members_per_look = 4096;  // between two looks at progress
constexpr std::size_t block_size = 512;

struct FreeArchive {
  void operator()(archive* handle) const { archive_read_free(handle); }
};

enum class PathKind { inside, hidden, outside };

/// `./cat//1.png` becomes cat/1.png.
PathKind tidy_path(std::string_view path, std::string& tidy) {
  tidy.clear();
  if (path.starts_with('/')) return PathKind::outside;
  PathKind kind = PathKind::inside;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return PathKind::outside;
    if (part.starts_with('.')) kind = PathKind::hidden;
    if (!tidy.empty()) tidy += '/';
    tidy += part;
  }
  return kind;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// libarchive reads the headers, and the data of a plain tar come back as pointers into the memory
/// it lies in, which are never followed.
class TarIndexer {
 public:
  TarIndexer(std::span<const std::byte> bytes, std::string name)
      : bytes_(bytes), name_(std::move(name)), handle_(archive_read_new()) {
    if (!handle_) throw std::bad_alloc();
    archive_read_support_filter_none(handle_.get());
    archive_read_support_format_tar(handle_.get());
    const int code = archive_read_open_memory(handle_.get(), bytes.data(), bytes.size());
    if (code != ARCHIVE_OK) fail();
  }

  TarIndex run(bool whole_tar, Progress& progress) {
    archive_entry* entry = nullptr;
    int code = 0;
    std::int64_t count = 0;
    while ((code = archive_read_next_header(handle_.get(), &entry)) != ARCHIVE_EOF) {
      if (code != ARCHIVE_OK && code != ARCHIVE_WARN) fail();
      add(entry);
      if (++count % members_per_look != 0) continue;
      progress.throw_if_cancelled();
      progress.advance(members_per_look);
    }
    progress.advance(count % members_per_look);
    index_.end = position();
    if (whole_tar) require_end_marker();
    return std::move(index_);
  }

  /// Every tar ends in blocks of zeros; without them the end is missing, and what follows them
  /// would not be seen.
  void require_end_marker() const {
    const std::string_view rest = text_of(bytes_).substr(index_.end);
    const std::size_t more = rest.find_first_not_of('\0');
    if (more == std::string_view::npos && rest.size() >= block_size) return;
    if (more == std::string_view::npos) {
      throw BadFile(fmt::format("{}: truncated tar: {} bytes that do not end in a block of zeros",
                                name_, bytes_.size()));
    }
    throw BadFile(
        fmt::format("{}: more data at byte {}, behind the tar's end at byte {}; tars joined by cat "
                    "are read as shards, each in its own file",
                    name_, index_.end + more, index_.end));
  }

 private:
  [[noreturn]] void fail() const {
    const char* reason = archive_error_string(handle_.get());
    throw BadFile(fmt::format("{}: damaged or truncated tar near byte {}: {}", name_, position(),
                              reason == nullptr ? "no reason given" : reason));
  }

  /// Where the headers last read begin.
  std::uint64_t position() const {
    return static_cast<std::uint64_t>(archive_read_header_position(handle_.get()));
  }

  [[noreturn]] void fail_member(std::string_view path, const std::string& found) const {
    throw BadFile(fmt::format("{} {}", member_name(name_, path), found));
  }

  void add(archive_entry* entry) {
    const char* text = archive_entry_pathname(entry);
    if (text == nullptr) text = archive_entry_pathname_utf8(entry);
    if (text == nullptr) fail();
    const PathKind kind = tidy_path(text, path_);
    if (kind == PathKind::outside) {
      fail_member(text, "is absolute or has .. in its path; expected paths inside the archive");
    }
    TarMember member;
    member.header = position();
    if (archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr) {
      member.role = file_role(path_);
      find_data(entry, member);
    } else if (archive_entry_filetype(entry) != AE_IFDIR && kind == PathKind::inside &&
               file_role(path_) != FileRole::other) {
      fail_member(path_,
                  "is a link or a special file; expected a regular file; make the archive with "
                  "tar --dereference --hard-dereference");
    }
    if (kind == PathKind::hidden || path_.empty()) return;
    if (archive_entry_filetype(entry) == AE_IFDIR) {
      index_.folders.push_back(path_);
      return;
    }
    index_.paths.add(path_);
    index_.members.push_back(member);
  }

  void find_data(archive_entry* entry, TarMember& member) {
    const la_int64_t claimed = archive_entry_size(entry);
    member.size = static_cast<std::uint64_t>(std::max<la_int64_t>(claimed, 0));
    if (member.size == 0) return;
    if (member.size > bytes_.size()) {
      fail_member(path_, fmt::format("claims {} bytes, but the tar has {} in all; it is damaged or "
                                     "truncated",
                                     member.size, bytes_.size()));
    }
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const bool sparse = archive_entry_sparse_count(entry) > 0;
    if (!sparse && archive_read_data_block(handle_.get(), &data, &size, &offset) != ARCHIVE_OK) {
      fail();
    }
    const auto* found = static_cast<const std::byte*>(data);
    const bool whole = !sparse && size == member.size && offset == 0 &&
                       !std::less<>{}(found, bytes_.data()) &&
                       !std::less<>{}(bytes_.data() + bytes_.size(), found + size);
    if (whole) {
      member.offset = static_cast<std::uint64_t>(found - bytes_.data());
      return;
    }
    if (member.role != FileRole::other) {
      fail_member(path_, sparse ? "is stored as a sparse file; make the archive without --sparse"
                                : "is cut off or not stored in one piece; make the archive again");
    }
    member.size = 0;
  }

  std::span<const std::byte> bytes_;
  std::string name_;
  std::unique_ptr<archive, FreeArchive> handle_;
  TarIndex index_;
  std::string path_;
};

void require_plain(const MappedFile& file) {
  const std::string_view text = text_of(file.bytes());
  const std::string name = file.path().string();
  if (text.empty()) throw BadFile(fmt::format("{}: the file is empty; expected a tar", name));
  using std::string_view_literals::operator""sv;
  constexpr std::array<std::string_view, 4> magics = {"\x1F\x8B"sv, "BZh"sv,
                                                      "\xFD"
                                                      "7zXZ"sv,
                                                      "\x28\xB5\x2F\xFD"sv};
  for (const std::string_view magic : magics) {
    if (!text.starts_with(magic)) continue;
    throw BadFile(fmt::format(
        "{}: a compressed archive, in which images cannot be found at random; decompress it to a "
        "plain .tar first",
        name));
  }
}

}  // namespace

TarIndex index_tar(const MappedFile& file, Progress& progress) {
  return file.intact([&] {
    require_plain(file);
    TarIndexer indexer(file.bytes(), file.path().string());
    TarIndex index = indexer.run(true, progress);
    index.paths.shrink();
    index.members.shrink_to_fit();
    return index;
  });
}

TarIndex index_tar_piece(std::span<const std::byte> bytes, const std::string& name) {
  return TarIndexer(bytes, name).run(false, silent());
}

}  // namespace winnow::io
