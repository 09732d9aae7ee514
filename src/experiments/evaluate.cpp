#include "winnow/experiments/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/io/csv.hpp"

namespace winnow::experiments {

namespace fs = std::filesystem;

namespace {

std::string number_text(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

}  // namespace

std::string Cell::id() const {
  return fmt::format("{}-{}{}{}-{}-s{}", model, metric, metric.empty() ? "" : "-", policy, keep,
                     seed);
}

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
        cells.push_back(
            {model, "", policy, keep, options.seed.value + static_cast<std::uint64_t>(s)});
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

PlannedTraining planned(const Cell& cell, const RankedData& ranked, const TrainingOptions& training,
                        const selection::SelectOptions& base) {
  const auto n = static_cast<std::int64_t>(ranked.labels.size());
  PlannedTraining result = full_training(cell.model, Seed{cell.seed}, n, training);
  if (cell.policy == "full") return result;
  result.id = cell.id();
  selection::SelectOptions options = base;
  options.keep = cell.keep;
  options.keep_count.reset();
  options.policy = parse_enum<selection::Policy>("policy", cell.policy);
  options.seed = Seed{cell.seed};  // a random subset is drawn anew for every seed
  result.subset = options_json(options);
  result.subset.update(options.policy_json());
  const bool by_score = options.policy != selection::Policy::random;
  if (!by_score || options.policy == selection::Policy::stratified) {
    result.subset["seed"] = cell.seed;
  }
  if (by_score) {
    Hasher hasher;
    hasher.add(ranked.scores.data(), ranked.scores.size_bytes());
    result.subset["scores"] = hash_text(hasher.digest());
  }
  result.size = options.kept_of(n);
  result.draw = [ranked, options] {
    return selection::select(ranked.scores, ranked.labels, ranked.class_names, options).ids;
  };
  return result;
}

std::vector<CellResult> evaluate(const TrainingData& data, std::span<const double> scores,
                                 std::span<const std::string> class_names,
                                 const Fingerprint& fingerprint, const EvaluationOptions& options,
                                 const fs::path& folder, bool resume, Progress& progress) {
  const std::vector<Cell> cells = plan(options);
  if (data.rows.labels.size() != scores.size()) {
    throw InvalidArgument(fmt::format("evaluate: {} scores and {} labels; expected as many",
                                      scores.size(), data.rows.labels.size()));
  }
  Planner planner(data, fingerprint, {});
  const RankedData ranked{scores, data.rows.labels, class_names};
  std::vector<std::size_t> trainings;
  trainings.reserve(cells.size());
  for (const auto& cell : cells) {
    trainings.push_back(planner.add(planned(cell, ranked, options.training, options.select)));
  }
  planner.run(folder, resume, progress);
  std::vector<CellResult> results;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    results.push_back({cells[i], planner.outcome(trainings[i])});
  }
  write_results(folder, results);
  return results;
}

std::vector<CellSummary> summarize(const std::vector<CellResult>& results) {
  std::vector<CellSummary> summaries;
  std::vector<std::vector<double>> errors;
  for (const auto& [cell, outcome] : results) {
    auto found = std::ranges::find_if(summaries, [&c = cell](const CellSummary& s) {
      return s.model == c.model && s.metric == c.metric && s.policy == c.policy && s.keep == c.keep;
    });
    if (found == summaries.end()) {
      summaries.push_back({.model = cell.model,
                           .metric = cell.metric,
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
  const bool metrics = std::ranges::any_of(
      results, [](const CellResult& result) { return !result.cell.metric.empty(); });
  const std::string key = metrics ? "model,metric,policy,keep,seed" : "model,policy,keep,seed";
  std::string table = key + ",n_train,iterations,test_error,train_error\n";
  std::string timing = key + ",seconds,core_seconds\n";
  for (const auto& [cell, outcome] : results) {
    const std::string row = fmt::format("{},{}{},{},{}", io::csv_field(cell.model),
                                        metrics ? io::csv_field(cell.metric) + "," : "",
                                        io::csv_field(cell.policy), cell.keep, cell.seed);
    table += fmt::format("{},{},{},{},{}\n", row, outcome.n_train, outcome.iterations,
                         outcome.test_error, number_text(outcome.train_error));
    timing += fmt::format("{},{:.3f},{:.3f}\n", row, outcome.seconds, outcome.core_seconds);
  }
  write_file(folder / "results.csv", table);
  write_file(folder / "timing.csv", timing);
}

}  // namespace winnow::experiments
