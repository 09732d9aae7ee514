#include "train/plugin.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include "train/torch/network_encoder.hpp"
#include "train/torch/runtime.hpp"
#include "train/torch/script_encoder.hpp"
#include "train/torch/self_supervised_training.hpp"
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

class TorchSelfSupervisedTrainer final : public SelfSupervisedTrainer {
  SelfSupervisedResult run(const SelfSupervisedJob& job, Progress& progress) const override {
    const TorchThreads threads(job.threads);
    SelfSupervisedTraining training(job, progress);
    return training.run(progress);
  }
};

}  // namespace

}  // namespace winnow::train

#define WINNOW_PLUGIN_EXPORT __attribute__((visibility("default")))

extern "C" {

WINNOW_PLUGIN_EXPORT int winnow_plugin_interface() { return winnow::train::torch_plugin.interface; }

WINNOW_PLUGIN_EXPORT winnow::train::NetworkTrainer* winnow_plugin_trainer() {
  return new winnow::train::TorchTrainer();
}

WINNOW_PLUGIN_EXPORT winnow::train::ScriptEncoder* winnow_plugin_script_encoder(
    const std::filesystem::path& file, const winnow::train::ScriptOptions& options) {
  return new winnow::train::TorchScriptEncoder(file, options);
}

WINNOW_PLUGIN_EXPORT winnow::train::NetworkEncoder* winnow_plugin_network_encoder(
    const std::filesystem::path& file, winnow::train::Device device) {
  return new winnow::train::TorchNetworkEncoder(file, device);
}

WINNOW_PLUGIN_EXPORT winnow::train::SelfSupervisedTrainer* winnow_plugin_self_supervised_trainer() {
  return new winnow::train::TorchSelfSupervisedTrainer();
}
}
