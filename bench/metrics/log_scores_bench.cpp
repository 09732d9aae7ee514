// Metrics of a training log of 100 epochs that is in the page cache, against a plain read of the
// same bytes: read(2) into one buffer of 1 MiB.
//
// Limit: `limit_GB/s` is the rate of that read on one thread, measured here on the same file;
// `GB/s` is the log's bytes over the time that score_logs() takes, mapping, checks of every value
// and conversion included, and `of_limit` its share: on one thread in processor time, which is what
// a machine that others use leaves comparable, and on all in wall time. Blocks of examples share
// nothing, so threads add up until memory is busy. forgetting does a few operations on a byte;
// dyn-unc a square root and a dozen more, in double but for the root, for each number of two bytes.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <vector>

#include "unit/temp_folder.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/metrics/log_scores.hpp"

namespace winnow::metrics {
namespace {

constexpr std::int64_t n_epochs = 100;
constexpr std::int64_t n_examples = 1'000'000;
constexpr std::int64_t window = 10;
constexpr std::int64_t period = 7;  // of both arrays, in epochs and in examples

float probability(std::int64_t epoch, std::int64_t example) {
  return static_cast<float>((epoch + example) % period) / 8.0F;  // exact in float16
}

std::uint8_t correct(std::int64_t epoch, std::int64_t example) {
  return (epoch + example) % period < 3 ? 1 : 0;
}

/// correct.npy and p_true.npy, [n_epochs, n_examples].
class Log {
 public:
  Log() {
    Matrix<std::uint8_t> flags(n_epochs, n_examples);
    io::NpyWriter writer(folder_ / "p_true.npy", {n_epochs, n_examples}, io::DType::float16);
    std::vector<float> row(static_cast<std::size_t>(n_examples));
    for (std::int64_t t = 0; t < n_epochs; ++t) {
      for (std::int64_t i = 0; i < n_examples; ++i) {
        row[static_cast<std::size_t>(i)] = probability(t, i);
        flags(t, i) = correct(t, i);
      }
      writer.append(row);
    }
    writer.commit();
    io::write_npy_bool(folder_ / "correct.npy", flags.view());
    runs_.emplace_back(folder_.path());
  }

  const std::vector<io::Dynamics>& runs() const { return runs_; }

 private:
  testing::TempFolder folder_;
  std::vector<io::Dynamics> runs_;
};

double expected_forgetting(std::int64_t example) {
  double count = 0.0;
  for (std::int64_t t = 1; t < n_epochs; ++t) {
    if (correct(t - 1, example) == 1 && correct(t, example) == 0) count += 1.0;
  }
  return count;
}

double expected_dyn_unc(std::int64_t example) {
  double sum = 0.0;
  for (std::int64_t k = 0; k + window <= n_epochs; ++k) {
    double mean = 0.0;
    double squares = 0.0;
    for (std::int64_t t = k; t < k + window; ++t) mean += probability(t, example) / window;
    for (std::int64_t t = k; t < k + window; ++t) {
      squares += std::pow(probability(t, example) - mean, 2);
    }
    sum += std::sqrt(squares / (window - 1));
  }
  return sum / (n_epochs - window + 1);
}

double processor_seconds() {
  std::timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Shortest of several, in seconds of `clock`.
template <class Work>
double shortest(double (*clock)(), const Work& work) {
  double best = 1e9;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const double start = clock();
    work();
    best = std::min(best, clock() - start);
  }
  return best;
}

void plain_read(const std::filesystem::path& path) {
  std::vector<std::byte> buffer(std::size_t{1} << 20U);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw WorkFailed("cannot open " + path.string());
  while (read(file, buffer.data(), buffer.size()) > 0) benchmark::DoNotOptimize(buffer.data());
  close(file);
}

template <class Expected>
void score(benchmark::State& state, LogMetric metric, const Expected& expected) {
  static const Log log;
  const auto path = log.runs().front().path(array_of(metric));
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  const auto threads = static_cast<int>(state.range(0));
  set_thread_count(threads);
  double (*clock)() = threads == 1 ? processor_seconds : wall_seconds;
  const auto scores = score_logs(log.runs(), metric, {}).scores;
  std::vector<double> right;
  for (std::int64_t i = 0; i < period; ++i) right.push_back(expected(i));
  for (std::int64_t i = 0; i < n_examples; ++i) {
    if (std::abs(scores[static_cast<std::size_t>(i)] -
                 right[static_cast<std::size_t>(i % period)]) > 1e-7) {  // the roots are floats
      state.SkipWithError("wrong scores");
      return;
    }
  }
  double limit = 0.0;
  double best = 0.0;
  for ([[maybe_unused]] auto step : state) {
    limit = bytes / shortest(clock, [&] { plain_read(path); });
    best = bytes / shortest(clock, [&] {
             benchmark::DoNotOptimize(score_logs(log.runs(), metric, {}).scores.data());
           });
  }
  state.counters["GB/s"] = best / 1e9;
  state.counters["limit_GB/s"] = limit / 1e9;
  state.counters["of_limit"] = best / limit;
}

void forgetting_of_log(benchmark::State& state) {
  score(state, LogMetric::forgetting, expected_forgetting);
}
void dyn_unc_of_log(benchmark::State& state) { score(state, LogMetric::dyn_unc, expected_dyn_unc); }

/// On one thread, and on all.
void both(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("threads")->Arg(1);
  if (thread_count() > 1) benchmark->Arg(thread_count());
  benchmark->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
}
BENCHMARK(forgetting_of_log)->Apply(both);
BENCHMARK(dyn_unc_of_log)->Apply(both);

}  // namespace
}  // namespace winnow::metrics
