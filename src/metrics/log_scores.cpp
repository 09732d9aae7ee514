#include "winnow/metrics/log_scores.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <set>

#include "winnow/core/error.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/metrics/aum.hpp"

namespace winnow::metrics {

namespace {

constexpr std::int64_t tile_bytes = 1'048'576;   // read and scored at a time; fits in L2
constexpr std::int64_t block_bytes = 65'536;     // of each row that a thread takes at a time
constexpr std::int64_t last_epoch_of_dual = 30;  // as its authors have it

bool is_of_an_epoch(LogMetric metric) {
  switch (metric) {
    case LogMetric::el2n:
    case LogMetric::grand:
    case LogMetric::margin:
    case LogMetric::loss:
    case LogMetric::entropy:
      return true;
    default:
      return false;
  }
}

bool has_windows(LogMetric metric) {
  return metric == LogMetric::dyn_unc || metric == LogMetric::dual || metric == LogMetric::tdds;
}

/// Rows of the log that the metric reads.
std::vector<std::int64_t> rows_for(LogMetric metric, const LogOptions& options,
                                   const io::Dynamics& run) {
  if (is_of_an_epoch(metric)) return rows_of(options.at.epoch, run);
  auto rows = rows_of({EpochChoice::Kind::mean, 0}, run);
  if (!has_windows(metric)) return rows;
  std::int64_t last = options.windows.last_epoch;
  if (last == 0 && metric == LogMetric::dual) last = last_epoch_of_dual;
  if (last > 0) {
    const auto end = std::upper_bound(run.epochs().begin(), run.epochs().end(), last);
    rows.resize(static_cast<std::size_t>(end - run.epochs().begin()));
  }
  if (static_cast<std::int64_t>(rows.size()) >= options.windows.window) return rows;
  throw InvalidArgument(fmt::format(
      "window = {}, but {} logged {} epochs{}; expected at least a window of them; give a smaller "
      "--window{}",
      options.windows.window, run.folder().string(), rows.size(),
      last > 0 ? fmt::format(" up to {}", last) : "", last > 0 ? " or a larger --last-epoch" : ""));
}

std::vector<std::int64_t> epochs_of(const io::Dynamics& run, std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> epochs;
  epochs.reserve(rows.size());
  for (const std::int64_t row : rows) epochs.push_back(run.epochs()[static_cast<std::size_t>(row)]);
  return epochs;
}

/// Scores of one run, a block of examples at a time.
class RunScorer {
 public:
  RunScorer(const io::Dynamics& run, LogMetric metric, const LogOptions& options)
      : run_(run),
        metric_(metric),
        options_(options),
        array_(array_of(metric)),
        rows_(rows_for(metric, options, run)),
        per_example_(array_ == io::DynamicsArray::logits ? run.n_classes() : 1) {}

  const std::vector<std::int64_t>& rows() const { return rows_; }
  std::int64_t zeros() const { return zeros_; }

  /// Calls take(begin, count) for all examples, in pieces and parallel.
  template <class Take>
  void for_each_tile(Progress& progress, const Take& take) const {
    const auto n_rows = static_cast<std::int64_t>(rows_.size());
    const auto item = static_cast<std::int64_t>(io::dtype_size(run_.dtype(array_)));
    const std::int64_t wide = array_ == io::DynamicsArray::correct ? item : sizeof(float);
    const std::int64_t tile =
        std::max<std::int64_t>(1, tile_bytes / (n_rows * per_example_ * wide));
    const std::int64_t tiles =
        std::max<std::int64_t>(1, block_bytes / (item * per_example_ * tile));
    const std::int64_t block = tile * tiles;
    parallel_blocks((run_.n() + block - 1) / block, progress, [&](std::int64_t index) {
      const std::int64_t begin = index * block;
      const std::int64_t end = std::min(begin + block, run_.n());
      for (const std::int64_t row : rows_) run_.prefetch(array_, row, begin, end - begin);
      for (std::int64_t first = begin; first < end; first += tile) {
        take(first, std::min(tile, end - first));
      }
      progress.advance(end - begin);
    });
    run_.require_unchanged(array_);
  }

  /// [count] counts of examples from `begin` on, of flags where they lie if that can be.
  std::vector<std::int32_t> forgetting_counts(std::int64_t begin, std::int64_t count) const {
    if (run_.in_c_order(array_)) {
      std::vector<std::span<const std::uint8_t>> flags;
      flags.reserve(rows_.size());
      for (const std::int64_t row : rows_) flags.push_back(run_.flags(array_, row, begin, count));
      try {
        auto counts = metrics::forgetting_counts(flags);
        run_.require_intact(array_);
        return counts;
      } catch (const InvalidArgument&) {
        // Reading them says where.
      }
    }
    auto tile = Matrix<std::uint8_t>::uninitialized(static_cast<std::int64_t>(rows_.size()), count);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      run_.read_flags(array_, rows_[i], begin, tile.row(static_cast<std::int64_t>(i)));
    }
    return metrics::forgetting_counts(tile.view());
  }

  /// [count] scores of examples from `begin` on.
  std::vector<double> score(std::int64_t begin, std::int64_t count) const {
    const auto n_rows = static_cast<std::int64_t>(rows_.size());
    auto tile = Matrix<float>::uninitialized(n_rows, count * per_example_);
    for (std::int64_t i = 0; i < n_rows; ++i) {
      run_.read(array_, rows_[static_cast<std::size_t>(i)], begin, tile.row(i));
    }
    switch (metric_) {
      case LogMetric::dyn_unc:
        return dyn_unc(tile, options_.windows.window);
      case LogMetric::dual:
        return dual(tile, options_.windows.window);
      case LogMetric::tdds:
        return tdds(tile, per_example_, options_.windows.window, options_.tdds);
      case LogMetric::aum:
      case LogMetric::margin:
        return aum(tile);
      default:
        return mean_over_epochs(tile);
    }
  }

 private:
  std::vector<double> of_epoch(std::span<const float> row) const {
    if (metric_ == LogMetric::loss) {
      zeros_ += std::count(row.begin(), row.end(), 0.0F);
      return loss(row, floor());
    }
    if (metric_ == LogMetric::entropy) {
      const auto count = static_cast<std::int64_t>(row.size()) / per_example_;
      return entropy({row.data(), count, per_example_});
    }
    return {row.begin(), row.end()};  // el2n, grand: logged as they are
  }

  std::vector<double> mean_over_epochs(MatrixView<const float> tile) const {
    auto scores = of_epoch(tile.row(0));
    for (std::int64_t i = 1; i < tile.rows(); ++i) {
      const auto more = of_epoch(tile.row(i));
      std::transform(scores.begin(), scores.end(), more.begin(), scores.begin(), std::plus<>());
    }
    for (double& score : scores) score /= static_cast<double>(tile.rows());
    return scores;
  }

  /// Half of the smallest probability above 0 that the log can hold.
  double floor() const { return run_.dtype(array_) == io::DType::float16 ? 0x1p-25 : 0x1p-150; }

  const io::Dynamics& run_;
  LogMetric metric_;
  const LogOptions& options_;
  io::DynamicsArray array_;
  std::vector<std::int64_t> rows_;
  std::int64_t per_example_;
  mutable std::atomic<std::int64_t> zeros_{0};  ///< probabilities of 0 that loss met
};

void require_comparable(std::span<const io::Dynamics> runs, LogMetric metric) {
  if (runs.empty()) throw InvalidArgument("no run; expected the logs of at least one");
  std::set<std::filesystem::path> folders;
  for (const auto& run : runs) {
    if (!folders.insert(std::filesystem::weakly_canonical(run.folder())).second) {
      throw InvalidArgument(
          fmt::format("{} is given twice; expected every run once", run.folder().string()));
    }
    run.require(array_of(metric), enum_name(metric));
    require_same_examples(runs.front(), run);
  }
}

void require_same_epochs(const io::Dynamics& a, std::span<const std::int64_t> epochs_a,
                         const io::Dynamics& b, std::span<const std::int64_t> epochs_b) {
  if (std::equal(epochs_a.begin(), epochs_a.end(), epochs_b.begin(), epochs_b.end())) return;
  throw InvalidArgument(fmt::format(
      "{} gives epochs {}, but {} gives {}; expected runs that logged the same epochs; score them "
      "by themselves, or choose an epoch that all logged",
      a.folder().string(), fmt::join(epochs_a, " "), b.folder().string(),
      fmt::join(epochs_b, " ")));
}

/// Remarks that do not depend on scores.
void warn_of_runs(std::span<const io::Dynamics> runs, LogMetric metric, LogScores& result) {
  if (metric == LogMetric::grand && result.epochs.front() == 0) {
    result.warnings.emplace_back(
        "epoch 0 is before training: there GraNd follows the norm of the input and does not rank "
        "difficulty (Kirsch 2023, arXiv:2303.14753); take a later epoch");
  }
  for (const auto& run : runs) {
    const auto in_train = run.in_train();
    const auto unseen = std::count(in_train.begin(), in_train.end(), std::uint8_t{0});
    if (unseen == 0) continue;
    result.warnings.push_back(fmt::format(
        "{}: {} of {} examples were not trained on; they are scored by predictions for unseen "
        "examples",
        run.folder().string(), unseen, run.n()));
  }
}

/// Adds the scores of a run to `sum`; clears `never` where it got an example right.
void add_forgetting(const RunScorer& scorer, const ForgettingOptions& options,
                    std::span<double> sum, std::span<std::uint8_t> never, Progress& progress) {
  std::vector<std::uint8_t> missed(sum.size());
  std::atomic<std::int32_t> largest{-1};
  scorer.for_each_tile(progress, [&](std::int64_t begin, std::int64_t count) {
    const auto counts = scorer.forgetting_counts(begin, count);
    auto at = static_cast<std::size_t>(begin);
    std::int32_t most = -1;
    for (const std::int32_t forgotten : counts) {
      sum[at] += std::max(forgotten, 0);
      missed[at] = static_cast<std::uint8_t>(forgotten < 0);
      if (forgotten >= 0) never[at] = 0;
      most = std::max(most, forgotten);
      ++at;
    }
    std::int32_t before = largest.load();
    while (before < most && !largest.compare_exchange_weak(before, most)) continue;
  });
  const double score =
      never_learned_score(largest, static_cast<std::int64_t>(scorer.rows().size()), options);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += missed[i] != 0 ? score : 0.0;
}

void add_scores(const RunScorer& scorer, std::span<double> sum, Progress& progress) {
  scorer.for_each_tile(progress, [&](std::int64_t begin, std::int64_t count) {
    const auto scores = scorer.score(begin, count);
    double* to = sum.data() + begin;
    for (const double score : scores) *to++ += score;
  });
}

}  // namespace

void LogOptions::validate() const {
  at.validate();
  forgetting.validate();
  windows.validate();
  tdds.validate();
}

io::DynamicsArray array_of(LogMetric metric) {
  switch (metric) {
    case LogMetric::el2n:
      return io::DynamicsArray::el2n;
    case LogMetric::grand:
      return io::DynamicsArray::grand;
    case LogMetric::forgetting:
      return io::DynamicsArray::correct;
    case LogMetric::aum:
    case LogMetric::margin:
      return io::DynamicsArray::margin;
    case LogMetric::tdds:
    case LogMetric::entropy:
      return io::DynamicsArray::logits;
    case LogMetric::dyn_unc:
    case LogMetric::dual:
    case LogMetric::loss:
      break;
  }
  return io::DynamicsArray::p_true;
}

LogScores score_logs(std::span<const io::Dynamics> runs, LogMetric metric,
                     const LogOptions& options, Progress& progress) {
  options.validate();
  require_comparable(runs, metric);
  LogScores result;
  for (const auto& run : runs) {
    const auto epochs = epochs_of(run, rows_for(metric, options, run));
    if (&run == &runs.front()) result.epochs = epochs;
    require_same_epochs(runs.front(), result.epochs, run, epochs);
  }
  warn_of_runs(runs, metric, result);
  const auto n = static_cast<std::size_t>(runs.front().n());
  result.scores.assign(n, 0.0);
  std::vector<std::uint8_t> never(metric == LogMetric::forgetting ? n : 0, 1);
  std::int64_t zeros = 0;
  progress.stage("score", runs.front().n() * static_cast<std::int64_t>(runs.size()), "examples");
  for (const auto& run : runs) {
    const RunScorer scorer(run, metric, options);
    if (metric == LogMetric::forgetting) {
      add_forgetting(scorer, options.forgetting, result.scores, never, progress);
    } else {
      add_scores(scorer, result.scores, progress);
    }
    zeros += scorer.zeros();
  }
  for (double& score : result.scores) score /= static_cast<double>(runs.size());
  progress.done(fmt::format("{} of {} runs", enum_name(metric), runs.size()));
  result.never_learned = std::count(never.begin(), never.end(), std::uint8_t{1});
  if (zeros > 0) {
    result.warnings.push_back(fmt::format(
        "{} probabilities are 0 in the log; their loss is that of half the smallest number above 0 "
        "of its type; log p_true as float32",
        zeros));
  }
  return result;
}

}  // namespace winnow::metrics
