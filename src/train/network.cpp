#include "winnow/train/network.hpp"

#include <fmt/format.h>

#include <chrono>

#include "train/checks.hpp"
#include "train/plugin.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace {

constexpr int smallest_side = 8;

void check_images(const LabelledImages& images, const char* name) {
  const io::ImageShape& shape = images.shape;
  const bool usable =
      shape.height >= smallest_side && shape.width >= smallest_side && shape.channels >= 1;
  if (!usable) {
    throw InvalidArgument(
        fmt::format("{}: images are {} x {} with {} channels; expected at least "
                    "{} x {} with 1",
                    name, shape.height, shape.width, shape.channels, smallest_side, smallest_side));
  }
  if (images.pixels.empty() && images.dataset != nullptr) {
    if (images.dataset->size() != images.size()) {
      throw InvalidArgument(
          fmt::format("{}: {} labels but {} images", name, images.size(), images.dataset->size()));
    }
    return;
  }
  const std::int64_t expected = images.size() * shape.size();
  if (static_cast<std::int64_t>(images.pixels.size()) != expected) {
    throw InvalidArgument(fmt::format("{}: {} labels but {} bytes of pixels; expected {}", name,
                                      images.size(), images.pixels.size(), expected));
  }
}

}  // namespace

NetworkResult NetworkTrainer::train(const LabelledImages& train,
                                    std::span<const std::int64_t> subset,
                                    const LabelledImages& test, const NetworkOptions& options,
                                    const TrainingFiles& files, const Watch& watch,
                                    Progress& progress) const {
  options.validate();
  check_images(train, "the training set");
  check_images(test, "the test set");
  if (train.shape != test.shape) {
    throw InvalidArgument(fmt::format(
        "training images are {} x {} x {}, test images {} x {} x {}; expected one shape",
        train.shape.height, train.shape.width, train.shape.channels, test.shape.height,
        test.shape.width, test.shape.channels));
  }
  check_subset(subset, train.size(), 2);
  const NetworkJob job{
      .train = train,
      .subset = subset,
      .test = test,
      .options = resolve(options, train.shape, static_cast<std::int64_t>(subset.size())),
      .files = files,
      .watch = watch,
      .n_classes = check_classes(train.labels, test.labels),
      .threads = thread_count()};
  const auto start = std::chrono::steady_clock::now();
  NetworkResult result = run(job, progress);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

std::unique_ptr<NetworkTrainer> load_network_trainer() {
  void* make = plugin_symbol(torch_plugin, "winnow_plugin_trainer", "networks need LibTorch",
                             "train linear or mlp");
  return std::unique_ptr<NetworkTrainer>(reinterpret_cast<PluginTrainerFunction*>(make)());
}

}  // namespace winnow::train
