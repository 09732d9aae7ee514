#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "winnow/core/error.hpp"

namespace winnow {

namespace detail {

struct MappingSlot;

/// What tells one state of a file from another.
struct FileState {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t seconds = 0;  ///< of the last modification
  std::int64_t nanoseconds = 0;
  bool operator==(const FileState&) const = default;
};

}  // namespace detail

/// A file that appears whole or not at all: bytes go to a temporary name in the target folder;
/// commit() fsyncs and renames. Destroyed without commit(), it removes the temporary file.
class AtomicFile {
 public:
  /// Missing parent folders are made. @throws WorkFailed when the file cannot be created.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// @throws WorkFailed naming the file and the reason (no space left, ...).
  void write(const void* bytes, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// fsync: what commit() still does afterwards needs no more space. @throws WorkFailed.
  void sync();
  /// fsync, close, rename, fsync of the folder. @throws WorkFailed for what any of them reports.
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Removes temporary files and folders that a killed process left in `folder` (not below it).
void remove_temporaries(const std::filesystem::path& folder);

/// Writes a whole file through AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view text);

/// Whole content, by plain reading: for small files cheaper than MappedFile, and what it returns
/// cannot change any more. @throws BadFile when missing, not a regular file, larger than
/// `max_bytes`, or when it shrinks meanwhile.
std::string read_file(const std::filesystem::path& path,
                      std::size_t max_bytes = std::size_t{1} << 30U);

/// Read-only memory map of a whole file; empty files map to an empty span.
///
/// The file may shrink, or its disk or server go away, while it is mapped. Reading the lost part
/// then gives zeros in place of a SIGBUS, from any thread, and require_intact() throws: call it
/// after reading and before believing. The first MappedFile of a process installs the handler of
/// SIGBUS that does this; signals about other memory go on to the handler that was there before,
/// and kill as they always did when there was none. Install handlers of your own before.
///
/// A file that is replaced by renaming another over it is no problem: the map keeps the old one.
class MappedFile {
 public:
  /// @throws BadFile when missing, a folder, or not readable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

  /// Maps these bytes at once, which costs less than touching page after page, and starts reading
  /// what lies behind them from disk. Only a hint: nothing is reported.
  void prefetch(std::size_t begin, std::size_t size) const noexcept;

  /// Whether all that was read so far was there; cheap, so call it after every block.
  /// @throws BadFile otherwise.
  void require_intact() const;
  /// require_intact(), and whether the file still has the length and time of modification that it
  /// had when it was mapped: call it once when all has been read. A file that is overwritten in
  /// place by one of the same length, on a file system that does not keep times, goes unnoticed.
  /// @throws BadFile otherwise.
  void require_unchanged() const;
  /// What `read()` returns. When the file was damaged meanwhile, that is the error, whatever
  /// read() returned or threw over the zeros it met. @throws BadFile, and what read() throws.
  template <class Read>
  std::invoke_result_t<const Read&> intact(const Read& read) const;

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  detail::MappingSlot* slot_ = nullptr;
  detail::FileState state_;
};

/// @throws OutputExists "PATH exists; give --force to replace it" unless `force` or absent.
void require_new_output(const std::filesystem::path& path, bool force, bool can_resume = false);

/// Whether a file or folder can be made or replaced at `path`, as far as can be told without doing
/// it: permissions, and whether the file system is mounted read-only.
/// @throws WorkFailed naming the folder that refuses and the reason.
void require_writable(const std::filesystem::path& path);

/// Creates a folder and its parents. @throws WorkFailed, naming the folder and the reason.
void make_folder(const std::filesystem::path& path);

template <class Read>
std::invoke_result_t<const Read&> MappedFile::intact(const Read& read) const {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<const Read&>>) {
      read();
      require_intact();
    } else {
      auto result = read();
      require_intact();
      return result;
    }
  } catch (const Error&) {
    require_intact();
    throw;
  }
}

}  // namespace winnow
