#include "winnow/core/hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

namespace winnow {

struct Hasher::State {
  State() = default;
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  XXH3_state_t* xxh = XXH3_createState();
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_64bits_reset(state_->xxh); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::add(const void* bytes, std::size_t size) {
  if (size > 0) XXH3_64bits_update(state_->xxh, bytes, size);
}

std::uint64_t Hasher::digest() const { return XXH3_64bits_digest(state_->xxh); }

std::string hash_text(std::uint64_t digest) { return fmt::format("xxh3:{:016x}", digest); }

}  // namespace winnow
