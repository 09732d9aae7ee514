#include "winnow/experiments/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "experiments/cpu_clock.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/core/parallel.hpp"

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

constexpr const char* weights_file = "model.safetensors";

/// Hash of what a checkpoint belongs to besides its options.
std::string identity_of(const TrainingFolder& folder, std::span<const std::int64_t> subset) {
  Hasher hasher;
  hasher.add(subset.data(), subset.size_bytes());
  for (const auto& path : {folder.initial, folder.teacher}) {
    const std::string name = path.string();
    hasher.add(name.data(), name.size());
    hasher.add_value(std::int64_t{0});
  }
  return fmt::format("{} {} {}", folder.fingerprint.text(), folder.test_fingerprint.text(),
                     hash_text(hasher.digest()));
}

/// A teacher is named by its weights or by the run that has them.
std::filesystem::path weights_of(const std::filesystem::path& teacher) {
  return std::filesystem::is_directory(teacher) ? teacher / weights_file : teacher;
}

/// What a folder's log holds, if it is to have one.
std::optional<io::DynamicsLayout> layout_of(const TrainingFolder& folder, const TrainingData& data,
                                            std::span<const std::int64_t> subset,
                                            const std::string& model, Seed seed) {
  if (!folder.log.dynamics) return std::nullopt;
  const auto labels = data.rows.labels;
  io::DynamicsLayout layout;
  layout.n = static_cast<std::int64_t>(labels.size());
  layout.n_test = static_cast<std::int64_t>(data.test_rows.labels.size());
  layout.n_classes = std::int64_t{*std::ranges::max_element(labels)} + 1;
  layout.grand = folder.log.gradients;
  layout.logits = folder.log.logits;
  layout.storage =
      folder.log.storage == LogStorage::float16 ? io::DType::float16 : io::DType::float32;
  layout.in_train.assign(labels.size(), 0);
  for (const std::int64_t id : subset) {
    if (id >= 0 && id < layout.n) layout.in_train[static_cast<std::size_t>(id)] = 1;
  }
  layout.labels.assign(labels.begin(), labels.end());
  layout.fingerprint = folder.fingerprint;
  layout.test_fingerprint = folder.test_fingerprint;
  layout.details = {{"model", model}, {"seed", seed.value}};
  return layout;
}

train::Watch watch_of(const TrainingFolder& folder, RunRecorder& recorder, bool always) {
  const bool watched = !folder.folder.empty() && (always || folder.log.dynamics);
  return {.observer = watched ? &recorder : nullptr,
          .dynamics = folder.log.dynamics,
          .gradients = folder.log.gradients,
          .logits = folder.log.logits,
          .at_start = folder.log.at_start,
          .every = folder.log.every};
}

void require_images(const std::string& model, const TrainingData& data) {
  if (data.images.size() > 0 && data.test_images.size() > 0) return;
  throw InvalidArgument(
      fmt::format("model = {}: a network needs images to train and to test on; "
                  "give --data with a dataset of images",
                  model));
}

TrainingOutcome train_network(const TrainingData& data, std::span<const std::int64_t> subset,
                              const TrainingOptions& options, Seed seed,
                              const TrainingFolder& folder, RunRecorder& recorder,
                              Progress& progress) {
  train::NetworkOptions network = options.network;
  network.seed = seed;
  // Steps are those that full data would take, whatever the subset.
  network.iterations =
      matched(train::planned_iterations(options.network, data.images.size()), options.match,
              static_cast<std::int64_t>(subset.size()), data.images.size());
  train::TrainingFiles files{.initial = folder.initial,
                             .teacher = folder.teacher.empty() ? "" : weights_of(folder.teacher),
                             .resume = folder.resume,
                             .identity = identity_of(folder, subset)};
  std::vector<std::string> written;
  if (!folder.folder.empty()) {
    files.checkpoint = checkpoint_of(folder.folder);
    if (folder.weights) {
      files.weights = folder.folder / weights_file;
      written.emplace_back(weights_file);
    }
  }
  auto result = network_trainer().train(data.images, subset, data.test_images, network, files,
                                        watch_of(folder, recorder, true), progress);
  return {.n_train = static_cast<std::int64_t>(subset.size()),
          .iterations = result.iterations,
          .epochs_seen = result.epochs_seen,
          .test_error = result.test_error,
          .train_error = std::numeric_limits<double>::quiet_NaN(),
          .gradient_norm = result.gradient_norm,
          .train_loss = std::move(result.train_loss),
          .test_correct = std::move(result.test_correct),
          .files = std::move(written),
          .warnings = std::move(result.warnings),
          .seconds = result.seconds,
          .device = std::move(result.device)};
}

TrainingOutcome train_cheap(const std::string& model, const TrainingData& data,
                            std::span<const std::int64_t> subset, const TrainingOptions& options,
                            Seed seed, const TrainingFolder& folder, RunRecorder& recorder,
                            Progress& progress) {
  if (!folder.initial.empty() || !folder.teacher.empty()) {
    throw InvalidArgument(
        fmt::format("model = {}: initial weights and teachers are for networks", model));
  }
  train::LearnerOptions learner = options.learner;
  learner.model = parse_enum<train::LearnerModel>("model", model);
  learner.seed = seed;
  learner.iterations = matched(learner.iterations, options.match,
                               static_cast<std::int64_t>(subset.size()), data.size());
  auto result = train::train_learner(data.rows, subset, data.test_rows, learner,
                                     watch_of(folder, recorder, false), progress);
  return {.n_train = static_cast<std::int64_t>(subset.size()),
          .iterations = result.iterations,
          .epochs_seen = result.epochs_seen,
          .test_error = result.test_error,
          .train_error = result.train_error,
          .gradient_norm = result.gradient_norm,
          .train_loss = {},
          .test_correct = std::move(result.test_correct),
          .files = {},
          .warnings = {},
          .seconds = result.seconds,
          .device = "cpu"};
}

}  // namespace

std::filesystem::path checkpoint_of(const std::filesystem::path& folder) {
  return folder / "checkpoint.safetensors";
}

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
                            Seed seed, const TrainingFolder& folder, Progress& progress) {
  folder.log.validate();
  RunRecorder recorder(folder.folder, layout_of(folder, data, subset, model, seed));
  const bool network = is_network(model);
  if (network) {
    require_images(model, data);
    network_trainer();  // opening it is no part of the training
  }
  const CpuClock clock;
  TrainingOutcome outcome;
  if (network) {
    TrainingOptions chosen = options;
    chosen.network.model = parse_enum<train::NetworkModel>("model", model);
    outcome = train_network(data, subset, chosen, seed, folder, recorder, progress);
  } else {
    outcome = train_cheap(model, data, subset, options, seed, folder, recorder, progress);
  }
  outcome.core_seconds = outcome.device == "cuda" ? outcome.seconds : clock.seconds();
  if (!folder.folder.empty() && (network || folder.log.dynamics)) {
    const auto written = recorder.finish();
    outcome.files.insert(outcome.files.end(), written.begin(), written.end());
  }
  return outcome;
}

}  // namespace winnow::experiments
