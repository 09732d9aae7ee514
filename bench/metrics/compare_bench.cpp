// Comparison of scores of 1.28 million examples; the aim is seconds for ten of them. Before timing,
// answers are checked against a merge sort that counts inversions (Knight 1966), which is also
// timed, and against each other. bench/metrics/scipy_compare.py does the same in SciPy.
//
// Limit of Kendall's tau: an inversion count that goes through the bits of the ranks moves each of
// n values log2(n) times, 4 bytes read and 4 written. `limit_ms` is that over the bandwidth of a
// copy within the cache measured here; `of_limit` is how close the count comes, in [0, 1].

#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "metrics/score_ranks.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/metrics/compare.hpp"

namespace winnow::metrics {
namespace {

constexpr std::int64_t n_examples = 1'280'000;
constexpr std::int64_t n_classes = 1000;
constexpr std::size_t n_scores = 10;

/// Scores that agree in part; every third is coarse, as a count of forgetting events is.
const std::vector<std::vector<double>>& score_columns() {
  static const auto instance = [] {
    std::vector<std::vector<double>> made(n_scores);
    RandomStream stream(Seed{1}, "compare-bench");
    for (std::int64_t i = 0; i < n_examples; ++i) {
      const double common = stream.uniform();
      for (std::size_t s = 0; s < n_scores; ++s) {
        const double value = common + stream.uniform();
        made[s].push_back(s % 3 == 2 ? std::floor(10.0 * value) : value);
      }
    }
    return made;
  }();
  return instance;
}

std::vector<std::uint32_t> permutation() {
  std::vector<std::uint32_t> values(static_cast<std::size_t>(n_examples));
  std::iota(values.begin(), values.end(), 0U);
  RandomStream(Seed{2}, "compare-bench").shuffle(std::span(values));
  return values;
}

/// Inversions by merging ever longer runs.
std::int64_t merge_count(std::vector<std::uint32_t> values) {
  std::vector<std::uint32_t> merged(values.size());
  std::int64_t found = 0;
  for (std::size_t run = 1; run < values.size(); run *= 2) {
    for (std::size_t begin = 0; begin < values.size(); begin += 2 * run) {
      const std::size_t middle = std::min(begin + run, values.size());
      const std::size_t end = std::min(middle + run, values.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        if (right == end || (left < middle && values[left] < values[right])) {
          merged[out] = values[left++];
        } else {
          found += static_cast<std::int64_t>(middle - left);
          merged[out] = values[right++];
        }
      }
    }
    values.swap(merged);
  }
  return found;
}

/// Bytes per second of reading and writing on one thread, in memory that the cache holds.
double cache_bandwidth() {
  static const double measured = [] {
    constexpr std::size_t bytes = std::size_t{128} << 10U;
    constexpr int repeats = 2000;
    std::vector<char> from(bytes, 1);
    std::vector<char> to(bytes, 2);
    double best = 0.0;
    for (int trial = 0; trial < 5; ++trial) {
      const auto start = std::chrono::steady_clock::now();
      for (int repeat = 0; repeat < repeats; ++repeat) {
        std::memcpy(to.data(), from.data(), bytes);
        benchmark::ClobberMemory();
      }
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      best = std::max(best, 2.0 * bytes * repeats / seconds.count());
    }
    return best;
  }();
  return measured;
}

void inversions(benchmark::State& state) {
  const auto input = permutation();
  std::vector<std::uint32_t> values = input;
  std::vector<std::uint32_t> scratch(input.size());
  if (count_inversions(values, scratch) != merge_count(input)) {
    state.SkipWithError("the count differs from that of a merge sort");
    return;
  }
  while (state.KeepRunning()) {
    values = input;
    benchmark::DoNotOptimize(count_inversions(values, scratch));
  }
  const double limit =
      8.0 * n_examples * std::bit_width(std::uint64_t{n_examples}) / cache_bandwidth();
  state.counters["limit_ms"] = 1e3 * limit;
  state.counters["of_limit"] =
      benchmark::Counter(limit, benchmark::Counter::kIsIterationInvariantRate);
}

void inversions_by_merging(benchmark::State& state) {
  const auto input = permutation();
  while (state.KeepRunning()) benchmark::DoNotOptimize(merge_count(input));
}

void kendall_pair(benchmark::State& state) {
  const auto& columns = score_columns();
  const ScoreRanks x = rank_scores(columns[0]);
  const ScoreRanks y = rank_scores(columns[static_cast<std::size_t>(state.range(0))]);
  while (state.KeepRunning()) benchmark::DoNotOptimize(count_pairs(x, y).discordant);
}

void ranks_of_one(benchmark::State& state) {
  const auto& columns = score_columns();
  while (state.KeepRunning()) benchmark::DoNotOptimize(rank_scores(columns[0]).order.data());
}

void compare_ten(benchmark::State& state) {
  const auto& columns = score_columns();
  const std::vector<std::span<const double>> scores(columns.begin(), columns.end());
  std::vector<std::int64_t> kept;
  for (int f = 1; f < 10; ++f) kept.push_back(n_examples * f / 10);
  std::vector<std::int32_t> labels;
  RandomStream stream(Seed{3}, "compare-bench");
  for (std::int64_t i = 0; i < n_examples; ++i) {
    labels.push_back(static_cast<std::int32_t>(stream.below(n_classes)));
  }
  const Comparison found = compare(scores, kept, labels, n_classes);
  if (found.kendall(0, 2) != kendall(columns[0], columns[2]) ||
      found.spearman(4, 5) != spearman(columns[4], columns[5])) {
    state.SkipWithError("a pair alone gives another correlation");
    return;
  }
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(compare(scores, kept, labels, n_classes).kendall.data());
  }
}

BENCHMARK(inversions)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(inversions_by_merging)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(kendall_pair)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(ranks_of_one)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(compare_ten)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace winnow::metrics
