#include "train/plugin.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <omp.h>
#include <torch/torch.h>

#include "train/torch/training.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace {

/// LibTorch sets OpenMP's thread count on threads it meets; this gives the caller's back.
class KeepOpenMpThreads {
 public:
  KeepOpenMpThreads() = default;
  ~KeepOpenMpThreads() { omp_set_num_threads(before_); }
  KeepOpenMpThreads(const KeepOpenMpThreads&) = delete;
  KeepOpenMpThreads& operator=(const KeepOpenMpThreads&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

/// Activations are allocated and freed at every step; without this, glibc hands the memory back to
/// the kernel each time and the page faults take a fifth of a training.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int largest = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, largest);
  mallopt(M_TRIM_THRESHOLD, largest);
#endif
}

class TorchTrainer final : public NetworkTrainer {
 public:
  std::string backend() const override { return fmt::format("LibTorch {}", TORCH_VERSION); }

 private:
  NetworkResult run(const NetworkJob& job, Progress& progress) const override {
    const KeepOpenMpThreads keep;
    keep_freed_memory();
    // A shard is one thread's work; the plug-in has its own copy of winnow's settings.
    at::set_num_threads(1);
    set_thread_count(job.threads);
    Training training(job);
    training.run(progress);
    return training.measure(progress);
  }
};

}  // namespace

}  // namespace winnow::train

#define WINNOW_PLUGIN_EXPORT __attribute__((visibility("default")))

extern "C" {

WINNOW_PLUGIN_EXPORT int winnow_plugin_interface() { return winnow::train::plugin_interface; }

WINNOW_PLUGIN_EXPORT winnow::train::NetworkTrainer* winnow_plugin_trainer() {
  return new winnow::train::TorchTrainer();
}
}
