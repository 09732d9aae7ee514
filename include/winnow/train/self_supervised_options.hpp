#pragma once

#include <cstdint>

#include "winnow/core/options.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/network_options.hpp"

namespace winnow::train {

/// What a network learns from without labels: the clusters of its own views (SwAV), or to tell
/// views of one image from those of others (SimCLR).
enum class SelfSupervision { swav, simclr };

}  // namespace winnow::train

template <>
struct winnow::EnumNames<winnow::train::SelfSupervision> {
  static constexpr EnumName<winnow::train::SelfSupervision> values[] = {
      {winnow::train::SelfSupervision::swav, "swav"},
      {winnow::train::SelfSupervision::simclr, "simclr"}};
};

namespace winnow::train {

/// How SelfSupervisedTrainer::train() runs. Set fields by name; checked on entry.
struct SelfSupervisedOptions {
  SelfSupervision method = SelfSupervision::swav;
  NetworkModel network = NetworkModel::resnet8;
  double epochs = 20.0;           ///< Passes over the images; > 0.
  std::int64_t batch_size = 256;  ///< Images, each in several views; at most all; >= 2.
  Optimizer optimizer = Optimizer::adamw;
  double learning_rate = 0.0;    ///< At its peak; 0: adamw 0.003, sgd 0.5, for 256 images a step.
  double weight_decay = -1.0;    ///< Not of biases, norms and prototypes; -1: 5e-4 sgd, 0.01 adamw.
  double warm_up = 0.05;         ///< Share of the steps over which the step size rises; [0, 1).
  std::int64_t hidden = 512;     ///< Width of the projector's one hidden layer; >= 1.
  std::int64_t outputs = 128;    ///< Numbers that the projector gives; >= 2.
  double temperature = 0.0;      ///< Of the softmax; 0: 0.1 (swav), 0.2 (simclr).
  double crop_scale = 0.25;      ///< Least area of the two full views, most of small ones; (0, 1].
  std::int64_t small_crops = 2;  ///< Further views of each image (swav).
  std::int64_t small_crop_size = 0;  ///< Their side; 0: half the images', at least 8.
  double small_crop_scale = 0.15;    ///< Their least area; (0, 1].
  double jitter =
      0.4;            ///< Largest change of brightness, contrast, saturation; 1/4 of it turns hue.
  double grey = 0.2;  ///< Share of the views without colour; [0, 1].
  std::int64_t prototypes = 128;         ///< Clusters (swav); >= 2.
  double freeze = 1.0;                   ///< Passes before prototypes learn (swav).
  double epsilon = 0.02;                 ///< Entropy of the assignments (swav); [0.005, inf).
  std::int64_t sinkhorn_iterations = 3;  ///< (swav); >= 1.
  std::int64_t queue = 0;    ///< Earlier images that share in the assignment (swav); 0: none.
  double queue_start = 5.0;  ///< Passes before they do (swav).
  Precision precision = Precision::automatic;
  Device device = Device::automatic;
  Seed seed{0};  ///< Initial weights, order of the images, views.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit);

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

template <class Self, class Visit>
void SelfSupervisedOptions::fields(Self& self, Visit&& visit) {
  visit(self.network, FieldInfo{.name = "network", .help = "What learns (swav, simclr)."});
  visit(self.epochs,
        FieldInfo{
            .name = "ssl-epochs", .help = "Passes over the images.", .min = 0, .min_open = true});
  visit(self.batch_size, FieldInfo{.name = "ssl-batch-size",
                                   .help = "Images in a step, each in several views.",
                                   .unit = "images",
                                   .min = 2});
  visit(self.optimizer, FieldInfo{.name = "ssl-optimizer", .help = "Nesterov SGD, or AdamW."});
  visit(self.learning_rate,
        FieldInfo{.name = "ssl-learning-rate",
                  .help = "Peak step size; 0 takes 0.003 (adamw) or 0.5 (sgd) for 256 images in a "
                          "step, and in proportion for others.",
                  .min = 0});
  visit(self.weight_decay,
        FieldInfo{.name = "ssl-weight-decay",
                  .help = "L2 penalty of the weights; -1 takes 5e-4 (sgd) or 0.01 (adamw).",
                  .min = -1});
  visit(self.warm_up, FieldInfo{.name = "ssl-warm-up",
                                .help = "Share of the steps over which the step size rises.",
                                .min = 0,
                                .max = 1,
                                .max_open = true});
  visit(self.hidden, FieldInfo{.name = "ssl-hidden",
                               .help = "Width of the projector, which is thrown away in the end.",
                               .min = 1});
  visit(self.outputs, FieldInfo{.name = "ssl-outputs",
                                .help = "Numbers that the projector gives for the loss.",
                                .min = 2});
  visit(self.temperature, FieldInfo{.name = "ssl-temperature",
                                    .help = "Of the softmax; 0 takes 0.1 (swav) or 0.2 (simclr).",
                                    .min = 0});
  visit(self.crop_scale,
        FieldInfo{.name = "ssl-crop-scale",
                  .help = "Least area of the two full views, and most of the small ones.",
                  .min = 0,
                  .max = 1,
                  .min_open = true});
  visit(self.small_crops, FieldInfo{.name = "ssl-small-crops",
                                    .help = "Small views of each image beside the two (swav).",
                                    .min = 0,
                                    .max = 64});
  visit(self.small_crop_size,
        FieldInfo{.name = "ssl-small-crop-size",
                  .help = "Their side; 0 takes half the images', at least 8 (swav).",
                  .unit = "pixels",
                  .min = 0});
  visit(self.small_crop_scale, FieldInfo{.name = "ssl-small-crop-scale",
                                         .help = "Their least area (swav).",
                                         .min = 0,
                                         .max = 1,
                                         .min_open = true});
  visit(self.jitter,
        FieldInfo{.name = "ssl-jitter",
                  .help = "Largest change of brightness, contrast and saturation; a quarter of it, "
                          "in turns, of the hue; on four views of five.",
                  .min = 0,
                  .max = 1});
  visit(self.grey, FieldInfo{.name = "ssl-grey",
                             .help = "Share of the views that lose their colour.",
                             .min = 0,
                             .max = 1});
  visit(self.prototypes, FieldInfo{.name = "ssl-prototypes", .help = "Clusters (swav).", .min = 2});
  visit(self.freeze,
        FieldInfo{
            .name = "ssl-freeze", .help = "Passes before the prototypes learn (swav).", .min = 0});
  visit(self.epsilon, FieldInfo{.name = "ssl-epsilon",
                                .help = "Softness of the assignment to clusters (swav).",
                                .min = 0.005});
  visit(self.sinkhorn_iterations,
        FieldInfo{.name = "ssl-sinkhorn-iterations",
                  .help = "Normalisations of the assignment over clusters and images (swav).",
                  .min = 1});
  visit(self.queue, FieldInfo{.name = "ssl-queue",
                              .help = "Earlier images that share in the assignment; 0: none "
                                      "(swav).",
                              .unit = "images",
                              .min = 0});
  visit(self.queue_start,
        FieldInfo{.name = "ssl-queue-start", .help = "Passes before they do (swav).", .min = 0});
  visit(self.precision, FieldInfo{.name = "ssl-precision",
                                  .help = "auto, float32 or bf16; auto takes what is fastest."});
}

/// The same with every choice made that depends on the images: batch, rate, decay, temperature,
/// size of the small crops.
/// @throws InvalidArgument  bad options; a small crop larger than the images or below 8 pixels.
SelfSupervisedOptions resolve(const SelfSupervisedOptions& options, const io::ImageShape& shape,
                              std::int64_t n_images);

/// What the network and its optimiser are made with; `options` are resolved.
NetworkOptions network_options(const SelfSupervisedOptions& options, const io::ImageShape& shape,
                               std::int64_t n_images);

}  // namespace winnow::train
