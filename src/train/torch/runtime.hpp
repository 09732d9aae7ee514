#pragma once

#include <malloc.h>
#include <omp.h>
#include <torch/torch.h>

#include "winnow/core/parallel.hpp"
#include "winnow/train/device.hpp"
#include "winnow/train/network_options.hpp"

namespace winnow::train {

/// @throws NotAvailable for a CUDA device where there is none.
at::Device resolve_device(Device wanted);

/// bf16 where the device multiplies it fast, unless the user says otherwise.
/// @throws InvalidArgument for bf16 on a CPU without the instructions that the kernels need.
Precision resolve_precision(Precision wanted, const at::Device& device);

/// Threads of an OpenBLAS under LibTorch while alive. They are its own: at::set_num_threads()
/// leaves them alone, they spin beside ours, and its sums depend on their number.
class BlasThreads {
 public:
  explicit BlasThreads(int count);
  ~BlasThreads();
  BlasThreads(const BlasThreads&) = delete;
  BlasThreads& operator=(const BlasThreads&) = delete;
  /// As they are set now; 0 where LibTorch's BLAS is another one.
  static int current();

 private:
  int before_ = current();
};

/// LibTorch as winnow uses it: one thread for whatever it computes, side by side on `threads`
/// threads of winnow's own, so that results do not depend on their number. Gives the caller's
/// OpenMP setting back at the end, which LibTorch changes on threads it meets.
class TorchThreads {
 public:
  explicit TorchThreads(int threads) {
    keep_freed_memory();
    at::set_num_threads(1);
    set_thread_count(threads);  // The plug-in has its own copy of winnow's settings.
  }
  ~TorchThreads() { omp_set_num_threads(before_); }
  TorchThreads(const TorchThreads&) = delete;
  TorchThreads& operator=(const TorchThreads&) = delete;

 private:
  /// Activations are allocated and freed at every step; without this, glibc hands the memory back
  /// to the kernel each time and the page faults take a fifth of a training.
  static void keep_freed_memory() {
#ifdef __GLIBC__
    constexpr int largest = 1 << 30;
    mallopt(M_MMAP_THRESHOLD, largest);
    mallopt(M_TRIM_THRESHOLD, largest);
#endif
  }

  int before_ = omp_get_max_threads();
  BlasThreads blas_threads_{1};
};

}  // namespace winnow::train
