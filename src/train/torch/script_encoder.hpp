#pragma once

#include <torch/script.h>
#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "winnow/train/script_encoder.hpp"

namespace winnow::train {

/// The ScriptEncoder of the plug-in.
class TorchScriptEncoder final : public ScriptEncoder {
 public:
  /// @throws as load_script_encoder().
  TorchScriptEncoder(const std::filesystem::path& file, const ScriptOptions& options);

  std::string backend() const override;

 private:
  Matrix<float> run(const ScriptJob& job, Progress& progress) const override;
  /// Standardised float32 [count, 3, height, width] of images from `begin`.
  at::Tensor input(const ImageBatch& images, std::int64_t begin, std::int64_t count) const;
  /// float32 [count, d] on the CPU.
  at::Tensor forward(const at::Tensor& input, const io::ImageShape& shape) const;
  at::Tensor embedding_of(const c10::IValue& output, std::int64_t count) const;

  at::Device device_;
  torch::jit::Module module_;
  std::array<std::array<float, 256>, 3> table_{};  ///< Standardised value of each byte.
};

}  // namespace winnow::train
