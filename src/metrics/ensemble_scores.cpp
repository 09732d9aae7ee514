#include "winnow/metrics/ensemble_scores.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "metrics/ensemble_log.hpp"
#include "winnow/core/error.hpp"
#include "winnow/metrics/ddd.hpp"
#include "winnow/metrics/influence.hpp"

namespace winnow::metrics {

namespace {

constexpr std::int64_t uncertainty_bytes = std::int64_t{256} << 20U;

/// Estimates need runs on subsets: says so when every run was trained on everything.
void require_subsets(const BitMatrix& in_train, const std::filesystem::path& folder) {
  for (std::int64_t m = 0; m < in_train.rows(); ++m) {
    if (in_train.count(m) < in_train.cols()) return;
  }
  throw BadFile(
      fmt::format("{}: in_train.npy is missing or all 1, as in all {} runs; expected runs "
                  "on different random subsets (70 % of the examples each is usual)",
                  folder.string(), in_train.rows()));
}

EnsembleScores of_subsamples(const EnsembleReader& reader, EnsembleMetric metric,
                             const EnsembleOptions& options, Progress& progress) {
  const bool of_tests = metric != EnsembleMetric::memorization;
  EnsembleLog log =
      read_flags(reader, of_tests ? io::DynamicsArray::test_correct : io::DynamicsArray::correct,
                 true, progress);
  require_subsets(log.in_train, reader.folders.front());
  EnsembleScores result;
  if (metric == EnsembleMetric::memorization) {
    auto found = memorization(log.in_train, log.flags, options.subsample, progress);
    result.scores = std::move(found.scores);
    result.standard_errors = std::move(found.standard_errors);
    result.rare = std::move(found.rare);
  } else {
    auto found = influence(log.in_train, log.flags, options.subsample, progress);
    const bool max = metric == EnsembleMetric::influence_max;
    result.scores = std::move(max ? found.max : found.sum_abs);
    result.standard_errors = std::move(max ? found.max_errors : found.sum_abs_errors);
    if (max) result.max_tests = std::move(found.max_tests);
    result.rare = std::move(found.rare);
  }
  result.members = log.in_train.rows();
  result.epochs = std::move(log.epochs);
  result.fingerprint = log.fingerprint;
  return result;
}

EnsembleScores of_ddd(const EnsembleReader& reader, Progress& progress) {
  EnsembleLog log = read_flags(reader, io::DynamicsArray::correct, false, progress);
  DddScores found = ddd(log.flags, progress);
  EnsembleScores result;
  result.scores = std::move(found.scores);
  result.members = log.flags.rows();
  result.trivial = found.trivial;
  result.impossible = found.impossible;
  result.epochs = std::move(log.epochs);
  result.fingerprint = log.fingerprint;
  return result;
}

EnsembleScores of_right_wrong(const EnsembleReader& reader, Progress& progress) {
  EnsembleLog log = read_flags(reader, io::DynamicsArray::correct, false, progress);
  EnsembleScores result;
  result.scores = right_wrong_disagreement(log.flags);
  result.epochs = std::move(log.epochs);
  result.fingerprint = log.fingerprint;
  return result;
}

EnsembleScores of_logits(const EnsembleReader& reader, Acquisition acquisition,
                         Progress& progress) {
  UncertaintyLog log = read_uncertainty(reader, acquisition, uncertainty_bytes, progress);
  EnsembleScores result;
  result.scores = std::move(log.scores);
  result.epochs = std::move(log.epochs);
  result.fingerprint = log.fingerprint;
  return result;
}

EnsembleScores of_active_learning(const EnsembleReader& reader,
                                  const ActiveLearningOptions& options, Progress& progress) {
  const auto members = static_cast<std::int64_t>(reader.folders.size()) * options.checkpoints;
  if (members == 1 && options.acquisition != Acquisition::entropy) {
    throw InvalidArgument(
        fmt::format("acquisition = {} is 0 for an ensemble of one; give more runs, more "
                    "--checkpoints, or take entropy",
                    enum_name(options.acquisition)));
  }
  EnsembleScores result = options.acquisition == Acquisition::right_wrong
                              ? of_right_wrong(reader, progress)
                              : of_logits(reader, options.acquisition, progress);
  if (options.binary > 0.0) result.scores = most_uncertain(result.scores, options.binary);
  result.members = members;
  return result;
}

/// What the user should know of runs that differ.
void add_warnings(EnsembleScores& result, const EnsembleOptions& options) {
  const auto [first, last] = std::ranges::minmax(result.epochs);
  if (first != last) {
    result.warnings.push_back(fmt::format(
        "the runs end at different epochs, {} to {}; --epoch takes the same of each", first, last));
  }
  if (result.rare.empty()) return;
  result.warnings.push_back(fmt::format(
      "{} of {} examples, the first of them {}, were in or out of fewer than {} runs: they score "
      "the mean of the others",
      result.rare.size(), result.scores.size(), result.rare.front(), options.subsample.min_runs));
}

}  // namespace

void EnsembleOptions::validate() const {
  subsample.validate();
  active_learning.validate();
}

EnsembleScores score_ensemble(std::span<const std::filesystem::path> folders, EnsembleMetric metric,
                              const EnsembleOptions& options, Progress& progress) {
  options.validate();
  EnsembleReader reader;
  reader.folders = folders;
  reader.metric = enum_name(metric);
  reader.epoch = options.epoch;
  EnsembleScores result;
  switch (metric) {
    case EnsembleMetric::memorization:
    case EnsembleMetric::influence_max:
    case EnsembleMetric::influence_sum_abs:
      result = of_subsamples(reader, metric, options, progress);
      break;
    case EnsembleMetric::ddd:
      result = of_ddd(reader, progress);
      break;
    case EnsembleMetric::active_learning:
      reader.checkpoints = options.active_learning.checkpoints;
      result = of_active_learning(reader, options.active_learning, progress);
      break;
  }
  add_warnings(result, options);
  return result;
}

}  // namespace winnow::metrics
