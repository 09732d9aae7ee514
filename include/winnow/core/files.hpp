#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace winnow {

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
  /// fsync, rename, fsync of the folder. @throws WorkFailed.
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

/// Whole content. @throws BadFile when missing, not a regular file, or larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path,
                      std::size_t max_bytes = std::size_t{1} << 30U);

/// Read-only memory map of a whole file; empty files map to an empty span.
class MappedFile {
 public:
  /// @throws BadFile when missing, a folder, or not readable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// @throws OutputExists "PATH exists; give --force to replace it" unless `force` or absent.
void require_new_output(const std::filesystem::path& path, bool force, bool can_resume = false);

/// Creates a folder and its parents. @throws WorkFailed, naming the folder and the reason.
void make_folder(const std::filesystem::path& path);

}  // namespace winnow
