#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include "train/torch/weights.hpp"
#include "winnow/train/network_encoder.hpp"

namespace winnow::train {

class TorchNetworkEncoder final : public NetworkEncoder {
 public:
  TorchNetworkEncoder(const std::filesystem::path& file, Device device);
  /// A network that was just trained, on the device and in the arithmetic it was trained in.
  TorchNetworkEncoder(SavedNetwork saved, const at::Device& device, Precision precision);

  std::int64_t dimensions(NetworkFeatures features) const override {
    return features == NetworkFeatures::last ? saved_.network->n_features()
                                             : saved_.network->n_quarters();
  }
  io::ImageShape shape() const override { return saved_.shape; }
  std::string model() const override { return enum_name(saved_.options.model); }
  std::string backend() const override;
  void save(const std::filesystem::path& file) const override;

 private:
  Matrix<float> run(const ImageBatch& images, NetworkFeatures features, int threads,
                    Progress& progress) const override;

  SavedNetwork saved_;
  PixelTable table_;
  at::Device device_;
  Precision precision_;
  std::vector<at::Tensor> leaves_;
  std::vector<at::Tensor> moments_;
};

}  // namespace winnow::train
