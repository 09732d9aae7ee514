#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "train/schedule.hpp"
#include "train/torch/evaluation.hpp"
#include "train/torch/optimizer.hpp"
#include "train/torch/projector.hpp"
#include "train/torch/weights.hpp"
#include "train/views.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/train/self_supervised.hpp"

namespace winnow::train {

/// One training without labels.
///
/// Unlike that of a class, the loss of a batch is no sum over its images. A step therefore runs the
/// network forward on every shard of every view, keeping what its gradient needs; takes the loss of
/// the whole batch and its gradient with respect to the features; and runs each shard backward from
/// its rows of that. Gradients are added up in the shards' order.
class SelfSupervisedTraining {
 public:
  SelfSupervisedTraining(const SelfSupervisedJob& job, Progress& progress);

  SelfSupervisedResult run(Progress& progress);

 private:
  /// A network, its parameters and what turns gradients into new ones.
  struct Learner {
    Learner(const Network& structure, const NetworkOptions& options, at::ScalarType type,
            const at::Device& device);
    /// Copies the weights into what is computed with.
    void refresh() const;
    void update(double rate, std::int64_t step);

    const Network& network;
    at::Device device;
    at::Tensor weights;   ///< Flat float32 master copy.
    at::Tensor gradient;  ///< Flat.
    std::vector<at::Tensor> gradient_views;
    std::vector<at::Tensor> leaves;
    OptimizerState optimizer;
  };
  /// Some images in one view.
  struct Shard {
    std::int64_t view = 0;
    std::span<const std::int64_t> images;  ///< Places in the batch.
    std::vector<at::Tensor> moments;
    at::Tensor features;  ///< [images, n_features], differentiable
    at::Tensor rows;      ///< Their places in the features of all views.
  };

  void step(const Schedule& schedule, Progress& progress);
  std::vector<Shard> cut(const std::vector<BatchView>& views) const;
  template <class Work>
  void for_each_shard(std::size_t first, std::size_t count, Progress& progress, const Work& work);
  void forward(Shard& shard, const BatchView& view, std::span<const std::int64_t> ids);
  /// The gradient of the batch's loss with respect to all features; keeps that of the projector.
  at::Tensor backward_from_loss(const at::Tensor& features, std::int64_t n_views);
  at::Tensor loss_of(const at::Tensor& outputs, std::int64_t n_views);
  at::Tensor cluster_loss(const at::Tensor& outputs, std::int64_t n_views);
  void remember(const at::Tensor& outputs, std::int64_t batch);
  void backward(std::vector<Shard>& shards, const at::Tensor& gradient, Progress& progress);
  void add_moments(const std::vector<Shard>& shards, const std::vector<BatchView>& views);
  void normalise_prototypes();
  bool frozen() const;
  bool queue_in_use() const;

  void end_pass(Progress& progress);
  Checkpoint checkpoint();
  bool load();
  std::unique_ptr<NetworkEncoder> encoder() const;

  const SelfSupervisedJob& job_;
  at::Device device_;
  Precision precision_;
  NetworkOptions structure_;
  PixelTable table_;
  BatchOrder order_;
  std::unique_ptr<Network> network_;
  Projector projector_;
  Learner backbone_;
  Learner head_;
  std::vector<at::Tensor> running_;  ///< Moments for evaluation, of the full views.
  at::Tensor queue_;                 ///< [2, queue, outputs] or undefined
  std::int64_t queued_ = 0;          ///< Images ever put there.
  std::int64_t iteration_ = 0;
  std::int64_t passes_ = 0;
  double rate_ = 0.0;
  double loss_sum_ = 0.0;  ///< Of this pass.
  double spread_sum_ = 0.0;
  std::int64_t pass_steps_ = 0;
  double seconds_ = 0.0;  ///< Of the steps taken here.
  std::int64_t steps_here_ = 0;
  std::vector<double> losses_;
  std::vector<double> spreads_;
};

}  // namespace winnow::train
