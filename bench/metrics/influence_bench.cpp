// Influence of 50,000 examples on 10,000 tests from 2,000 runs: the size of CIFAR in Feldman and
// Zhang 2020. Every example and test takes an and, a population count and an addition for each 64
// runs, and as much again for the errors of influence-sum-abs.
//
// Limit: `limit_Gbit/s` is what a core counts of registers alone with these three operations on the
// widest vectors of the machine, measured here; `Gbit/s` is what influence() counts for each second
// of processor time, its other work included, and `of_limit` its share. `limit_s` is the processor
// time at the limit. Processor time, over all threads, since it is what a loaded machine leaves
// comparable. The bits themselves (15 MB) are read from memory once, in a few milliseconds.

#include "winnow/metrics/influence.hpp"

#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/metrics/memorization.hpp"

namespace winnow::metrics {
namespace {

// Enough independent sums to hide the latency of a count.
constexpr int independent_sums = 8;

[[gnu::target("avx512f,avx512vpopcntdq")]] std::int64_t count_avx512(std::int64_t steps) {
  __m512i sums[independent_sums];
  __m512i words = _mm512_set1_epi64(0x123456789ABCDEF);
  for (__m512i& sum : sums) sum = words;
  for (std::int64_t step = 0; step < steps; ++step) {
    for (__m512i& sum : sums) {
      sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_and_si512(sum, words)));
    }
  }
  for (int i = 1; i < independent_sums; ++i) sums[0] = _mm512_add_epi64(sums[0], sums[i]);
  return _mm512_cvtsi512_si32(sums[0]);
}

[[gnu::target("popcnt")]] std::int64_t count_words(std::int64_t steps) {
  std::uint64_t sums[independent_sums];
  for (std::uint64_t& sum : sums) sum = 0x123456789ABCDEF;
  for (std::int64_t step = 0; step < steps; ++step) {
    for (std::uint64_t& sum : sums) {
      sum += static_cast<std::uint64_t>(__builtin_popcountll(sum & 0x5A5A5A5A5A5A5A5A));
    }
  }
  for (int i = 1; i < independent_sums; ++i) sums[0] += sums[i];
  return static_cast<std::int64_t>(sums[0]);
}

/// Processor time of this process so far, seconds.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Bits per second of a core, best of several.
double measured_peak() {
  static const double peak = [] {
    const bool wide = __builtin_cpu_supports("avx512vpopcntdq") > 0;
    constexpr std::int64_t steps = 20'000'000;
    double best = 0.0;
    for (int repeat = 0; repeat < 5; ++repeat) {
      const double start = processor_seconds();
      benchmark::DoNotOptimize(wide ? count_avx512(steps) : count_words(steps));
      const double bits = (wide ? 512.0 : 64.0) * independent_sums * static_cast<double>(steps);
      best = std::max(best, bits / (processor_seconds() - start));
    }
    return best;
  }();
  return peak;
}

/// Independent bits, seven of ten ones.
BitMatrix random_bits(std::int64_t rows, std::int64_t cols, std::uint64_t index) {
  BitMatrix bits(rows, cols);
  RandomStream stream(Seed{0}, "influence-bench", index);
  std::vector<std::uint8_t> values(static_cast<std::size_t>(cols));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (auto& value : values) value = stream.below(10) < 7 ? 1 : 0;
    bits.assign(i, values);
  }
  return bits;
}

/// Whether scores of 3 examples are those of the definition.
bool is_influence(const BitMatrix& in_train, const BitMatrix& test_correct,
                  const InfluenceScores& scores) {
  for (const std::int64_t i : {std::int64_t{0}, in_train.cols() / 2, in_train.cols() - 1}) {
    double highest = -2.0;
    double sum = 0.0;
    for (std::int64_t j = 0; j < test_correct.cols(); ++j) {
      double all[2] = {};
      double right[2] = {};
      for (std::int64_t m = 0; m < in_train.rows(); ++m) {
        const int side = in_train.test(m, i) ? 1 : 0;
        all[side] += 1.0;
        right[side] += test_correct.test(m, j) ? 1.0 : 0.0;
      }
      const double value = right[1] / all[1] - right[0] / all[0];
      highest = std::max(highest, value);
      sum += std::abs(value);
    }
    const auto position = static_cast<std::size_t>(i);
    if (!(std::abs(scores.max[position] - highest) < 1e-12)) return false;
    if (!(std::abs(scores.sum_abs[position] - sum) < 1e-9)) return false;
  }
  return true;
}

void influence_of(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const std::int64_t n_test = state.range(1);
  const std::int64_t runs = state.range(2);
  const BitMatrix in_train = random_bits(runs, n, 0);
  const BitMatrix test_correct = random_bits(runs, n_test, 1);
  InfluenceScores scores;
  const double start = processor_seconds();
  for ([[maybe_unused]] auto step : state) scores = influence(in_train, test_correct);
  const double seconds = processor_seconds() - start;
  if (!is_influence(in_train, test_correct, scores)) state.SkipWithError("wrong influence");

  const double bits =
      2.0 * static_cast<double>(n) * static_cast<double>(n_test) * static_cast<double>(runs);
  const double rate = bits * static_cast<double>(state.iterations()) / seconds;
  state.counters["Gbit/s"] = rate / 1e9;
  state.counters["limit_Gbit/s"] = measured_peak() / 1e9;
  state.counters["limit_s"] = bits / measured_peak();
  state.counters["of_limit"] = rate / measured_peak();
}
BENCHMARK(influence_of)
    ->ArgNames({"n", "n_test", "runs"})
    ->Args({50'000, 1'000, 2'000})
    ->Args({50'000, 10'000, 2'000})
    ->Args({10'000, 10'000, 40})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

/// Memorization reads two matrices of bits once: `GB/s` beside what memory gives (bench_io).
void memorization_of(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const std::int64_t runs = state.range(1);
  const BitMatrix in_train = random_bits(runs, n, 0);
  const BitMatrix correct = random_bits(runs, n, 1);
  MemorizationScores scores;
  for ([[maybe_unused]] auto step : state) scores = memorization(in_train, correct);
  std::int64_t with = 0;
  std::int64_t right_with = 0;
  std::int64_t right = 0;
  for (std::int64_t m = 0; m < runs; ++m) {
    with += in_train.test(m, n - 1) ? 1 : 0;
    right += correct.test(m, n - 1) ? 1 : 0;
    right_with += in_train.test(m, n - 1) && correct.test(m, n - 1) ? 1 : 0;
  }
  const double expected =
      static_cast<double>(right_with) / static_cast<double>(with) -
      static_cast<double>(right - right_with) / static_cast<double>(runs - with);
  if (!(std::abs(scores.scores.back() - expected) < 1e-12)) state.SkipWithError("wrong scores");
  state.counters["GB/s"] = benchmark::Counter(2.0 * static_cast<double>(n * runs) / 8e9,
                                              benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(memorization_of)
    ->ArgNames({"n", "runs"})
    ->Args({50'000, 2'000})
    ->Args({1'000'000, 200})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace winnow::metrics
