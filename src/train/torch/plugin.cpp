#include "train/plugin.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include "train/torch/runtime.hpp"
#include "train/torch/script_encoder.hpp"
#include "train/torch/training.hpp"

namespace winnow::train {

namespace {

class TorchTrainer final : public NetworkTrainer {
 public:
  std::string backend() const override { return fmt::format("LibTorch {}", TORCH_VERSION); }

 private:
  NetworkResult run(const NetworkJob& job, Progress& progress) const override {
    const TorchThreads threads(job.threads);
    Training training(job, progress);
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

WINNOW_PLUGIN_EXPORT winnow::train::ScriptEncoder* winnow_plugin_script_encoder(
    const std::filesystem::path& file, const winnow::train::ScriptOptions& options) {
  return new winnow::train::TorchScriptEncoder(file, options);
}
}
