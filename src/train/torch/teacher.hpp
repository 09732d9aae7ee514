#pragma once

#include <torch/torch.h>

#include <filesystem>

#include "train/torch/weights.hpp"

namespace winnow::train {

/// A trained network whose probabilities another one learns from.
class Teacher {
 public:
  /// @param table  How the student's images are standardised.
  /// @throws BadFile  no weights of winnow's; InvalidArgument  other images or classes.
  Teacher(const std::filesystem::path& path, const io::ImageShape& shape, std::int64_t n_classes,
          const PixelTable& table, at::ScalarType type, const at::Device& device);

  /// Logits for the student's input [n, c, h, w]; no gradient. Safe from several threads.
  at::Tensor logits(const at::Tensor& input) const;

 private:
  SavedNetwork saved_;
  std::vector<at::Tensor> leaves_;
  std::vector<at::Tensor> moments_;
  at::Tensor factor_;  ///< [1, c, 1, 1]: from the student's standardised values to the teacher's
  at::Tensor offset_;
};

}  // namespace winnow::train
