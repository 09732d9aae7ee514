#pragma once

#include <time.h>

namespace winnow::experiments {

/// Time that this thread, or all threads of the program, have computed.
class CpuClock {
 public:
  explicit CpuClock(bool all_threads)
      : clock_(all_threads ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID), start_(now()) {}
  double seconds() const { return now() - start_; }

 private:
  double now() const {
    timespec time{};
    clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  clockid_t clock_;
  double start_;
};

}  // namespace winnow::experiments
