#pragma once

#include <cstdint>

#include "winnow/core/options.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/device.hpp"

namespace winnow::train {

/// Networks trained on images: CIFAR ResNets of 8, 20 and 56 layers, ResNets of 18, 34 and 50 (He
/// et al. 2016), the WideResNet of 16 layers, 8 times as wide (Zagoruyko and Komodakis 2016), and
/// vision transformers of three widths (Dosovitskiy et al. 2021, Touvron et al. 2021).
enum class NetworkModel {
  resnet8,
  resnet20,
  resnet56,
  resnet18,
  resnet34,
  resnet50,
  wrn_16_8,
  vit_ti,
  vit_s,
  vit_b
};

/// First layers of ResNet-18, 34 and 50: ImageNet's quarter the sides at once.
enum class Stem { automatic, cifar, imagenet };

enum class Optimizer { sgd, adamw };

/// Step size after the warm-up: half a cosine to zero; a tenth after one half and again after three
/// quarters; or unchanged.
enum class RateSchedule { cosine, step, constant };

/// What pixels are standardised with: moments of the subset, or ImageNet's as published weights
/// expect them.
enum class Normalisation { subset, imagenet };

/// Arithmetic of activations and products; parameters and their updates are always float32.
enum class Precision { automatic, float32, bf16 };

}  // namespace winnow::train

template <>
struct winnow::EnumNames<winnow::train::NetworkModel> {
  using enum winnow::train::NetworkModel;
  static constexpr EnumName<winnow::train::NetworkModel> values[] = {
      {resnet8, "resnet8"},   {resnet20, "resnet20"}, {resnet56, "resnet56"},
      {resnet18, "resnet18"}, {resnet34, "resnet34"}, {resnet50, "resnet50"},
      {wrn_16_8, "wrn-16-8"}, {vit_ti, "vit-ti"},     {vit_s, "vit-s"},
      {vit_b, "vit-b"}};
};

template <>
struct winnow::EnumNames<winnow::train::Stem> {
  using enum winnow::train::Stem;
  static constexpr EnumName<winnow::train::Stem> values[] = {
      {automatic, "auto"}, {cifar, "cifar"}, {imagenet, "imagenet"}};
};

template <>
struct winnow::EnumNames<winnow::train::Optimizer> {
  static constexpr EnumName<winnow::train::Optimizer> values[] = {
      {winnow::train::Optimizer::sgd, "sgd"}, {winnow::train::Optimizer::adamw, "adamw"}};
};

template <>
struct winnow::EnumNames<winnow::train::RateSchedule> {
  using enum winnow::train::RateSchedule;
  static constexpr EnumName<winnow::train::RateSchedule> values[] = {
      {cosine, "cosine"}, {step, "step"}, {constant, "constant"}};
};

template <>
struct winnow::EnumNames<winnow::train::Normalisation> {
  static constexpr EnumName<winnow::train::Normalisation> values[] = {
      {winnow::train::Normalisation::subset, "subset"},
      {winnow::train::Normalisation::imagenet, "imagenet"}};
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
  Stem stem = Stem::automatic;  ///< automatic: ImageNet's from 96 pixels on.
  std::int64_t patch_size = 0;  ///< Of vision transformers; 0: 16 from 96 pixels on, else side / 8.
  std::int64_t iterations = 0;  ///< Gradient steps; 0: as many as `epochs` passes need.
  double epochs = 10.0;         ///< Passes over the subset when iterations is 0; > 0.
  std::int64_t batch_size = 128;  ///< Shrinks to the subset's size; >= 2 (batch norm).
  Optimizer optimizer = Optimizer::sgd;
  double learning_rate = 0.0;  ///< At its peak; 0: 0.1 for sgd, 1e-3 for adamw.
  double momentum = 0.9;       ///< Nesterov (sgd); [0, 1).
  double weight_decay = -1.0;  ///< Not of biases and normalisation; -1: 5e-4 sgd, 0.05 adamw.
  RateSchedule schedule = RateSchedule::cosine;
  double warm_up = 0.05;         ///< Share of the steps over which the step size rises; [0, 1).
  double label_smoothing = 0.0;  ///< Share of the target spread over all classes; [0, 1).
  double clip_norm = 0.0;        ///< Largest norm of a batch's gradient; 0: any.
  double ema = 0.0;  ///< Decay a step of the averaged weights measured; 0: none; [0, 1).
  bool flip = true;  ///< Mirror a random half of the images left to right.
  std::int32_t crop_padding = -1;  ///< Random shifts up to this; -1: 2 floor(side / 16).
  double crop_scale = 1.0;      ///< Least area of a random resized crop; 1: shifts instead; (0, 1].
  std::int32_t cutout = 0;      ///< Side of a random square set to the mean; 0: none.
  double colour_jitter = 0.0;   ///< Largest change of brightness, contrast, saturation; [0, 1].
  double distill_weight = 0.5;  ///< Share of the loss on a teacher's probabilities; [0, 1].
  double temperature = 2.0;     ///< Softens teacher and student for that share; > 0.
  Normalisation normalisation = Normalisation::subset;
  Precision precision = Precision::automatic;  ///< automatic: bf16 where the device multiplies it.
  Device device = Device::automatic;
  Seed seed{0};  ///< Initial weights, order of the examples, augmentation.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit);

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

template <class Self, class Visit>
void NetworkOptions::fields(Self& self, Visit&& visit) {
  visit(self.model, FieldInfo{.name = "model", .help = "Which network."});
  visit(self.stem, FieldInfo{.name = "stem",
                             .help = "First layers of resnet18, 34 and 50; auto takes imagenet's "
                                     "from 96 pixels on."});
  visit(self.patch_size, FieldInfo{.name = "patch-size",
                                   .help = "Of vit-*; 0 takes 16 from 96 pixels on, else side / 8.",
                                   .unit = "pixels",
                                   .min = 0});
  visit(self.iterations,
        FieldInfo{.name = "iterations", .help = "Gradient steps; 0 takes --epochs.", .min = 0});
  visit(self.epochs,
        FieldInfo{.name = "epochs", .help = "Passes over the subset.", .min = 0, .min_open = true});
  visit(
      self.batch_size,
      FieldInfo{.name = "batch-size", .help = "Examples in a step.", .unit = "examples", .min = 2});
  visit(self.optimizer, FieldInfo{.name = "optimizer", .help = "Nesterov SGD, or AdamW."});
  visit(self.learning_rate, FieldInfo{.name = "learning-rate",
                                      .help = "Peak step size; 0 takes 0.1 (sgd) or 0.001 (adamw).",
                                      .min = 0});
  visit(self.momentum, FieldInfo{.name = "momentum",
                                 .help = "Nesterov momentum (sgd).",
                                 .min = 0,
                                 .max = 1,
                                 .max_open = true});
  visit(self.weight_decay,
        FieldInfo{.name = "weight-decay",
                  .help = "L2 penalty of the weights; -1 takes 5e-4 (sgd) or 0.05 (adamw).",
                  .min = -1});
  visit(self.schedule,
        FieldInfo{.name = "schedule",
                  .help = "Step size after the warm-up; step: a tenth after 1/2 and after 3/4."});
  visit(self.warm_up, FieldInfo{.name = "warm-up",
                                .help = "Share of the steps over which the step size rises.",
                                .min = 0,
                                .max = 1,
                                .max_open = true});
  visit(self.label_smoothing, FieldInfo{.name = "label-smoothing",
                                        .help = "Share of the target spread over all classes.",
                                        .min = 0,
                                        .max = 1,
                                        .max_open = true});
  visit(self.clip_norm,
        FieldInfo{
            .name = "clip-norm", .help = "Largest norm of a batch's gradient; 0: any.", .min = 0});
  visit(self.ema, FieldInfo{.name = "ema",
                            .help = "Decay a step of the averaged weights that are measured; 0: "
                                    "none.",
                            .min = 0,
                            .max = 1,
                            .max_open = true});
  visit(self.flip, FieldInfo{.name = "flip", .help = "Mirror a random half of the images."});
  visit(self.crop_padding,
        FieldInfo{.name = "crop-padding",
                  .help = "Random shifts up to this; -1 takes 2 floor(side / 16).",
                  .unit = "pixels",
                  .min = -1});
  visit(self.crop_scale, FieldInfo{.name = "crop-scale",
                                   .help = "Least area of a random resized crop, which takes the "
                                           "place of shifts below 1.",
                                   .min = 0,
                                   .max = 1,
                                   .min_open = true});
  visit(self.cutout, FieldInfo{.name = "cutout",
                               .help = "Side of a random square that is greyed out; 0: none.",
                               .unit = "pixels",
                               .min = 0});
  visit(self.colour_jitter,
        FieldInfo{.name = "colour-jitter",
                  .help = "Largest change of brightness, contrast and saturation.",
                  .min = 0,
                  .max = 1});
  visit(self.distill_weight,
        FieldInfo{.name = "distill-weight",
                  .help = "Share of the loss on the probabilities of --teacher.",
                  .min = 0,
                  .max = 1});
  visit(self.temperature, FieldInfo{.name = "temperature",
                                    .help = "Softens those of teacher and student.",
                                    .min = 0,
                                    .min_open = true});
  visit(self.normalisation,
        FieldInfo{.name = "normalisation",
                  .help = "Pixels are standardised by the subset's moments or by ImageNet's."});
  visit(self.precision, FieldInfo{.name = "precision",
                                  .help = "auto, float32 or bf16; auto takes what is fastest."});
  visit(self.device,
        FieldInfo{.name = "device", .help = "auto takes a CUDA device when there is one."});
}

/// Gradient steps that `options` ask for on a subset of `subset_size` examples.
std::int64_t planned_iterations(const NetworkOptions& options, std::int64_t subset_size);

/// The same with every choice made that depends on the images and the subset: iterations, rate,
/// decay, shifts, stem and patch size.
/// @throws InvalidArgument  bad options; shifts or a cutout as large as the image; a patch size
/// that
///         does not divide the sides.
NetworkOptions resolve(const NetworkOptions& options, const io::ImageShape& shape,
                       std::int64_t subset_size);

}  // namespace winnow::train
