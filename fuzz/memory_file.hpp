#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>

#include "unit/temp_folder.hpp"

namespace winnow::fuzz {

/// A file that lies in memory alone but has a path, for readers that take one.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("memfd_create failed");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  /// The file's whole content from now on.
  void assign(std::span<const std::uint8_t> bytes) {
    const auto size = static_cast<ssize_t>(bytes.size());
    if (::ftruncate(descriptor_, 0) != 0 ||
        ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) != size) {
      throw std::runtime_error("cannot write to a file in memory");
    }
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// A folder of links to files in memory, for readers that go by names; gone at the end.
class MemoryFolder {
 public:
  /// Makes `name` another path of the file.
  std::string link(const std::string& name, const MemoryFile& file) const {
    std::filesystem::create_symlink(file.path(), folder_ / name);
    return (folder_ / name).string();
  }
  std::string path() const { return folder_.text(); }

 private:
  testing::TempFolder folder_;
};

}  // namespace winnow::fuzz
