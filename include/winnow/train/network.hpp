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
#include "winnow/train/network_options.hpp"
#include "winnow/train/watch.hpp"

namespace winnow::train {

/// n images of one shape with their classes, in memory or read when they are needed.
struct LabelledImages {
  std::span<const std::uint8_t>
      pixels;  ///< [n, height, width, channels]; empty: `dataset` has them
  io::ImageShape shape;
  std::span<const std::int32_t> labels;  ///< [n], >= 0
  const io::Dataset* dataset = nullptr;  ///< Of size n and this shape.

  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
};

/// Files of a training.
struct TrainingFiles {
  std::filesystem::path initial{};     ///< Weights to start from, safetensors; "": random ones
  std::filesystem::path teacher{};     ///< Weights of a teacher, as `weights` writes them; "": none
  std::filesystem::path checkpoint{};  ///< Written after every pass but the last; "": none
  std::filesystem::path weights{};     ///< Where the trained weights go, safetensors; "": nowhere
  bool resume = false;                 ///< Go on from `checkpoint` where there is one.
  std::string identity{};  ///< Of data and subset: a checkpoint of another one is refused.
};

/// What NetworkTrainer::train() found.
struct NetworkResult {
  double test_error = 0.0;         ///< Share of wrong test examples, [0, 1].
  std::vector<double> train_loss;  ///< Mean loss of each pass, the last one perhaps cut short.
  double gradient_norm = 0.0;      ///< Of the last step's batch, before clipping.
  double epochs_seen = 0.0;        ///< Passes over the subset.
  std::int64_t iterations = 0;
  std::int64_t n_parameters = 0;
  Precision precision = Precision::float32;  ///< What was used: float32 or bf16.
  std::string device;                        ///< What was used: cpu, cuda.
  std::vector<std::uint8_t> test_correct;    ///< [n_test], 1 where right.
  std::vector<std::string> warnings;         ///< E.g. parameters that `initial` lacks.
  double images_per_second = 0.0;            ///< Training only. Varies from run to run.
  double seconds = 0.0;                      ///< Wall time with evaluation. Varies.
};

/// A training as the plug-in gets it: checked and complete.
struct NetworkJob {
  LabelledImages train;
  std::span<const std::int64_t> subset;
  LabelledImages test;
  NetworkOptions options;  ///< resolved
  TrainingFiles files;
  Watch watch;
  std::int32_t n_classes = 0;
  int threads = 1;
};

/// Trains networks. The one implementation is a plug-in, since LibTorch takes long to load.
class NetworkTrainer {
 public:
  virtual ~NetworkTrainer() = default;

  /// Trains on the images `subset` of `train` and measures on all of `test`.
  ///
  /// Minibatches in a new random order each pass; cross entropy with smoothed labels, with a
  /// teacher (1 - w) CE + w T^2 KL(teacher || student), both softened by T. Images are standardised
  /// per channel, shifted or cropped, mirrored, jittered and cut out at random while training.
  ///
  /// With `files.initial` every array of the same name and shape is taken from the file; a last
  /// layer of another number of classes starts anew, with a warning. Any other array that lacks or
  /// does not fit is an error.
  ///
  /// @param train     Only the images in `subset` are trained on. Classes are 0 .. max label.
  /// @param subset    Ids in [0, n); at least two.
  /// @param progress  Advances by one an iteration (the caller opens the stage); can cancel.
  /// @throws InvalidArgument  bad options, shapes that differ or are below 8 x 8, fewer than two
  ///                          classes, a label or an id out of range (named), an empty test set, a
  ///                          checkpoint of another training. BadFile: files that cannot be read.
  ///                          NotAvailable: no CUDA device where one was asked for.
  ///
  /// On the CPU a batch is cut into shards of at most 32 images, each computed on one thread and
  /// normalised by itself, as every worker does in distributed training. Same bits for any thread
  /// count, and with or without an interruption; on CUDA neither is promised.
  NetworkResult train(const LabelledImages& train, std::span<const std::int64_t> subset,
                      const LabelledImages& test, const NetworkOptions& options,
                      const TrainingFiles& files = {}, const Watch& watch = {},
                      Progress& progress = silent()) const;

  /// What computes, e.g. "LibTorch 1.13.1".
  virtual std::string backend() const = 0;

 private:
  virtual NetworkResult run(const NetworkJob& job, Progress& progress) const = 0;
};

/// Opens the plug-in `libwinnow_torch.so`: in $WINNOW_PLUGIN_DIR when set, else beside the program
/// or in ../lib/winnow of its folder. Takes 0.5 to 1 second the first time.
/// @throws NotAvailable when this build has none, saying how to get it.
std::unique_ptr<NetworkTrainer> load_network_trainer();

}  // namespace winnow::train
