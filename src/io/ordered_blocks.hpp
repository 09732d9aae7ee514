#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

#include "winnow/core/parallel.hpp"

namespace winnow::io {

/// parallel_blocks() that ends as a loop would: the first block that throws or returns false is the
/// last that counts, whichever thread is faster. Every block before it has run; later ones may
/// have.
template <class Work>
void ordered_blocks(std::int64_t n_blocks, Progress& progress, const Work& work) {
  std::atomic<std::int64_t> last{n_blocks};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto stop_at = [&](std::int64_t block, const std::exception_ptr& reason) {
    const std::scoped_lock lock(mutex);
    if (block > last) return;
    last = block;
    failure = reason;
  };
  parallel_blocks(n_blocks, progress, [&](std::int64_t block) {
    if (block > last) return;
    try {
      if (!work(block)) stop_at(block, nullptr);
    } catch (...) {
      stop_at(block, std::current_exception());
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace winnow::io
