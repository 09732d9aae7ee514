#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "train/augment.hpp"
#include "train/schedule.hpp"
#include "train/torch/evaluation.hpp"
#include "train/torch/network.hpp"
#include "train/torch/optimizer.hpp"
#include "train/torch/teacher.hpp"
#include "train/torch/weights.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

/// One training of one network.
///
/// On the CPU a batch is cut into shards of at most 32 images. A shard runs on one thread,
/// normalises with its own moments (as every worker does in distributed training) and its
/// activations stay near a core's cache; as many shards run side by side as there are threads, and
/// their gradients are added up in the shards' order. The cut does not depend on the number of
/// threads, so neither do the results. Elsewhere a batch is one shard.
class Training {
 public:
  Training(const NetworkJob& job, Progress& progress);

  /// Trains, logs and saves, from a checkpoint where there is one to go on from.
  void run(Progress& progress);
  /// Everything but the seconds.
  NetworkResult measure(Progress& progress);

 private:
  /// Images [begin, begin + count) of a batch.
  struct Shard {
    std::int64_t begin = 0;
    std::int64_t count = 0;
  };
  /// What one shard is computed with, and what came out.
  struct Slot {
    std::vector<std::uint8_t> bytes;
    at::Tensor pixels;                  ///< float32 [largest shard, height, width, channels]
    at::Tensor labels;                  ///< int64 [largest shard]
    std::vector<at::Tensor> gradients;  ///< Of the shard's summed loss.
    std::vector<at::Tensor> moments;
    double loss = 0.0;
  };

  void make_slots(int threads);
  void start(Progress& progress);
  void step(const Schedule& schedule, Progress& progress);
  void compute(Slot& slot, const Shard& shard, std::span<const std::int64_t> ids,
               std::span<const Placement> placements);
  at::Tensor loss_of(const at::Tensor& logits, const at::Tensor& labels,
                     const at::Tensor& input) const;
  void add_slot(const Slot& slot);
  /// Of a step's moments in the running ones.
  double moments_share() const;
  void update(double rate);
  /// Copies weights into what is computed with: leaves to train, or those measured.
  void refresh(const at::Tensor& weights, const std::vector<at::Tensor>& leaves) const;

  /// Weights as they are measured: the average where there is one.
  const at::Tensor& measured() const { return average_.defined() ? average_ : weights_; }
  Model measured_model();
  void end_epoch(std::int64_t epoch, Progress& progress);
  void log_rows(std::int64_t epoch, Progress& progress);
  Checkpoint checkpoint();
  bool load(Progress& progress);

  const NetworkJob& job_;
  at::Device device_;
  Precision precision_;
  at::ScalarType type_;
  PixelTable table_;
  BatchOrder order_;
  std::unique_ptr<Network> network_;
  at::Tensor weights_;   ///< Flat float32 master copy of all parameters.
  at::Tensor average_;   ///< Of the weights (ema), or undefined.
  at::Tensor gradient_;  ///< Flat, of the batch's mean loss.
  std::vector<at::Tensor> gradient_views_;
  OptimizerState optimizer_;
  std::vector<at::Tensor> leaves_;           ///< The parameters as shards compute with them.
  std::vector<at::Tensor> measured_leaves_;  ///< The averaged ones, only with ema.
  std::vector<at::Tensor> running_;          ///< Moments for evaluation.
  std::optional<Teacher> teacher_;
  std::vector<Shard> shards_;
  std::vector<Slot> slots_;
  std::int64_t iteration_ = 0;
  std::int64_t n_logs_ = 0;
  double rate_ = 0.0;
  std::vector<double> loss_sums_;         ///< Per pass over the subset ...
  std::vector<std::int64_t> loss_steps_;  ///< ... and how many steps that is.
  double gradient_norm_ = 0.0;
  double seconds_ = 0.0;  ///< Of the steps taken here.
  std::int64_t steps_here_ = 0;
  std::vector<std::uint8_t> test_correct_;  ///< Of the last log.
  std::vector<std::string> warnings_;
};

}  // namespace winnow::train
