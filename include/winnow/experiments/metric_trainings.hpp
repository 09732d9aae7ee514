#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/experiments/planner.hpp"
#include "winnow/metrics/metric.hpp"

namespace winnow::experiments {

/// Trainings that metrics learn from.
struct MetricTrainingOptions {
  std::vector<std::string> models{"mlp"};  ///< Runs take them in turn.
  std::int64_t runs = 0;                   ///< 0: as the metric needs, default_runs()
  double subset_fraction = 0.7;            ///< of memorization and influence; (0, 1)
  LogStorage storage = LogStorage::float32;
  TrainingOptions training;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.runs,
          FieldInfo{.name = "runs",
                    .help = "Trainings that the metric learns from; 0: 40 for memorization and "
                            "influence, 10 for ddd and active-learning, else 5.",
                    .min = 0});
    visit(self.subset_fraction,
          FieldInfo{.name = "subset-fraction",
                    .help = "Share of the examples that each run of memorization and influence "
                            "is trained on.",
                    .min = 0,
                    .max = 1,
                    .min_open = true,
                    .max_open = true});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken; an unknown model.
  void validate() const;
};

/// How many trainings a metric learns from when nothing is said; 0 for those of embeddings.
std::int64_t default_runs(const metrics::Metric& metric);

/// Adds the trainings that a metric needs to a plan, where other metrics may share them.
///
///     memorization, influence-*    runs on random subsets of round(subset_fraction n) examples,
///                                  drawn from (seed of the run, "subset-run"); logged at the end
///     ddd, active-learning         runs on all data, logged at the end, the latter with logits
///     grand                        runs on all data, logged with gradient norms; of networks only
///                                  at the epoch that is wanted, for they are dear
///     entropy                      runs on all data, logged after every pass with logits
///     others of logs               runs on all data, logged after every pass
///
/// Run r takes model r mod m of the m models, and the seed `seed` + r div m (on subsets `seed` +
/// r).
///
/// @param epoch  that the metric is taken at, where it is of one epoch: a number; else what its
///               options choose by themselves.
/// @returns where the planner finds them, in order; nothing for metrics of embeddings.
/// @throws InvalidArgument  bad options, fewer than two examples.
std::vector<std::size_t> plan_metric(Planner& planner, const metrics::Metric& metric,
                                     std::int64_t n, const MetricTrainingOptions& options,
                                     Seed seed, std::optional<std::int64_t> epoch = {});

}  // namespace winnow::experiments
