#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/network.hpp"
#include "winnow/train/network_encoder.hpp"
#include "winnow/train/self_supervised_options.hpp"

namespace winnow::train {

/// What is known after a pass over the images.
struct SelfSupervisedPass {
  std::int64_t epoch = 0;      ///< Passes so far.
  std::int64_t iteration = 0;  ///< Steps so far.
  double loss = 0.0;           ///< Mean over the steps of this pass.
  double learning_rate = 0.0;  ///< Of the last step.
  /// How much the projector's unit outputs differ over a batch, sqrt(d) times the mean standard
  /// deviation of their d numbers: 1 spread evenly over the sphere, 0 all the same (collapsed).
  double spread = 0.0;
  double seconds = 0.0;  ///< Of all steps since training began here; varies.
};

/// Told of the passes as they end.
class SelfSupervisedObserver {
 public:
  virtual ~SelfSupervisedObserver() = default;
  /// @param references, queries  Embeddings of the images that the watch names, in its order. What
  ///        was told is to be on disk when this returns: a checkpoint follows.
  virtual void pass(const SelfSupervisedPass& summary, MatrixView<const float> references,
                    MatrixView<const float> queries) = 0;
  /// The training goes on from a checkpoint after `n_passes` passes: forget what came later.
  virtual void resumed(std::int64_t n_passes) = 0;
};

/// What is embedded after every pass, and who is told.
struct SelfSupervisedWatch {
  SelfSupervisedObserver* observer = nullptr;
  NetworkFeatures features = NetworkFeatures::last;
  std::span<const std::int64_t> references{};  ///< Ids of images that are trained on.
  const io::Dataset* test = nullptr;           ///< Where the queries are, or null.
  std::span<const std::int64_t> queries{};     ///< Ids of images in `test`.
};

/// Files of a training; "": none.
struct SelfSupervisedFiles {
  std::filesystem::path checkpoint{};  ///< Written after every pass.
  bool resume = false;                 ///< Go on from `checkpoint` where there is one.
};

/// What SelfSupervisedTrainer::train() found.
struct SelfSupervisedResult {
  std::unique_ptr<NetworkEncoder> encoder;
  std::vector<double> loss;    ///< Mean of each pass.
  std::vector<double> spread;  ///< Of each pass; see SelfSupervisedPass.
  bool collapsed = false;      ///< The last spread is below 0.1: the embeddings say little.
  std::int64_t iterations = 0;
  double images_per_second = 0.0;  ///< Of the steps taken here. Varies from run to run.
};

/// A training as the plug-in gets it: checked and complete.
struct SelfSupervisedJob {
  LabelledImages images;
  LabelledImages test;
  SelfSupervisedOptions options;  ///< resolved
  SelfSupervisedFiles files;
  SelfSupervisedWatch watch;
  std::string identity;  ///< Of the data: a checkpoint of others is refused.
  int threads = 1;
};

/// Trains networks without labels. The one implementation is a plug-in.
class SelfSupervisedTrainer {
 public:
  virtual ~SelfSupervisedTrainer() = default;

  /// Learns an encoder from the images of a dataset.
  ///
  /// Each image of a batch is shown in several views: two crops of at least `crop_scale` of its
  /// area at full size and, for swav, `small_crops` smaller ones; all mirrored at random, with
  /// colours changed or lost. f is the network below its last layer, z the unit outputs of a
  /// projector (dense, batch norm, ReLU, dense) on top of f.
  ///
  /// swav: unit prototypes c_k; q of the two full views is the transport plan between images and
  /// prototypes that Sinkhorn's iteration gives for exp(z . c_k / epsilon), every prototype taking
  /// an equal share, every image's row with sum 1; p_k = softmax(z . c_k / temperature);
  ///
  ///     loss = mean over images, s in {1, 2} and views v != s of  - sum_k q_k(s) log p_k(v)
  ///
  /// simclr: with a and b the two views of an image and the sum over all other views of the batch,
  ///
  ///     loss = mean of - log( exp(z_a . z_b / temperature) / sum_c exp(z_a . z_c / temperature) )
  ///
  /// @param progress  Advances by one a step; stages are opened here. Can cancel.
  /// @throws InvalidArgument  bad options, fewer than two images or images below 8 x 8, a dataset
  ///         without images, ids out of range, a checkpoint of another training; BadFile: files or
  ///         images that cannot be read; WorkFailed: a loss that is not finite; NotAvailable.
  ///
  /// On the CPU the network runs on shards of at most 32 views of different images, on one thread
  /// each and normalised by themselves, and projector and loss on the whole batch at once: same
  /// bits for any number of threads, and with or without an interruption. Memory: the activations
  /// of a batch in all its views.
  ///
  /// Caron et al., "Unsupervised learning of visual features by contrasting cluster assignments",
  /// NeurIPS 2020, arXiv:2006.09882. Chen et al., "A simple framework for contrastive learning of
  /// visual representations", ICML 2020, arXiv:2002.05709.
  SelfSupervisedResult train(const io::Dataset& images, const SelfSupervisedOptions& options,
                             const SelfSupervisedFiles& files = {},
                             const SelfSupervisedWatch& watch = {},
                             Progress& progress = silent()) const;

 private:
  virtual SelfSupervisedResult run(const SelfSupervisedJob& job, Progress& progress) const = 0;
};

/// Opens the plug-in. @throws NotAvailable when this build has none, saying how to get it.
std::unique_ptr<SelfSupervisedTrainer> load_self_supervised_trainer();

}  // namespace winnow::train
