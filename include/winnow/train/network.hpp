#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::train {

/// Networks trained on images. resnet8: CIFAR-style ResNet (He et al. 2016) with one basic block in
/// each of three stages of 16, 32 and 64 channels.
enum class NetworkModel { resnet8 };

/// Arithmetic of activations and products; parameters and their updates are always float32.
enum class Precision { automatic, float32, bf16 };

}  // namespace winnow::train

template <>
struct winnow::EnumNames<winnow::train::NetworkModel> {
  static constexpr EnumName<winnow::train::NetworkModel> values[] = {
      {winnow::train::NetworkModel::resnet8, "resnet8"}};
};

template <>
struct winnow::EnumNames<winnow::train::Precision> {
  static constexpr EnumName<winnow::train::Precision> values[] = {
      {winnow::train::Precision::automatic, "auto"},
      {winnow::train::Precision::float32, "float32"},
      {winnow::train::Precision::bf16, "bf16"}};
};

namespace winnow::train {

/// How NetworkTrainer::train() runs. Set fields by name; checked on entry.
struct NetworkOptions {
  NetworkModel model = NetworkModel::resnet8;
  std::int64_t iterations = 0;    ///< Gradient steps; 0: as many as `epochs` passes need.
  double epochs = 10.0;           ///< Passes over the subset when iterations is 0; > 0.
  std::int64_t batch_size = 128;  ///< Shrinks to the subset's size; >= 2 (batch norm).
  double learning_rate = 0.1;     ///< At its peak; > 0.
  double momentum = 0.9;          ///< Nesterov; [0, 1).
  double weight_decay = 5e-4;     ///< Not of biases and normalisation layers; >= 0.
  bool flip = true;               ///< Mirror a random half of the images left to right.
  std::int32_t crop_padding =
      -1;  ///< Random shifts up to this many pixels; -1: 2 floor(side / 16).
  Precision precision = Precision::automatic;  ///< automatic: bf16 where the CPU multiplies it.
  Seed seed{0};  ///< Initial weights, order of the examples, crops and flips.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.model, {.name = "model", .help = "Which network: resnet8."});
    visit(self.iterations,
          {.name = "iterations", .help = "Gradient steps; 0 takes --epochs.", .min = 0});
    visit(self.epochs,
          {.name = "epochs", .help = "Passes over the subset.", .min = 0, .min_open = true});
    visit(self.batch_size,
          {.name = "batch-size", .help = "Examples in a step.", .unit = "examples", .min = 2});
    visit(self.learning_rate, {.name = "learning-rate",
                               .help = "Peak step size; the schedule ends at zero.",
                               .min = 0,
                               .min_open = true});
    visit(self.momentum,
          {.name = "momentum", .help = "Nesterov momentum.", .min = 0, .max = 1, .max_open = true});
    visit(self.weight_decay,
          {.name = "weight-decay", .help = "L2 penalty of the weights.", .min = 0});
    visit(self.flip, {.name = "flip", .help = "Mirror a random half of the images."});
    visit(self.crop_padding, {.name = "crop-padding",
                              .help = "Random shifts up to this; -1 takes 2 floor(side / 16).",
                              .unit = "pixels",
                              .min = -1});
    visit(self.precision,
          {.name = "precision", .help = "auto, float32 or bf16; auto takes what is fastest."});
  }

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

/// Gradient steps that `options` ask for on a subset of `subset_size` examples.
std::int64_t planned_iterations(const NetworkOptions& options, std::int64_t subset_size);

/// n images of one shape with their classes.
struct LabelledImages {
  std::span<const std::uint8_t> pixels;  ///< [n, height, width, channels]
  io::ImageShape shape;
  std::span<const std::int32_t> labels;  ///< [n], >= 0

  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
};

/// What NetworkTrainer::train() found.
struct NetworkResult {
  double test_error = 0.0;         ///< Share of wrong test examples, [0, 1].
  std::vector<double> train_loss;  ///< Mean loss of each pass, the last one perhaps cut short.
  double gradient_norm = 0.0;      ///< Of the last step's batch.
  double epochs_seen = 0.0;        ///< Passes over the subset.
  std::int64_t iterations = 0;
  std::int64_t n_parameters = 0;
  Precision precision = Precision::float32;  ///< What was used: float32 or bf16.
  std::vector<std::uint8_t> test_correct;    ///< [n_test], 1 where right.
  double images_per_second = 0.0;            ///< Training only. Varies from run to run.
  double seconds = 0.0;                      ///< Wall time with evaluation. Varies.
};

/// A training as the plug-in gets it: checked and complete.
struct NetworkJob {
  LabelledImages train;
  std::span<const std::int64_t> subset;
  LabelledImages test;
  NetworkOptions options;  ///< iterations and crop_padding are resolved
  std::int32_t n_classes = 0;
  int threads = 1;
};

/// Trains networks. The one implementation is a plug-in, since LibTorch takes long to load.
class NetworkTrainer {
 public:
  virtual ~NetworkTrainer() = default;

  /// Trains on the images `subset` of `train` and measures on all of `test`.
  ///
  /// SGD with Nesterov momentum, warm-up, then a cosine to zero; cross entropy; weights by He's
  /// rule. Images are standardised with the subset's mean and deviation per channel, shifted and
  /// mirrored at random while training.
  ///
  /// @param train     Only the images in `subset` are read. Classes are 0 .. max label.
  /// @param subset    Ids in [0, n); at least two.
  /// @param progress  Advances by one an iteration (the caller opens the stage); can cancel.
  /// @throws InvalidArgument  bad options, shapes that differ or are below 8 x 8, fewer than two
  ///                          classes, a label or an id out of range (named), an empty test set.
  ///
  /// Uses up to thread_count() threads, one for every 32 images of a batch; inside
  /// parallel_blocks() one. A batch is normalised in such shards. Same bits for any thread count.
  NetworkResult train(const LabelledImages& train, std::span<const std::int64_t> subset,
                      const LabelledImages& test, const NetworkOptions& options,
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
