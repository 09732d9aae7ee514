#include "train/torch/network_encoder.hpp"

#include <fmt/format.h>

#include <numeric>

#include "train/torch/evaluation.hpp"
#include "train/torch/parameters.hpp"
#include "train/torch/runtime.hpp"

namespace winnow::train {

TorchNetworkEncoder::TorchNetworkEncoder(const std::filesystem::path& file, Device device)
    : TorchNetworkEncoder(load_network(file), resolve_device(device),
                          resolve_precision(Precision::automatic, resolve_device(device))) {}

TorchNetworkEncoder::TorchNetworkEncoder(SavedNetwork saved, const at::Device& device,
                                         Precision precision)
    : saved_(std::move(saved)),
      table_(saved_.mean, saved_.deviation),
      device_(device),
      precision_(precision) {
  const at::NoGradGuard no_grad;
  const at::ScalarType type = precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
  leaves_ = make_leaves(*saved_.network, type, device_);
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    leaves_[i].copy_(saved_.state.parameters[i]);
    leaves_[i].requires_grad_(false);
  }
  for (const at::Tensor& moments : saved_.state.moments) moments_.push_back(moments.to(device_));
}

std::string TorchNetworkEncoder::backend() const {
  return fmt::format("LibTorch {}, {}, {}", TORCH_VERSION, device_.is_cpu() ? "cpu" : "cuda",
                     enum_name(precision_));
}

void TorchNetworkEncoder::save(const std::filesystem::path& file) const {
  save_weights(file, *saved_.network, saved_.state,
               describe_network(saved_.options, saved_.shape, saved_.n_classes, table_));
}

Matrix<float> TorchNetworkEncoder::run(const ImageBatch& images, NetworkFeatures features,
                                       int threads, Progress& progress) const {
  const TorchThreads torch_threads(threads);
  const auto count = static_cast<std::size_t>(images.size());
  const std::vector<std::int32_t> labels(count, 0);
  std::vector<std::int64_t> ids(count);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  const Model model{*saved_.network, leaves_, moments_, table_, device_};
  return features_of(model, features,
                     {.pixels = images.pixels, .shape = images.shape, .labels = labels}, ids,
                     progress);
}

}  // namespace winnow::train
