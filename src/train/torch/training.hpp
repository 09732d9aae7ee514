#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "train/augment.hpp"
#include "train/schedule.hpp"
#include "train/torch/resnet.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

/// One training of one network.
///
/// A batch is cut into shards of at most 32 images. A shard runs on one thread, normalises with its
/// own moments (as every worker does in distributed training) and its activations fit into a core's
/// cache; gradients are added up in the shards' order. The cut does not depend on the number of
/// threads, so neither do the results.
class Training {
 public:
  explicit Training(const NetworkJob& job);

  void run(Progress& progress);
  /// Everything but the seconds.
  NetworkResult measure(Progress& progress);

 private:
  struct Shard {
    std::int64_t begin = 0;  ///< In the batch.
    std::int64_t count = 0;
    at::Tensor pixels;            ///< float32 [count, height, width, channels]
    at::Tensor labels;            ///< int64 [count]
    std::vector<float> gradient;  ///< Of the shard's summed loss.
    double loss = 0.0;
    std::vector<at::Tensor> moments;
  };

  Shard make_shard(std::int64_t begin, std::int64_t count) const;
  void compute(Shard& shard, std::span<const std::int64_t> ids,
               std::span<const Placement> placements);
  void combine(std::int64_t step);
  void update(double rate);
  void refresh_leaves();
  std::vector<std::uint8_t> evaluate(std::span<const std::int64_t> ids) const;

  const NetworkJob& job_;
  Precision precision_;
  at::ScalarType type_;
  PixelTable table_;
  BatchOrder order_;
  ResNet network_;
  std::vector<float> weights_;   ///< float32 master copy of all parameters.
  std::vector<float> gradient_;  ///< Of the batch's mean loss.
  std::vector<float> velocity_;
  std::vector<at::Tensor> leaves_;   ///< The parameters as the shards compute with them.
  std::vector<at::Tensor> running_;  ///< Moments for evaluation.
  std::vector<Shard> shards_;
  std::vector<double> loss_sums_;         ///< Per pass over the subset ...
  std::vector<std::int64_t> loss_steps_;  ///< ... and how many steps that is.
  double gradient_norm_ = 0.0;
  double seconds_ = 0.0;
};

}  // namespace winnow::train
