#include "core/mapping.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>

namespace winnow::detail {

namespace {

static_assert(std::atomic<std::uintptr_t>::is_always_lock_free &&
              std::atomic<std::uint32_t>::is_always_lock_free);

/// Slots never move and are never freed, so that the handler may walk them at any moment.
struct Chunk {
  std::array<MappingSlot, 64> slots;
  std::atomic<Chunk*> next{nullptr};
};

struct Registry {
  Chunk first;
  std::mutex mutex;  ///< of what follows; the handler does not touch it
  Chunk* last = &first;
  MappingSlot* free = nullptr;
};

// Both without a destructor: a mapping may outlive every static object.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}
std::atomic<Chunk*> first_chunk{nullptr};

std::uintptr_t page_size = 0;
struct sigaction previous {};

void put_back(Registry& all, MappingSlot& slot) {
  slot.next_free = all.free;
  all.free = &slot;
}

void add_slots(Registry& all, Chunk& chunk) {
  for (MappingSlot& slot : chunk.slots) put_back(all, slot);
}

/// A slot that changes meanwhile cannot be the one whose memory is being read.
bool contains(const MappingSlot& slot, std::uintptr_t address, std::uintptr_t& end) {
  const std::uint32_t version = slot.version.load();
  const std::uintptr_t begin = slot.begin.load();
  end = slot.end.load();
  return version % 2 == 0 && begin <= address && address < end && slot.version.load() == version;
}

/// Zeros from the page of `address` to the end of its mapping: what a cut file lost, at once.
bool replace_lost(std::uintptr_t address) {
  for (Chunk* chunk = first_chunk.load(); chunk != nullptr; chunk = chunk->next.load()) {
    for (MappingSlot& slot : chunk->slots) {
      std::uintptr_t end = 0;
      if (!contains(slot, address, end)) continue;
      const std::uintptr_t page = address / page_size * page_size;
      // mmap() is a bare system call, safe in a handler although POSIX does not list it.
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gave a number
      void* zeros = ::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
      if (zeros == MAP_FAILED) return false;
      slot.damaged.store(true);
      return true;
    }
  }
  return false;
}

/// What would have happened without this handler.
void pass_on(int signal, siginfo_t* info, void* context) {
  const bool was_sent = info->si_code <= 0;  // by kill() and the like, not by a read
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler == SIG_DFL || (previous.sa_handler == SIG_IGN && !was_sent)) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);
    // A read is tried again on return, and now kills.
    if (was_sent) ::raise(signal);
  } else if (previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  }
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int code = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (info->si_code <= 0 || !replace_lost(address)) pass_on(signal, info, context);
  errno = code;
}

void install_handler() {
  Registry& all = registry();
  add_slots(all, all.first);
  first_chunk = &all.first;
  page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  ::sigaction(SIGBUS, nullptr, &previous);
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, nullptr);
}

void set_range(MappingSlot& slot, std::uintptr_t begin, std::uintptr_t end) {
  ++slot.version;
  slot.begin = begin;
  slot.end = end;
  ++slot.version;
}

}  // namespace

MappingSlot* register_mapping(const void* begin, std::size_t size) {
  static std::once_flag installed;
  std::call_once(installed, install_handler);
  Registry& all = registry();
  const std::scoped_lock lock(all.mutex);
  if (all.free == nullptr) {
    auto* chunk = new Chunk;
    add_slots(all, *chunk);
    all.last->next = chunk;
    all.last = chunk;
  }
  MappingSlot* slot = all.free;
  all.free = slot->next_free;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  slot->damaged = false;
  set_range(*slot, address, address + (size + page_size - 1) / page_size * page_size);
  return slot;
}

void unregister_mapping(MappingSlot* slot) {
  set_range(*slot, 0, 0);
  Registry& all = registry();
  const std::scoped_lock lock(all.mutex);
  put_back(all, *slot);
}

bool is_damaged(const MappingSlot& slot) { return slot.damaged.load(); }

}  // namespace winnow::detail
