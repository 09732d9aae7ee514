#pragma once

#include <omp.h>
#include <ctime>

namespace winnow::experiments {

/// Time that all threads of the program have computed; in a parallel region, whose other threads do
/// other work, that of this thread.
class CpuClock {
 public:
  double seconds() const { return now() - start_; }

 private:
  double now() const {
    timespec time{};
    clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  clockid_t clock_ = omp_in_parallel() != 0 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID;
  double start_ = now();
};

}  // namespace winnow::experiments
