// A mapped file ends somewhere in its last page, and the rest of that page reads as zeros: the
// address sanitizer would not see a reader run over the end. The fuzzers are linked with
// --wrap=mmap,munmap, and the rest is poisoned here.
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
extern "C" {

void* __real_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t from);
int __real_munmap(void* address, std::size_t size);

void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file,
                  off_t from) {
  void* mapped = __real_mmap(address, size, protection, flags, file, from);
  if (mapped != MAP_FAILED && file >= 0) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t rest = (page - size % page) % page;
    ASAN_POISON_MEMORY_REGION(static_cast<std::byte*>(mapped) + size, rest);
  }
  return mapped;
}

int __wrap_munmap(void* address, std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  ASAN_UNPOISON_MEMORY_REGION(address, (size + page - 1) / page * page);
  return __real_munmap(address, size);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
