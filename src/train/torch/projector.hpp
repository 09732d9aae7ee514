#pragma once

#include <cstdint>

#include "train/torch/network.hpp"
#include "winnow/train/self_supervised_options.hpp"

namespace winnow::train {

/// What stands on a network while it learns without labels: dense, batch norm, ReLU, dense, and the
/// prototypes of SwAV. Takes [n, inputs, 1, 1]; its "logits" are the outputs before they get unit
/// length.
class Projector final : public Network {
 public:
  Projector(std::int64_t inputs, const SelfSupervisedOptions& options);

  at::Tensor features(Layers& layers, const at::Tensor& rows) const override;

  bool has_prototypes() const { return prototypes_ > 0; }
  /// Place of the prototypes [k, outputs] among the parameters.
  std::size_t prototypes() const { return prototypes_; }

 private:
  DenseLayer hidden_;
  BatchNormLayer norm_;
  std::size_t prototypes_ = 0;  ///< 0: none
};

}  // namespace winnow::train
