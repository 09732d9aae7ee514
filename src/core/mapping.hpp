#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

// Files shrink and file systems fail while a file is mapped; the kernel then raises SIGBUS where
// the memory is read. Mappings registered here survive that: a handler of the whole process puts
// zeros in place of what is lost and marks the mapping, and readers ask before they believe what
// they read. Signals that concern other memory go on to the handler that was there before.

namespace winnow::detail {

/// One registered mapping.
struct MappingSlot {
  std::atomic<std::uint32_t> version{0};  ///< odd while begin and end change
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};  ///< a multiple of the page size; 0: the slot is free
  std::atomic<bool> damaged{false};
  MappingSlot* next_free = nullptr;  ///< the handler does not read it
};

/// Call it after mmap() of `size` > 0 bytes. The first call installs the handler.
MappingSlot* register_mapping(const void* begin, std::size_t size);
/// Call it before munmap(): from then on the addresses may be somebody else's.
void unregister_mapping(MappingSlot* slot);
/// Whether something of it could not be read.
bool is_damaged(const MappingSlot& slot);

}  // namespace winnow::detail
