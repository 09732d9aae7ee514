#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace winnow {

/// A seed a person chose. Its own type, so that it cannot be mixed up with a count.
struct Seed {
  std::uint64_t value = 0;
};

/// Random stream keyed by (seed, purpose, index): the same bits whatever the thread or rank count,
/// since every unit of work opens its own stream. xoshiro256++ (Blackman and Vigna 2021) whose
/// state is filled by SplitMix64 from an XXH3 hash of the key.
class RandomStream {
 public:
  RandomStream(Seed seed, std::string_view purpose, std::uint64_t index = 0);

  std::uint64_t next();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in [0, bound) without bias (Lemire 2019); bound >= 1.
  std::uint64_t below(std::uint64_t bound);
  /// Standard normal (Marsaglia's polar method).
  double normal();

  /// Fisher-Yates, in place.
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }
  /// `count` different integers of [0, n), in random order; 0 <= count <= n. O(n) memory.
  std::vector<std::int64_t> sample(std::int64_t n, std::int64_t count);

 private:
  std::array<std::uint64_t, 4> state_{};
  double spare_ = 0.0;
  bool has_spare_ = false;
};

}  // namespace winnow
