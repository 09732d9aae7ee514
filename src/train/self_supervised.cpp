#include "winnow/train/self_supervised.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "train/checks.hpp"
#include "train/plugin.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/train/image_store.hpp"

namespace winnow::train {

namespace {

constexpr int smallest_side = 8;

void check_images(const io::Dataset& dataset) {
  if (!dataset.has_images()) {
    throw InvalidArgument(
        fmt::format("{}: a network learns from images; expected a dataset of them; give --encoder "
                    "pixels to use the vectors as they are",
                    dataset.name()));
  }
  const io::ImageShape shape = dataset.image_shape();
  if (shape.height < smallest_side || shape.width < smallest_side) {
    throw InvalidArgument(fmt::format("{}: images are {} x {}; expected at least {} x {}",
                                      dataset.name(), shape.height, shape.width, smallest_side,
                                      smallest_side));
  }
}

}  // namespace

void SelfSupervisedOptions::validate() const {
  validate_fields(*this);
  if (weight_decay < 0.0 && weight_decay != -1.0) {
    throw InvalidArgument(
        fmt::format("ssl-weight-decay = {}; expected -1 or [0, inf)", weight_decay));
  }
  if (small_crop_scale > crop_scale && small_crops > 0 && method == SelfSupervision::swav) {
    throw InvalidArgument(fmt::format(
        "ssl-small-crop-scale = {}; expected at most ssl-crop-scale = {}, where full views begin",
        small_crop_scale, crop_scale));
  }
}

SelfSupervisedOptions resolve(const SelfSupervisedOptions& options, const io::ImageShape& shape,
                              std::int64_t n_images) {
  options.validate();
  SelfSupervisedOptions resolved = options;
  resolved.batch_size = std::min(options.batch_size, n_images);
  const auto batch = static_cast<double>(resolved.batch_size);
  const bool sgd = options.optimizer == Optimizer::sgd;
  if (options.learning_rate == 0.0) {
    resolved.learning_rate = (sgd ? 0.5 : 3e-3) * batch / 256.0;
  }
  if (options.weight_decay < 0.0) resolved.weight_decay = sgd ? 5e-4 : 0.01;
  if (options.temperature == 0.0) {
    resolved.temperature = options.method == SelfSupervision::swav ? 0.1 : 0.2;
  }
  const bool small_views = options.method == SelfSupervision::swav && options.small_crops > 0;
  if (small_views && std::string_view(enum_name(options.network)).starts_with("vit")) {
    throw InvalidArgument(fmt::format(
        "network = {}: takes images of one size only; give --ssl-small-crops 0, or another network",
        enum_name(options.network)));
  }
  const int side = std::min(shape.height, shape.width);
  if (options.small_crop_size == 0) resolved.small_crop_size = std::max(smallest_side, side / 2);
  if (resolved.small_crop_size < smallest_side || resolved.small_crop_size > side) {
    throw InvalidArgument(
        fmt::format("ssl-small-crop-size = {}; expected [{}, {}] for these images",
                    resolved.small_crop_size, smallest_side, side));
  }
  return resolved;
}

NetworkOptions network_options(const SelfSupervisedOptions& options, const io::ImageShape& shape,
                               std::int64_t n_images) {
  return resolve(NetworkOptions{.model = options.network,
                                .epochs = options.epochs,
                                .batch_size = options.batch_size,
                                .optimizer = options.optimizer,
                                .learning_rate = options.learning_rate,
                                .weight_decay = options.weight_decay,
                                .warm_up = options.warm_up,
                                .precision = options.precision,
                                .device = options.device,
                                .seed = options.seed},
                 shape, n_images);
}

SelfSupervisedResult SelfSupervisedTrainer::train(const io::Dataset& images,
                                                  const SelfSupervisedOptions& options,
                                                  const SelfSupervisedFiles& files,
                                                  const SelfSupervisedWatch& watch,
                                                  Progress& progress) const {
  options.validate();
  check_images(images);
  if (images.size() < 2) {
    throw InvalidArgument(
        fmt::format("{}: {} images; expected at least two", images.name(), images.size()));
  }
  check_subset(watch.references, images.size(), 0);
  std::optional<ImageStore> test;
  if (watch.test != nullptr && !watch.queries.empty()) {
    check_images(*watch.test);
    check_subset(watch.queries, watch.test->size(), 0);
    if (watch.test->image_shape() != images.image_shape()) {
      throw InvalidArgument(fmt::format("{}: images of another shape than those of {}",
                                        watch.test->name(), images.name()));
    }
    test.emplace(*watch.test, progress);
  }
  const ImageStore store(images, progress);
  const SelfSupervisedJob job{
      .images = store.view(),
      .test = test ? test->view() : LabelledImages{},
      .options = resolve(options, images.image_shape(), images.size()),
      .files = files,
      .watch = watch,
      .identity = fmt::format("{} {}", images.fingerprint().text(), images.size()),
      .threads = thread_count()};
  return run(job, progress);
}

std::unique_ptr<SelfSupervisedTrainer> load_self_supervised_trainer() {
  void* make = plugin_symbol(torch_plugin, "winnow_plugin_self_supervised_trainer",
                             "networks need LibTorch", "take --encoder patch-kmeans");
  return std::unique_ptr<SelfSupervisedTrainer>(
      reinterpret_cast<PluginSelfSupervisedFunction*>(make)());
}

}  // namespace winnow::train
