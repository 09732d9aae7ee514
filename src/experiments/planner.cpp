#include "winnow/experiments/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::experiments {

namespace fs = std::filesystem;

namespace {

/// What an unfinished network's folder says it is of.
constexpr const char* plan_file = "plan.json";

std::string hash_of(const TrainingData& data) {
  Hasher hasher;
  for (const auto* split : {&data.rows, &data.test_rows}) {
    hasher.add_value(split->rows.cols());
    hasher.add(split->rows.data(), static_cast<std::size_t>(split->rows.size()) * sizeof(float));
    hasher.add(split->labels.data(), split->labels.size_bytes());
  }
  return hash_text(hasher.digest());
}

/// A log with what either asks for.
LogOptions merged(const LogOptions& a, const LogOptions& b) {
  if (!a.dynamics) return b;
  if (!b.dynamics) return a;
  return {.dynamics = true,
          .gradients = a.gradients || b.gradients,
          .logits = a.logits || b.logits,
          .at_start = a.at_start || b.at_start,
          .every = std::gcd(a.every, b.every),
          .storage = std::max(a.storage, b.storage)};
}

bool covers(const Json& log, const LogOptions& wanted) {
  if (!wanted.dynamics) return true;
  const Json needed = options_json(wanted);
  const auto has = [&](const char* name) {
    return !needed.at(name).get<bool>() || log.value(name, false);
  };
  const std::int64_t every = log.value("log-every", std::int64_t{0});
  return has("log-dynamics") && has("log-gradients") && has("log-logits") && has("log-start") &&
         every > 0 && wanted.every % every == 0 &&
         (wanted.storage == LogStorage::float16 || log.at("log-dtype") == needed.at("log-dtype"));
}

/// JSON has no NaN: null stands for it.
double number(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

Json results_of(const TrainingOutcome& outcome) {
  return {{"n_train", outcome.n_train},          {"iterations", outcome.iterations},
          {"epochs_seen", outcome.epochs_seen},  {"test_error", outcome.test_error},
          {"train_error", outcome.train_error},  {"gradient_norm", outcome.gradient_norm},
          {"train_loss", outcome.train_loss},    {"seconds", outcome.seconds},
          {"core_seconds", outcome.core_seconds}};
}

TrainingOutcome outcome_of(const Json& results) {
  TrainingOutcome outcome;
  outcome.n_train = results.at("n_train");
  outcome.iterations = results.at("iterations");
  outcome.epochs_seen = number(results.at("epochs_seen"));
  outcome.test_error = number(results.at("test_error"));
  outcome.train_error = number(results.at("train_error"));
  outcome.gradient_norm = number(results.at("gradient_norm"));
  std::ranges::transform(results.at("train_loss"), std::back_inserter(outcome.train_loss), number);
  outcome.seconds = number(results.at("seconds"));
  outcome.core_seconds = number(results.at("core_seconds"));
  return outcome;
}

/// A training inside a larger stage: passes on warnings and cancellation, and its steps only when
/// they are what the stage counts.
class Inner final : public Progress {
 public:
  Inner(Progress& outer, bool count_steps) : outer_(outer), count_steps_(count_steps) {}
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {}
  void advance(std::int64_t count) noexcept override {
    if (count_steps_) outer_.advance(count);
  }
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view message) override { outer_.warn(message); }
  bool cancelled() const noexcept override { return outer_.cancelled(); }

 private:
  Progress& outer_;
  bool count_steps_;
};

}  // namespace

Planner::Planner(const TrainingData& data, const Fingerprint& fingerprint,
                 const Fingerprint& test_fingerprint)
    : data_(data), fingerprint_(fingerprint), test_fingerprint_(test_fingerprint) {
  if (data.rows.labels.empty() || data.test_rows.labels.empty()) {
    throw InvalidArgument(
        fmt::format("{} labels and {} test labels; expected labelled examples to train and to test "
                    "on",
                    data.rows.labels.size(), data.test_rows.labels.size()));
  }
  data_hash_ = hash_of(data);
}

Json Planner::specification(const PlannedTraining& training) const {
  return {{"model", training.model},
          {"seed", training.seed.value},
          {"match", enum_name(training.options.match)},
          {"training", is_network(training.model) ? options_json(training.options.network)
                                                  : options_json(training.options.learner)},
          {"subset", training.subset},
          {"data", data_hash_},
          {"fingerprint", fingerprint_.text()},
          {"test_fingerprint", test_fingerprint_.text()}};
}

std::size_t Planner::add(PlannedTraining training) {
  training.log.validate();
  // Gradient norms of a network cost as much as the training: nobody else's log gets them.
  const bool apart = training.log.gradients && is_network(training.model);
  const std::string key = dump_json(specification(training)) + (apart ? " gradients" : "");
  const auto [found, is_new] = known_.try_emplace(key, trainings_.size());
  if (!is_new) {
    LogOptions& log = trainings_[found->second].log;
    if (!covers(options_json(log), training.log)) {
      log = merged(log, training.log);
      done_[found->second] = false;
    }
    return found->second;
  }
  const std::string id = training.id;
  for (int copy = 2; !ids_.insert(training.id).second; ++copy) {
    training.id = fmt::format("{}-{}", id, copy);
  }
  trainings_.push_back(std::move(training));
  outcomes_.emplace_back();
  done_.push_back(false);
  return trainings_.size() - 1;
}

fs::path Planner::folder(std::size_t training) const {
  return folder_ / "trainings" / trainings_.at(training).id;
}

bool Planner::read_back(std::size_t training) {
  const fs::path path = folder(training);
  if (!fs::exists(path / "run.json")) return false;
  const RunInfo run = read_run(path);
  try {
    Json found = run.options;
    const Json log = found.value("log", Json::object());
    found.erase("log");
    if (found != specification(trainings_[training])) return false;
    const LogOptions& wanted = trainings_[training].log;
    if (!covers(log, wanted)) return false;
    if (wanted.dynamics && !fs::is_directory(path / "dynamics")) return false;
    outcomes_[training] = outcome_of(run.results);
  } catch (const Json::exception& error) {
    throw BadFile(fmt::format("{}: {}; remove the folder to train it again",
                              (path / "run.json").string(), error.what()));
  }
  return true;
}

void Planner::write(std::size_t training) const {
  RunInfo run;
  run.kind = "training";
  run.options = specification(trainings_[training]);
  run.options["log"] = options_json(trainings_[training].log);
  run.files = outcomes_[training].files;
  run.results = results_of(outcomes_[training]);
  write_run(folder(training), run);
}

void Planner::train(std::size_t training, bool resume, Progress& progress) {
  const PlannedTraining& planned = trainings_[training];
  const fs::path path = folder(training);
  const bool network = is_network(planned.model);
  const Json wanted = specification(planned);
  const bool goes_on = resume && network && fs::exists(path / plan_file) &&
                       !fs::exists(path / "run.json") && read_json(path / plan_file) == wanted;
  if (goes_on) {
    remove_temporaries(path);  // a killed training may have left some
  } else {
    fs::remove_all(path);
  }
  make_folder(path);
  if (network) write_json(path / plan_file, wanted);
  const std::vector<std::int64_t> ids = planned.draw();
  outcomes_[training] = train_model(planned.model, data_, ids, planned.options, planned.seed,
                                    {.folder = network || planned.log.dynamics ? path : fs::path(),
                                     .resume = goes_on,
                                     .weights = false,
                                     .log = planned.log,
                                     .fingerprint = fingerprint_,
                                     .test_fingerprint = test_fingerprint_},
                                    progress);
  write(training);
  fs::remove(path / plan_file);
  fs::remove(checkpoint_of(path));
}

void Planner::run_learners(const std::vector<std::size_t>& learners, Progress& progress) {
  const auto count = static_cast<std::int64_t>(learners.size());
  progress.stage("train linear and mlp", count, "trainings");
  Inner inner(progress, false);
  parallel_blocks(
      count, progress,
      [&](std::int64_t i) { train(learners[static_cast<std::size_t>(i)], false, inner); }, true);
  progress.done("");
}

void Planner::run_networks(const std::vector<std::size_t>& networks, bool resume,
                           Progress& progress) {
  const auto count = static_cast<std::int64_t>(networks.size());
  std::int64_t steps = 0;
  for (const auto index : networks) {
    steps += network_steps(trainings_[index].options, trainings_[index].size, data_.size());
  }
  progress.stage("train networks", steps, "iterations");
  Inner inner(progress, true);
  // Side by side on one thread each where that keeps every core busy, else one after the other on
  // all of them; a network's bits do not depend on its threads.
  const bool side_by_side = count >= thread_count();
  const auto train_one = [&](std::int64_t i) {
    train(networks[static_cast<std::size_t>(i)], resume, inner);
  };
  if (side_by_side) {
    parallel_blocks(count, progress, train_one);
  } else {
    for (std::int64_t i = 0; i < count; ++i) train_one(i);
  }
  progress.done(fmt::format("{} trainings", count));
}

void Planner::run(const fs::path& folder, bool resume, Progress& progress) {
  folder_ = folder;
  std::vector<std::size_t> learners;
  std::vector<std::size_t> networks;
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    if (done_[i] || (resume && read_back(i))) continue;
    (is_network(trainings_[i].model) ? networks : learners).push_back(i);
  }
  if (!learners.empty()) run_learners(learners, progress);
  if (!networks.empty()) run_networks(networks, resume, progress);
  done_.assign(trainings_.size(), true);
}

PlannedTraining full_training(const std::string& model, Seed seed, std::int64_t n,
                              const TrainingOptions& options) {
  return {.id = fmt::format("{}-full-1-s{}", model, seed.value),
          .model = model,
          .seed = seed,
          .options = options,
          .subset = "full",
          .size = n,
          .draw = [n] {
            std::vector<std::int64_t> all(static_cast<std::size_t>(n));
            std::iota(all.begin(), all.end(), std::int64_t{0});
            return all;
          }};
}

}  // namespace winnow::experiments
