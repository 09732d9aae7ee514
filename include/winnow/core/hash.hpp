#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace winnow {

/// Streaming XXH3 (64 bits). Feed the bytes in any pieces; the digest depends on their order only.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void add(const void* bytes, std::size_t size);
  void add(std::string_view text) { add(text.data(), text.size()); }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void add_value(const T& value) { add(&value, sizeof(T)); }
  std::uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "xxh3:0123456789abcdef".
std::string hash_text(std::uint64_t digest);

}  // namespace winnow
