#include "winnow/experiments/evaluate.hpp"

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
#include "winnow/io/csv.hpp"

namespace winnow::experiments {

namespace fs = std::filesystem;

namespace {

using Subset = std::vector<std::int64_t>;

/// Ids that a cell trains on. A random subset is drawn anew for every seed.
Subset subset_of(const Cell& cell, std::span<const double> scores,
                 std::span<const std::int32_t> labels, std::span<const std::string> class_names,
                 const selection::SelectOptions& base) {
  if (cell.policy == "full") {
    Subset all(scores.size());
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
  }
  selection::SelectOptions options = base;
  options.keep = cell.keep;
  options.keep_count.reset();
  options.policy = parse_enum<selection::Policy>("policy", cell.policy);
  options.seed = Seed{cell.seed};
  return selection::select(scores, labels, class_names, options).ids;
}

/// What all cells of an evaluation have in common.
struct Inputs {
  std::string scores;  ///< hash
  std::string data;    ///< hash of embeddings and labels, of both splits
  std::string fingerprint;
};

Inputs inputs_of(const TrainingData& data, std::span<const double> scores,
                 const Fingerprint& fingerprint) {
  Hasher of_scores;
  of_scores.add(scores.data(), scores.size_bytes());
  Hasher of_data;
  for (const auto* split : {&data.rows, &data.test_rows}) {
    of_data.add_value(split->rows.cols());
    of_data.add(split->rows.data(), static_cast<std::size_t>(split->rows.size()) * sizeof(float));
    of_data.add(split->labels.data(), split->labels.size_bytes());
  }
  return {hash_text(of_scores.digest()), hash_text(of_data.digest()), fingerprint.text()};
}

/// Everything that decides the outcome of a cell: equal specifications, equal results.
Json specification(const Cell& cell, const EvaluationOptions& options, const Inputs& inputs) {
  const bool network = is_network(cell.model);
  return {{"model", cell.model},
          {"policy", cell.policy},
          {"keep", cell.keep},
          {"seed", cell.seed},
          {"match", enum_name(options.training.match)},
          {"class_balance", options.select.class_balance},
          {"balance_by", enum_name(options.select.balance_by)},
          {"training", network ? options_json(options.training.network)
                               : options_json(options.training.learner)},
          {"scores", inputs.scores},
          {"data", inputs.data},
          {"fingerprint", inputs.fingerprint}};
}

void write_cell(const fs::path& folder, const CellResult& result, const Json& specification) {
  const TrainingOutcome& outcome = result.outcome;
  RunInfo run;
  run.kind = "training";
  run.options = specification;
  run.results = {{"n_train", outcome.n_train},         {"iterations", outcome.iterations},
                 {"epochs_seen", outcome.epochs_seen}, {"test_error", outcome.test_error},
                 {"train_error", outcome.train_error}, {"gradient_norm", outcome.gradient_norm},
                 {"train_loss", outcome.train_loss},   {"seconds", outcome.seconds}};
  write_run(folder / "trainings" / result.cell.id(), run);
}

/// Reads a finished cell back; false when there is none of the same specification.
bool read_cell(const fs::path& folder, const Json& specification, CellResult& result) {
  const fs::path path = folder / "trainings" / result.cell.id();
  if (!fs::exists(path / "run.json")) return false;
  const RunInfo run = read_run(path);
  if (run.options != specification) return false;
  // JSON has no NaN: null stands for it.
  const auto number = [](const Json& value) {
    return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  };
  try {
    TrainingOutcome& outcome = result.outcome;
    outcome.n_train = run.results.at("n_train");
    outcome.iterations = run.results.at("iterations");
    outcome.epochs_seen = number(run.results.at("epochs_seen"));
    outcome.test_error = number(run.results.at("test_error"));
    outcome.train_error = number(run.results.at("train_error"));
    outcome.gradient_norm = number(run.results.at("gradient_norm"));
    std::ranges::transform(run.results.at("train_loss"), std::back_inserter(outcome.train_loss),
                           number);
    outcome.seconds = number(run.results.at("seconds"));
  } catch (const Json::exception& error) {
    throw BadFile(fmt::format("{}: {}; remove the folder to train it again",
                              (path / "run.json").string(), error.what()));
  }
  return true;
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

std::string number_text(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

}  // namespace

std::string Cell::id() const { return fmt::format("{}-{}-{}-s{}", model, policy, keep, seed); }

void EvaluationOptions::validate() const {
  validate_fields(*this);
  if (models.empty()) throw InvalidArgument("evaluate-models is empty; expected at least one");
  for (const auto& model : models) is_network(model);
  if (keeps.empty()) throw InvalidArgument("evaluate-keep is empty; expected at least one");
  for (const double keep : keeps) {
    check_range(keep, {.name = "evaluate-keep", .help = "", .min = 0, .max = 1, .min_open = true});
  }
  training.learner.validate();
  training.network.validate();
  select.validate();
}

std::vector<Cell> plan(const EvaluationOptions& options) {
  options.validate();
  std::vector<Cell> cells;
  for (const auto& model : options.models) {
    const bool network = is_network(model);
    const auto add = [&](const char* policy, double keep) {
      for (std::int64_t s = 0; s < (network ? options.network_seeds : options.seeds); ++s) {
        cells.push_back({model, policy, keep, options.seed.value + static_cast<std::uint64_t>(s)});
      }
    };
    if (!network) add("full", 1.0);
    for (const double keep : options.keeps) {
      if (keep == 1.0) continue;
      if (network && keep != options.keeps.front()) break;
      add("random", keep);
      add("hard", keep);
      if (!network) add("easy", keep);
    }
  }
  return cells;
}

std::vector<CellResult> evaluate(const TrainingData& data, std::span<const double> scores,
                                 std::span<const std::string> class_names,
                                 const Fingerprint& fingerprint, const EvaluationOptions& options,
                                 const fs::path& folder, bool resume, Progress& progress) {
  const std::vector<Cell> cells = plan(options);
  if (data.rows.labels.size() != scores.size() || data.test_rows.labels.empty()) {
    throw InvalidArgument(
        fmt::format("evaluate: {} scores, {} labels and {} test labels; expected "
                    "as many labels as scores, and test examples",
                    scores.size(), data.rows.labels.size(), data.test_rows.labels.size()));
  }
  const Inputs inputs = inputs_of(data, scores, fingerprint);
  std::vector<CellResult> results;
  std::vector<std::size_t> learners;
  std::vector<std::size_t> networks;
  for (const auto& cell : cells) {
    results.push_back({cell, {}});
    const Json wanted = specification(cell, options, inputs);
    if (resume && read_cell(folder, wanted, results.back())) continue;
    (is_network(cell.model) ? networks : learners).push_back(results.size() - 1);
  }
  const auto train_cell = [&](std::size_t index, Progress& inner) {
    CellResult& result = results[index];
    const Subset subset =
        subset_of(result.cell, scores, data.rows.labels, class_names, options.select);
    result.outcome = train_model(result.cell.model, data, subset, options.training,
                                 Seed{result.cell.seed}, {}, inner);
    write_cell(folder, result, specification(result.cell, options, inputs));
  };
  if (!learners.empty()) {
    progress.stage("train linear and mlp", static_cast<std::int64_t>(learners.size()), "trainings");
    parallel_blocks(
        static_cast<std::int64_t>(learners.size()), progress,
        [&](std::int64_t i) {
          Inner inner(progress, false);
          train_cell(learners[static_cast<std::size_t>(i)], inner);
        },
        true);
    progress.done("");
  }
  if (!networks.empty()) {
    const auto count = static_cast<std::int64_t>(networks.size());
    std::int64_t steps = 0;
    for (const auto index : networks) {
      const Cell& cell = results[index].cell;
      const auto subset = static_cast<std::int64_t>(
          subset_of(cell, scores, data.rows.labels, class_names, options.select).size());
      steps += network_steps(options.training, subset, data.size());
    }
    progress.stage("train networks", steps, "iterations");
    Inner inner(progress, true);
    const auto train_one = [&](std::int64_t i) {
      train_cell(networks[static_cast<std::size_t>(i)], inner);
    };
    // Side by side on one thread each where that keeps every core busy, else one after the other on
    // all of them; a network's bits do not depend on its threads.
    if (count >= thread_count()) {
      parallel_blocks(count, progress, train_one);
    } else {
      for (std::int64_t i = 0; i < count; ++i) train_one(i);
    }
    progress.done(fmt::format("{} trainings", count));
  }
  write_results(folder, results);
  return results;
}

std::vector<CellSummary> summarize(const std::vector<CellResult>& results) {
  std::vector<CellSummary> summaries;
  std::vector<std::vector<double>> errors;
  for (const auto& [cell, outcome] : results) {
    auto found = std::ranges::find_if(summaries, [&c = cell](const CellSummary& s) {
      return s.model == c.model && s.policy == c.policy && s.keep == c.keep;
    });
    if (found == summaries.end()) {
      summaries.push_back({.model = cell.model,
                           .policy = cell.policy,
                           .keep = cell.keep,
                           .n_train = outcome.n_train});
      errors.emplace_back();
      found = summaries.end() - 1;
    }
    errors[static_cast<std::size_t>(found - summaries.begin())].push_back(outcome.test_error);
  }
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const auto count = static_cast<double>(errors[i].size());
    const double mean = std::accumulate(errors[i].begin(), errors[i].end(), 0.0) / count;
    double squares = 0.0;
    for (const double error : errors[i]) squares += (error - mean) * (error - mean);
    summaries[i].seeds = static_cast<std::int64_t>(errors[i].size());
    summaries[i].test_error = mean;
    summaries[i].standard_error = count > 1.0 ? std::sqrt(squares / (count - 1.0) / count)
                                              : std::numeric_limits<double>::quiet_NaN();
  }
  return summaries;
}

void write_results(const fs::path& folder, const std::vector<CellResult>& results) {
  std::string table = "model,policy,keep,seed,n_train,iterations,test_error,train_error\n";
  std::string timing = "model,policy,keep,seed,seconds\n";
  for (const auto& [cell, outcome] : results) {
    const std::string key = fmt::format("{},{},{},{}", io::csv_field(cell.model),
                                        io::csv_field(cell.policy), cell.keep, cell.seed);
    table += fmt::format("{},{},{},{},{}\n", key, outcome.n_train, outcome.iterations,
                         outcome.test_error, number_text(outcome.train_error));
    timing += fmt::format("{},{:.3f}\n", key, outcome.seconds);
  }
  write_file(folder / "results.csv", table);
  write_file(folder / "timing.csv", timing);
}

}  // namespace winnow::experiments
