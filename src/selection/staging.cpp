#include "selection/staging.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::selection {

namespace fs = std::filesystem;

Staging::Staging(const fs::path& folder) : folder_(folder), is_new_(!fs::exists(folder)) {
  make_folder(folder);
  std::string name = (folder / ".selection.tmp-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail("", "make a temporary folder inside", errno);
  path_ = name;
}

Staging::~Staging() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  if (is_new_) fs::remove(folder_, ignored);  // refused unless empty
}

void Staging::move_up(const std::string& name) {
  const fs::path from = path_ / name;
  const fs::path to = folder_ / name;
  if (::rename(from.c_str(), to.c_str()) == 0) return;
  // A folder does not replace one that has entries: swap them, the destructor removes the earlier.
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return;
  // Not every file system can swap.
  set_aside(name);
  if (::rename(from.c_str(), to.c_str()) != 0) fail(name, "rename into place", errno);
}

void Staging::set_aside(const std::string& name) const {
  const fs::path from = folder_ / name;
  const fs::path to = path_ / (name + ".earlier");
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) fail(name, "replace", errno);
}

void Staging::sync() const noexcept {
  const int descriptor = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void Staging::fail(const std::string& name, const char* action, int code) const {
  throw WorkFailed(
      fmt::format("{}: cannot {}: {}", (folder_ / name).string(), action, std::strerror(code)));
}

}  // namespace winnow::selection
