#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/experiments/evaluate.hpp"

namespace winnow::experiments {

namespace {

/// The plug-in, opened once: loading LibTorch takes about a second.
const train::NetworkTrainer& network_trainer() {
  static const std::unique_ptr<train::NetworkTrainer> trainer = train::load_network_trainer();
  return *trainer;
}

std::int64_t matched(std::int64_t iterations, Match match, std::int64_t subset, std::int64_t n) {
  if (match == Match::iterations) return iterations;
  const double share = static_cast<double>(subset) / static_cast<double>(n);
  return std::max<std::int64_t>(1, std::llround(static_cast<double>(iterations) * share));
}

/// All pixels of a dataset, [n, h w c].
std::vector<std::uint8_t> all_pixels(const io::Dataset& dataset) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(dataset.size()));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  std::vector<std::uint8_t> pixels(
      static_cast<std::size_t>(dataset.size() * dataset.image_shape().size()));
  dataset.read_images(ids, pixels);
  return pixels;
}

TrainingOutcome train_network(const TrainingData& data, std::span<const std::int64_t> subset,
                              const TrainingOptions& options, Seed seed, Progress& progress) {
  if (data.images == nullptr || data.test_images == nullptr) {
    throw InvalidArgument(
        fmt::format("model = {}: a network needs images to train and to test on; "
                    "give --data with a dataset of images",
                    enum_name(options.network.model)));
  }
  const std::vector<std::uint8_t> pixels = all_pixels(*data.images);
  const std::vector<std::uint8_t> test_pixels = all_pixels(*data.test_images);
  train::NetworkOptions network = options.network;
  network.seed = seed;
  // Steps are those that full data would take, whatever the subset.
  network.iterations =
      matched(train::planned_iterations(options.network, data.images->size()), options.match,
              static_cast<std::int64_t>(subset.size()), data.images->size());
  const train::LabelledImages images{pixels, data.images->image_shape(), data.images->labels()};
  const train::LabelledImages test{test_pixels, data.test_images->image_shape(),
                                   data.test_images->labels()};
  auto result = network_trainer().train(images, subset, test, network, {}, {}, progress);
  return {.n_train = static_cast<std::int64_t>(subset.size()),
          .iterations = result.iterations,
          .epochs_seen = result.epochs_seen,
          .test_error = result.test_error,
          .train_error = std::numeric_limits<double>::quiet_NaN(),
          .gradient_norm = result.gradient_norm,
          .train_loss = std::move(result.train_loss),
          .test_correct = std::move(result.test_correct),
          .seconds = result.seconds};
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names = enum_choices<train::LearnerModel>();
  const auto networks = enum_choices<train::NetworkModel>();
  names.insert(names.end(), networks.begin(), networks.end());
  return names;
}

std::int64_t network_steps(const TrainingOptions& options, std::int64_t subset, std::int64_t n) {
  return matched(train::planned_iterations(options.network, n), options.match, subset, n);
}

bool is_network(const std::string& model) {
  const auto learners = enum_choices<train::LearnerModel>();
  if (std::ranges::find(learners, model) != learners.end()) return false;
  const auto names = model_names();
  if (std::ranges::find(names, model) == names.end()) throw_unknown_choice("model", model, names);
  return true;
}

void require_models(const std::vector<std::string>& models) {
  if (std::ranges::any_of(models, is_network)) network_trainer();
}

TrainingOutcome train_model(const std::string& model, const TrainingData& data,
                            std::span<const std::int64_t> subset, const TrainingOptions& options,
                            Seed seed, Progress& progress) {
  if (is_network(model)) {
    TrainingOptions chosen = options;
    chosen.network.model = parse_enum<train::NetworkModel>("model", model);
    return train_network(data, subset, chosen, seed, progress);
  }
  train::LearnerOptions learner = options.learner;
  learner.model = parse_enum<train::LearnerModel>("model", model);
  learner.seed = seed;
  learner.iterations = matched(learner.iterations, options.match,
                               static_cast<std::int64_t>(subset.size()), data.size());
  auto result = train::train_learner(data.rows, subset, data.test_rows, learner, {}, progress);
  return {.n_train = static_cast<std::int64_t>(subset.size()),
          .iterations = result.iterations,
          .epochs_seen = result.epochs_seen,
          .test_error = result.test_error,
          .train_error = result.train_error,
          .gradient_norm = result.gradient_norm,
          .train_loss = {},
          .test_correct = std::move(result.test_correct),
          .seconds = result.seconds};
}

}  // namespace winnow::experiments
