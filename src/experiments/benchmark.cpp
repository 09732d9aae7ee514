#include "winnow/experiments/benchmark.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "experiments/cpu_clock.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/metrics/prototypes.hpp"

namespace winnow::experiments {

namespace fs = std::filesystem;

namespace {

using metrics::EmbeddingMetric;
using metrics::EnsembleMetric;
using metrics::LogMetric;

const MetricTrainingOptions& trainings_of(const metrics::Metric& metric,
                                          const BenchmarkOptions& options) {
  const auto* of_runs = std::get_if<EnsembleMetric>(&metric.value);
  if (of_runs == nullptr) return options.scoring;
  const bool ensemble =
      *of_runs == EnsembleMetric::ddd || *of_runs == EnsembleMetric::active_learning;
  return ensemble ? options.ensemble : options.subsets;
}

/// One run of the study, between its two rounds of trainings.
class Benchmark {
 public:
  Benchmark(const TrainingData& data, std::span<const std::string> class_names,
            const Fingerprint& fingerprint, const Fingerprint& test_fingerprint,
            const BenchmarkOptions& options, Progress& progress)
      : data_(data),
        class_names_(class_names),
        fingerprint_(fingerprint),
        options_(options),
        progress_(progress),
        planner_(data, fingerprint, test_fingerprint) {}

  BenchmarkResult run(const fs::path& folder, bool resume) {
    for (const auto& metric : options_.metrics) {
      runs_.push_back(plan_metric(planner_, metric, data_.size(), trainings_of(metric, options_),
                                  options_.seed));
    }
    planner_.run(folder, resume, progress_);
    for (std::size_t i = 0; i < options_.metrics.size(); ++i) {
      result_.scores.push_back(score(options_.metrics[i], runs_[i]));
      write(folder, result_.scores.back());
    }
    for (const std::int64_t k : options_.cluster_study.clusters) {
      result_.cluster_study.push_back(score_self(k));
      result_.cluster_study.back().name += fmt::format("-k{}", k);
      write(folder, result_.cluster_study.back());
    }
    plan_cells();
    planner_.run(folder, resume, progress_);
    for (std::size_t i = 0; i < result_.cells.size(); ++i) {
      result_.cells[i].outcome = planner_.outcome(cell_trainings_[i]);
    }
    for (std::size_t i = 0; i < planner_.size(); ++i) {
      result_.children.push_back(fs::relative(planner_.folder(i), folder).string());
    }
    write_results(folder, result_.cells);
    return std::move(result_);
  }

 private:
  BenchmarkScore score_self(std::int64_t clusters) {
    cluster::KMeansOptions kmeans;
    kmeans.n_clusters = clusters;
    kmeans.geometry = options_.geometry;
    kmeans.seed = options_.seed;
    const CpuClock clock;
    BenchmarkScore found{.metric = {EmbeddingMetric::self_prototypes},
                         .name = enum_name(EmbeddingMetric::self_prototypes)};
    found.values = metrics::self_prototypes(data_.rows.rows, kmeans, progress_).scores;
    found.core_seconds = clock.seconds();
    return found;
  }

  BenchmarkScore score(const metrics::Metric& metric, const std::vector<std::size_t>& runs) {
    BenchmarkScore found{.metric = metric, .name = metric.text()};
    found.trainings = static_cast<std::int64_t>(runs.size());
    std::vector<fs::path> folders;
    folders.reserve(runs.size());
    for (const auto run : runs) folders.push_back(planner_.folder(run));
    const CpuClock clock;
    if (const auto* of_log = std::get_if<LogMetric>(&metric.value)) {
      const std::vector<io::Dynamics> logs(folders.begin(), folders.end());
      auto scores = metrics::score_logs(logs, *of_log, {}, progress_);
      found.values = std::move(scores.scores);
      found.warnings = std::move(scores.warnings);
    } else if (const auto* of_runs = std::get_if<EnsembleMetric>(&metric.value)) {
      auto scores = metrics::score_ensemble(folders, *of_runs, {}, progress_);
      found.values = std::move(scores.scores);
      found.standard_errors = std::move(scores.standard_errors);
      found.warnings = std::move(scores.warnings);
    } else {
      switch (std::get<EmbeddingMetric>(metric.value)) {
        case EmbeddingMetric::self_prototypes:
          return score_self(clusters());
        case EmbeddingMetric::supervised_prototypes:
          found.values =
              metrics::supervised_prototypes(data_.rows.rows, data_.rows.labels, options_.geometry);
          break;
        case EmbeddingMetric::random:
          found.values = metrics::random_scores(data_.size(), options_.seed);
          break;
      }
    }
    found.core_seconds = clock.seconds();
    for (const auto run : runs) found.core_seconds += planner_.outcome(run).core_seconds;
    return found;
  }

  std::int64_t clusters() const {
    if (options_.clusters > 0) return options_.clusters;
    return static_cast<std::int64_t>(class_names_.size());
  }

  void write(const fs::path& folder, const BenchmarkScore& score) const {
    make_folder(folder / "scores");
    io::write_scores(folder / "scores" / (score.name + ".npy"),
                     {score.values, fingerprint_, score.metric.text(), {}},
                     {{"trainings", score.trainings},
                      {"seed", options_.seed.value},
                      {"warnings", score.warnings}});
  }

  void add(const Cell& cell, std::span<const double> scores,
           const BenchmarkEvaluation& evaluation) {
    const RankedData ranked{scores, data_.rows.labels, class_names_};
    cell_trainings_.push_back(
        planner_.add(planned(cell, ranked, evaluation.training, evaluation.select)));
    result_.cells.push_back({cell, {}});
  }

  void add_all_seeds(const Cell& first, std::span<const double> scores,
                     const BenchmarkEvaluation& evaluation) {
    for (std::int64_t s = 0; s < evaluation.seeds; ++s) {
      Cell cell = first;
      cell.seed = options_.seed.value + static_cast<std::uint64_t>(s);
      add(cell, scores, evaluation);
    }
  }

  void plan_cells() {
    for (const auto& evaluation : options_.evaluations) {
      for (const auto& model : evaluation.models) {
        // Any scores do for random subsets: they are not looked at.
        const std::span<const double> any = result_.scores.front().values;
        add_all_seeds({model, "", "full", 1.0, 0}, any, evaluation);
        for (const double keep : evaluation.keeps) {
          add_all_seeds({model, "", "random", keep, 0}, any, evaluation);
        }
        for (const auto& score : result_.scores) {
          if (!wants(evaluation, score.metric)) continue;
          for (const auto policy : evaluation.policies) {
            for (const double keep : evaluation.keeps) {
              add_all_seeds({model, score.name, enum_name(policy), keep, 0}, score.values,
                            evaluation);
            }
          }
        }
      }
    }
    const auto& first = options_.evaluations.front();
    for (const auto& score : result_.cluster_study) {
      for (const double keep : options_.cluster_study.keeps) {
        add_all_seeds({first.models.front(), score.name, "hard", keep, 0}, score.values, first);
      }
    }
  }

  static bool wants(const BenchmarkEvaluation& evaluation, const metrics::Metric& metric) {
    return metric.value != metrics::Metric{EmbeddingMetric::random}.value &&
           (evaluation.metrics.empty() ||
            std::ranges::find(evaluation.metrics, metric) != evaluation.metrics.end());
  }

  const TrainingData& data_;
  std::span<const std::string> class_names_;
  Fingerprint fingerprint_;
  const BenchmarkOptions& options_;
  Progress& progress_;
  Planner planner_;
  std::vector<std::vector<std::size_t>> runs_;  ///< trainings of each metric
  std::vector<std::size_t> cell_trainings_;
  BenchmarkResult result_;
};

/// Mean of the differences of equal seeds, and its standard error.
struct Difference {
  double mean = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();
};

using Seeds = std::vector<std::pair<std::uint64_t, double>>;  ///< seed and test error

Difference difference_of(const Seeds& cell, const Seeds& reference) {
  std::vector<double> differences;
  for (const auto& [seed, error] : cell) {
    const auto same = std::ranges::find(reference, seed, &Seeds::value_type::first);
    if (same != reference.end()) differences.push_back(error - same->second);
  }
  if (differences.empty()) return {};
  const auto count = static_cast<double>(differences.size());
  Difference found{.mean = std::accumulate(differences.begin(), differences.end(), 0.0) / count};
  double squares = 0.0;
  for (const double each : differences) squares += (each - found.mean) * (each - found.mean);
  if (count > 1.0) found.error = std::sqrt(squares / (count - 1.0) / count);
  return found;
}

Seeds seeds_of(const std::vector<CellResult>& cells, const std::string& model,
               const std::string& metric, const std::string& policy, double keep) {
  Seeds seeds;
  for (const auto& [cell, outcome] : cells) {
    if (cell.model == model && cell.metric == metric && cell.policy == policy &&
        cell.keep == keep) {
      seeds.emplace_back(cell.seed, outcome.test_error);
    }
  }
  return seeds;
}

/// Of a training on all data without a log: from those on random subsets, by their steps.
double full_core_seconds_of(const std::vector<CellResult>& cells, const std::string& model) {
  double steps = 0.0;
  double seconds = 0.0;
  double count = 0.0;
  for (const auto& [cell, outcome] : cells) {
    if (cell.model != model) continue;
    if (cell.policy == "full") steps = static_cast<double>(outcome.iterations);
    if (cell.policy != "random") continue;
    seconds += outcome.core_seconds / static_cast<double>(outcome.iterations);
    count += 1.0;
  }
  return steps * seconds / count;
}

/// The smallest fraction from which on all hard subsets match full data, else 1.
double smallest_matching(const std::vector<BenchmarkSummary>& summaries, const std::string& model,
                         const std::string& metric) {
  std::vector<std::pair<double, bool>> by_keep;
  for (const auto& summary : summaries) {
    const CellSummary& cell = summary.cell;
    if (cell.model != model || cell.metric != metric || cell.policy != "hard") continue;
    by_keep.emplace_back(cell.keep, summary.matches_full());
  }
  std::ranges::sort(by_keep, std::greater<>());
  double keep = 1.0;
  for (const auto& [fraction, matches] : by_keep) {
    if (!matches) break;
    keep = fraction;
  }
  return keep;
}

}  // namespace

void BenchmarkEvaluation::validate() const {
  validate_fields(*this);
  if (models.empty()) throw InvalidArgument("models is empty; expected at least one");
  for (const auto& model : models) is_network(model);
  if (keeps.empty()) throw InvalidArgument("keep is empty; expected at least one");
  for (const double keep : keeps) {
    check_range(keep, {.name = "keep", .min = 0, .max = 1, .min_open = true, .max_open = true});
  }
  if (policies.empty()) throw InvalidArgument("policies is empty; expected at least one");
  for (const auto policy : policies) {
    if (policy == selection::Policy::random) {
      throw InvalidArgument("policies: random subsets are always trained; leave 'random' out");
    }
    if (policy == selection::Policy::density || policy == selection::Policy::d2 ||
        policy == selection::Policy::balanced) {
      throw InvalidArgument(
          fmt::format("policies: {} needs more than scores; take winnow select with it, and winnow "
                      "train on the subset",
                      enum_name(policy)));
    }
    const double below = 1.0 - select.stratified.cut_off;
    const auto largest = std::max_element(keeps.begin(), keeps.end());
    if (policy == selection::Policy::stratified && *largest > below) {
      throw InvalidArgument(fmt::format(
          "keep = {}: policy stratified keeps at most {} beyond the cut-off of {}; keep less, or "
          "cut off less",
          *largest, below, select.stratified.cut_off));
    }
  }
  training.learner.validate();
  training.network.validate();
}

void BenchmarkOptions::validate() const {
  validate_fields(*this);
  if (metrics.empty()) throw InvalidArgument("metrics is empty; expected at least one");
  std::set<std::string> seen;
  for (const auto& metric : metrics) {
    if (!seen.insert(metric.text()).second) {
      throw InvalidArgument(fmt::format("metrics: {} is there twice", metric.text()));
    }
  }
  scoring.validate();
  subsets.validate();
  ensemble.validate();
  if (evaluations.empty()) throw InvalidArgument("evaluation: none is given");
  std::set<std::string> evaluated;
  for (const auto& evaluation : evaluations) {
    evaluation.validate();
    for (const auto& model : evaluation.models) {
      if (!evaluated.insert(model).second) {
        throw InvalidArgument(fmt::format("evaluation: {} is evaluated twice", model));
      }
    }
    for (const auto& metric : evaluation.metrics) {
      if (seen.contains(metric.text())) continue;
      throw InvalidArgument(fmt::format(
          "evaluation: metric {} is not among the metrics of the benchmark", metric.text()));
    }
  }
  for (const std::int64_t k : cluster_study.clusters) {
    check_range(static_cast<double>(k), {.name = "clusters", .min = 1});
  }
}

std::vector<std::string> BenchmarkOptions::models() const {
  std::set<std::string> names;
  for (const auto& metric : metrics) {
    if (default_runs(metric) == 0) continue;
    const auto& of_metric = trainings_of(metric, *this).models;
    names.insert(of_metric.begin(), of_metric.end());
  }
  for (const auto& evaluation : evaluations) {
    names.insert(evaluation.models.begin(), evaluation.models.end());
  }
  return {names.begin(), names.end()};
}

BenchmarkResult run_benchmark(const TrainingData& data, std::span<const std::string> class_names,
                              const Fingerprint& fingerprint, const Fingerprint& test_fingerprint,
                              const BenchmarkOptions& options, const fs::path& folder, bool resume,
                              Progress& progress) {
  options.validate();
  return Benchmark(data, class_names, fingerprint, test_fingerprint, options, progress)
      .run(folder, resume);
}

std::vector<BenchmarkSummary> summarize_benchmark(const std::vector<CellResult>& cells) {
  std::vector<BenchmarkSummary> summaries;
  for (auto& cell : summarize(cells)) {
    const Seeds own = seeds_of(cells, cell.model, cell.metric, cell.policy, cell.keep);
    const auto full = difference_of(own, seeds_of(cells, cell.model, "", "full", 1.0));
    const auto random = difference_of(own, seeds_of(cells, cell.model, "", "random", cell.keep));
    summaries.push_back({.cell = std::move(cell),
                         .over_full = full.mean,
                         .over_full_error = full.error,
                         .over_random = random.mean,
                         .over_random_error = random.error});
  }
  return summaries;
}

std::vector<BenchmarkCost> costs_of(const BenchmarkResult& result) {
  const auto summaries = summarize_benchmark(result.cells);
  std::vector<BenchmarkCost> costs;
  for (const auto& score : result.scores) {
    std::set<std::string> models;
    for (const auto& summary : summaries) {
      if (summary.cell.metric == score.name) models.insert(summary.cell.model);
    }
    for (const auto& model : models) {
      BenchmarkCost cost{.metric = score.name,
                         .model = model,
                         .trainings = score.trainings,
                         .core_seconds = score.core_seconds,
                         .full_core_seconds = full_core_seconds_of(result.cells, model),
                         .keep = smallest_matching(summaries, model, score.name)};
      if (cost.keep < 1.0) {
        cost.trainings_to_repay = cost.core_seconds / ((1.0 - cost.keep) * cost.full_core_seconds);
      }
      costs.push_back(std::move(cost));
    }
  }
  return costs;
}

}  // namespace winnow::experiments
