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

#include "core/mapping.hpp"
#include "winnow/core/error.hpp"

namespace winnow {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t read_ahead = std::size_t{4} << 20U;  // bytes asked from a disk at a time

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

[[noreturn]] void fail_on(const fs::path& path, const char* action, int code) {
  throw WorkFailed(fmt::format("{}: cannot {}: {}", path.string(), action, std::strerror(code)));
}

/// A descriptor for reading that closes itself, of a regular file.
class InputDescriptor {
 public:
  explicit InputDescriptor(const fs::path& path) {
    // Without O_NONBLOCK a pipe that nobody writes to would wait for ever.
    value_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (value_ < 0) {
      throw BadFile(fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
    }
    if (::fstat(value_, &info_) != 0 || !S_ISREG(info_.st_mode)) {
      ::close(value_);
      throw BadFile(fmt::format("{}: not a regular file", path.string()));
    }
  }
  ~InputDescriptor() { ::close(value_); }
  InputDescriptor(const InputDescriptor&) = delete;
  InputDescriptor& operator=(const InputDescriptor&) = delete;

  int value() const { return value_; }
  const struct stat& info() const { return info_; }
  std::size_t size() const { return static_cast<std::size_t>(info_.st_size); }

 private:
  int value_ = -1;
  struct stat info_ {};
};

detail::FileState state_of(const struct stat& info) {
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .seconds = info.st_mtim.tv_sec,
          .nanoseconds = info.st_mtim.tv_nsec};
}

[[noreturn]] void throw_shrank(const fs::path& path, std::size_t size) {
  throw BadFile(
      fmt::format("{}: shrank or vanished while it was being read; expected its {} bytes to stay; "
                  "run again when nothing writes to it and its disk can be reached",
                  path.string(), size));
}

/// One fsync of a folder, so that a rename inside it lasts.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder that may be written but not read
  const int code = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some file systems cannot do it for folders, and say so.
  if (code != 0 && code != EINVAL && code != ENOTSUP) fail_on(folder, "fsync", code);
}

}  // namespace

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  make_folder(folder_of(target_));
  std::string name =
      (folder_of(target_) / fmt::format(".{}.tmp-XXXXXX", target_.filename().string())).string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail("create");
  temporary_ = name;
  // mkostemp makes 0600; an ordinary new file follows the umask.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor_, 0666 & ~mask);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action) const { fail_on(target_, action, errno); }

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

void AtomicFile::sync() {
  if (::fsync(descriptor_) != 0) fail("fsync");
}

void AtomicFile::commit() {
  sync();
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("close");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("rename into place");
  temporary_.clear();
  sync_folder(folder_of(target_));
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
  const InputDescriptor file(path);
  if (file.size() > max_bytes) {
    throw BadFile(fmt::format("{}: {} bytes; expected at most {} for this kind of file",
                              path.string(), file.size(), max_bytes));
  }
  std::string bytes(file.size(), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.value(), bytes.data() + done, bytes.size() - done);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw BadFile(fmt::format("{}: cannot read: {}", path.string(), std::strerror(errno)));
    }
    if (got == 0) throw_shrank(path, bytes.size());
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const InputDescriptor file(path);
  state_ = state_of(file.info());
  size_ = file.size();
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value(), 0);
  if (address == MAP_FAILED) {
    throw BadFile(fmt::format("{}: cannot map: {}", path.string(), std::strerror(errno)));
  }
  data_ = static_cast<const std::byte*>(address);
  slot_ = detail::register_mapping(data_, size_);
}

MappedFile::~MappedFile() {
  if (slot_ == nullptr) return;
  detail::unregister_mapping(slot_);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): munmap takes what mmap gave
  ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      slot_(std::exchange(other.slot_, nullptr)),
      state_(other.state_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(slot_, other.slot_);
  std::swap(state_, other.state_);
  return *this;
}

void MappedFile::prefetch(std::size_t begin, std::size_t size) const noexcept {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto advise = [this](std::size_t from, std::size_t to, int advice) {
    from = from / page * page;
    to = std::min(to, size_);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): madvise takes what mmap gave
    if (from < to) ::madvise(const_cast<std::byte*>(data_) + from, to - from, advice);
  };
#ifdef MADV_POPULATE_READ
  advise(begin, begin + size, MADV_POPULATE_READ);
#endif
  const std::size_t end = (begin + size) / read_ahead * read_ahead;
  if (begin < end || begin == 0) advise(end, end + 2 * read_ahead, MADV_WILLNEED);
}

void MappedFile::require_intact() const {
  if (slot_ != nullptr && detail::is_damaged(*slot_)) throw_shrank(path_, size_);
}

void MappedFile::require_unchanged() const {
  require_intact();
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return;  // removed; the map keeps what it had
  const detail::FileState now = state_of(info);
  if (now.device != state_.device || now.inode != state_.inode || now == state_) return;
  if (now.size < state_.size) throw_shrank(path_, size_);
  throw BadFile(
      fmt::format("{}: was written to while it was being read; run again when nothing writes to it",
                  path_.string()));
}

void require_new_output(const fs::path& path, bool force, bool can_resume) {
  std::error_code ignored;
  if (force || !fs::exists(path, ignored)) return;
  if (fs::is_directory(path, ignored) && fs::is_empty(path, ignored)) return;
  throw OutputExists(fmt::format("{} exists; give --force to replace it{}", path.string(),
                                 can_resume ? " or --resume to go on where it stopped" : ""));
}

void require_writable(const fs::path& path) {
  std::error_code ignored;
  fs::path folder = fs::is_directory(path, ignored) ? path : folder_of(path);
  while (!fs::exists(folder, ignored) && folder != folder_of(folder)) folder = folder_of(folder);
  int code = fs::is_directory(folder, ignored) ? 0 : ENOTDIR;
  // It also knows of read-only file systems, where root may not write either.
  if (code == 0 && ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    code = errno;
  }
  if (code == 0) return;
  throw WorkFailed(fmt::format("{}: cannot write into {}: {}", path.string(), folder.string(),
                               std::strerror(code)));
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
