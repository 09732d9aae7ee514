#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "winnow/core/hash.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

/// The hash of a file, fed in order by whichever thread is free.
class OrderedHash {
 public:
  OrderedHash(const NpyFile& file, std::int64_t block_values)
      : file_(file), block_values_(block_values) {
    hasher_.add(file.file_bytes().data(), file.file_bytes().size() - file.data().size());
  }

  /// Feeds the blocks before `end`. While another thread is at it, that one will.
  void advance(std::int64_t end) {
    std::int64_t before = end_.load();
    while (before < end && !end_.compare_exchange_weak(before, end)) {
    }
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    for (; next_ < end_.load(); ++next_) add(next_ * block_values_, block_values_);
  }

  /// Feeds values [begin, begin + count), as far as there are any.
  void add(std::int64_t begin, std::int64_t count) {
    const auto item = static_cast<std::int64_t>(dtype_size(file_.dtype()));
    const std::int64_t end = std::min(file_.size(), begin + count);
    hasher_.add(file_.data().data() + begin * item, static_cast<std::size_t>((end - begin) * item));
  }

  std::string text() const { return hash_text(hasher_.digest()); }

 private:
  const NpyFile& file_;
  std::int64_t block_values_;
  std::atomic<std::int64_t> end_{0};
  std::mutex mutex_;  ///< of what follows
  std::int64_t next_ = 0;
  Hasher hasher_;
};

}  // namespace winnow::io
