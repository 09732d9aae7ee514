#include "winnow/core/parallel.hpp"

#include <fmt/format.h>

namespace winnow {

namespace {
std::atomic<int> chosen_threads{0};
}  // namespace

int thread_count() {
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  return chosen > 0 ? chosen : omp_get_max_threads();
}

void set_thread_count(int count) {
  if (count < 1) throw InvalidArgument(fmt::format("threads = {}; expected at least 1", count));
  chosen_threads = count;
}

Progress& silent() {
  static SilentProgress instance;
  return instance;
}

}  // namespace winnow
