#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include "winnow/core/progress.hpp"

namespace winnow {

/// Threads that winnow uses: what set_thread_count() said, else OpenMP's default.
int thread_count();
/// @throws InvalidArgument below 1.
void set_thread_count(int count);

/// Calls work(block) for every block in [0, n_blocks), spread over the threads, each call on one
/// thread with nested parallelism (also of libraries) off. Blocks must not depend on one another,
/// so results are the same for any thread count. An exception stops the remaining blocks and is
/// rethrown here; so is Interrupted when `progress` was cancelled. `progress` advances by one a
/// block when `count_blocks` is true.
template <class Work>
void parallel_blocks(std::int64_t n_blocks, Progress& progress, const Work& work,
                     bool count_blocks = false) {
  std::exception_ptr failure;
  std::atomic<bool> stop{false};
  // No more threads than blocks: starting or waking one costs more than a small block.
  const auto threads =
      static_cast<int>(std::clamp<std::int64_t>(n_blocks, 1, std::int64_t{thread_count()}));
#pragma omp parallel num_threads(threads)
  {
    omp_set_num_threads(1);
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t block = 0; block < n_blocks; ++block) {
      if (stop.load(std::memory_order_relaxed) || progress.cancelled()) continue;
      try {
        work(block);
        if (count_blocks) progress.advance(1);
      } catch (...) {
        if (!stop.exchange(true)) failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
  progress.throw_if_cancelled();
}

}  // namespace winnow
