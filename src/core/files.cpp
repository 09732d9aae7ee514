#include "winnow/core/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "winnow/core/error.hpp"

namespace winnow {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  make_folder(folder_of(target_));
  std::string name =
      (folder_of(target_) / fmt::format(".{}.tmp-XXXXXX", target_.filename().string())).string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  temporary_ = name;
  if (descriptor_ < 0) fail("create");
  // mkostemp makes 0600; an ordinary new file follows the umask.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor_, 0666 & ~mask);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action) const {
  const int code = errno;
  throw WorkFailed(fmt::format("{}: cannot {}: {}", target_.string(), action, std::strerror(code)));
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  const auto* next = static_cast<const std::byte*>(bytes);
  while (size > 0) {
    const ssize_t written = ::write(descriptor_, next, std::min<std::size_t>(size, 1U << 30U));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write");
    }
    next += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("fsync");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("rename into place");
  ::close(descriptor_);
  descriptor_ = -1;
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);  // best effort: some file systems refuse it for folders
    ::close(folder);
  }
}

void remove_temporaries(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') && name.find(".tmp-") != std::string::npos) {
      found.push_back(entry.path());
    }
  }
  for (const auto& path : found) fs::remove_all(path, ignored);
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string read_file(const fs::path& path, std::size_t max_bytes) {
  const MappedFile file(path);
  if (file.bytes().size() > max_bytes) {
    throw BadFile(fmt::format("{}: {} bytes; expected at most {} for this kind of file",
                              path.string(), file.bytes().size(), max_bytes));
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  // Without O_NONBLOCK a pipe that nobody writes to would wait for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    throw BadFile(fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  }
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    throw BadFile(fmt::format("{}: not a regular file", path.string()));
  }
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ > 0) {
    void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
      const int code = errno;
      ::close(descriptor);
      throw BadFile(fmt::format("{}: cannot map: {}", path.string(), std::strerror(code)));
    }
    data_ = static_cast<const std::byte*>(address);
  }
  ::close(descriptor);
}

MappedFile::~MappedFile() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): munmap takes what mmap gave
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void require_new_output(const fs::path& path, bool force, bool can_resume) {
  std::error_code ignored;
  if (force || !fs::exists(path, ignored)) return;
  if (fs::is_directory(path, ignored) && fs::is_empty(path, ignored)) return;
  throw OutputExists(fmt::format("{} exists; give --force to replace it{}", path.string(),
                                 can_resume ? " or --resume to go on where it stopped" : ""));
}

void make_folder(const fs::path& path) {
  std::error_code code;
  std::error_code ignored;
  fs::create_directories(path, code);
  if (code && !fs::is_directory(path, ignored)) {
    throw WorkFailed(fmt::format("{}: cannot make folder: {}", path.string(), code.message()));
  }
}

}  // namespace winnow
