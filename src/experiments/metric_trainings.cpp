#include "winnow/experiments/metric_trainings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::experiments {

namespace {

using metrics::EnsembleMetric;
using metrics::LogMetric;

/// More passes than any training has: only the last is logged.
constexpr std::int64_t last_only = 1'000'000'000;
/// el2n and its like are taken in the first 20 epochs (Paul et al. 2021).
constexpr std::int64_t early_epoch = 20;

bool is_subsampled(const metrics::Metric& metric) {
  const auto* of_runs = std::get_if<EnsembleMetric>(&metric.value);
  return of_runs != nullptr && *of_runs != EnsembleMetric::ddd &&
         *of_runs != EnsembleMetric::active_learning;
}

LogOptions log_of(const metrics::Metric& metric, bool network, LogStorage storage,
                  std::optional<std::int64_t> epoch) {
  LogOptions log{.dynamics = true, .storage = storage};
  if (const auto* of_runs = std::get_if<EnsembleMetric>(&metric.value)) {
    log.every = epoch ? std::max<std::int64_t>(*epoch, 1) : last_only;
    log.logits = *of_runs == EnsembleMetric::active_learning;
  } else {
    const auto of_log = std::get<LogMetric>(metric.value);
    log.gradients = of_log == LogMetric::grand;
    log.logits = of_log == LogMetric::entropy;
    if (log.gradients && network) {
      log.every = std::max<std::int64_t>(epoch.value_or(early_epoch), 1);
    }
  }
  log.at_start = epoch == 0;
  return log;
}

PlannedTraining subset_run(const std::string& model, Seed seed, std::int64_t n, double fraction,
                           const TrainingOptions& options) {
  const auto size =
      std::clamp<std::int64_t>(std::llround(fraction * static_cast<double>(n)), 1, n - 1);
  return {.id = fmt::format("{}-subset-{}-s{}", model, fraction, seed.value),
          .model = model,
          .seed = seed,
          .options = options,
          .subset = {{"random", fraction}, {"seed", seed.value}},
          .size = size,
          .draw = [n, size, seed] {
            auto ids = RandomStream(seed, "subset-run").sample(n, size);
            std::sort(ids.begin(), ids.end());
            return ids;
          }};
}

}  // namespace

void MetricTrainingOptions::validate() const {
  validate_fields(*this);
  if (models.empty()) throw InvalidArgument("model is empty; expected at least one");
  for (const auto& model : models) is_network(model);
  training.learner.validate();
  training.network.validate();
}

std::int64_t default_runs(const metrics::Metric& metric) {
  if (std::holds_alternative<metrics::EmbeddingMetric>(metric.value)) return 0;
  if (is_subsampled(metric)) return 40;
  return std::holds_alternative<EnsembleMetric>(metric.value) ? 10 : 5;
}

std::vector<std::size_t> plan_metric(Planner& planner, const metrics::Metric& metric,
                                     std::int64_t n, const MetricTrainingOptions& options,
                                     Seed seed, std::optional<std::int64_t> epoch) {
  options.validate();
  if (n < 2) throw InvalidArgument(fmt::format("{} examples; expected at least 2", n));
  std::vector<std::size_t> trainings;
  const std::int64_t default_count = default_runs(metric);
  const std::int64_t runs = default_count == 0 ? 0
                            : options.runs > 0 ? options.runs
                                               : default_count;
  const auto n_models = static_cast<std::int64_t>(options.models.size());
  for (std::int64_t r = 0; r < runs; ++r) {
    const std::string& model = options.models[static_cast<std::size_t>(r % n_models)];
    const bool network = is_network(model);
    const bool subsampled = is_subsampled(metric);
    const std::int64_t turn = subsampled ? r : r / n_models;  // every subset is another one
    const Seed run_seed{seed.value + static_cast<std::uint64_t>(turn)};
    const LogOptions log = log_of(metric, network, options.storage, epoch);
    PlannedTraining training =
        subsampled ? subset_run(model, run_seed, n, options.subset_fraction, options.training)
                   : full_training(model, run_seed, n, options.training);
    training.log = log;
    trainings.push_back(planner.add(std::move(training)));
  }
  return trainings;
}

}  // namespace winnow::experiments
