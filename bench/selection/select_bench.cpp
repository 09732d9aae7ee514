// Selection of 10 million scores; the aim is under one second. Before timing, the answer is
// checked against a full sort.
//
// Limit: whatever the method, the scores (8 bytes) and labels (4) must be read once and one outcome
// byte and the kept ids (8 each) written once. `limit_ms` is that traffic over the bandwidth of a
// plain copy measured here; `of_limit` is how close the selection comes, in [0, 1].

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "winnow/core/parallel.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {
namespace {

constexpr std::int64_t n_examples = 10'000'000;
constexpr std::int64_t bench_classes = 10;

struct Data {
  std::vector<double> scores;
  std::vector<std::int32_t> labels;
};

/// Scores whose level depends on the class, so that balance has work to do.
const Data& data() {
  static const Data instance = [] {
    Data made;
    RandomStream stream(Seed{1}, "select-bench");
    for (std::int64_t i = 0; i < n_examples; ++i) {
      const auto label = static_cast<std::int32_t>(stream.below(bench_classes));
      made.labels.push_back(label);
      made.scores.push_back(stream.uniform() + 0.1 * label);
    }
    return made;
  }();
  return instance;
}

/// Bytes per second of reading and writing, all threads, in memory far larger than the caches.
double copy_bandwidth() {
  static const double measured = [] {
    constexpr std::int64_t n_blocks = 64;
    constexpr std::size_t block_bytes = std::size_t{4} << 20U;
    std::vector<char> from(n_blocks * block_bytes, 1);
    std::vector<char> to(n_blocks * block_bytes, 2);
    double best = 0.0;
    for (int repeat = 0; repeat < 5; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      parallel_blocks(n_blocks, silent(), [&](std::int64_t block) {
        std::memcpy(to.data() + block * block_bytes, from.data() + block * block_bytes,
                    block_bytes);
      });
      benchmark::DoNotOptimize(to.data());
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      best = std::max(best, 2.0 * static_cast<double>(from.size()) / seconds.count());
    }
    return best;
  }();
  return measured;
}

/// The hardest K by a full sort, with `fraction` floors.
std::vector<std::int64_t> sorted_reference(const Data& input, std::int64_t k,
                                           const std::vector<std::int64_t>& floors) {
  std::vector<std::int64_t> order(input.scores.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return input.scores[a] != input.scores[b] ? input.scores[a] > input.scores[b] : a < b;
  });
  std::vector<std::int64_t> room = floors;
  std::vector<std::int64_t> kept;
  std::vector<std::int64_t> others;
  for (const std::int64_t id : order) {
    const bool in_floor = !room.empty() && room[input.labels[id]]-- > 0;
    (in_floor ? kept : others).push_back(id);
  }
  const auto rest = k - static_cast<std::int64_t>(kept.size());
  kept.insert(kept.end(), others.begin(), others.begin() + rest);
  std::sort(kept.begin(), kept.end());
  return kept;
}

void report(benchmark::State& state, double bytes) {
  const double limit = bytes / copy_bandwidth();
  state.counters["limit_ms"] = 1e3 * limit;
  state.counters["of_limit"] =
      benchmark::Counter(limit, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["scores/s"] =
      benchmark::Counter(n_examples, benchmark::Counter::kIsIterationInvariantRate);
}

void run(benchmark::State& state, const SelectOptions& options, bool balanced, bool check) {
  const Data& input = data();
  const std::span<const std::int32_t> labels =
      balanced ? std::span<const std::int32_t>(input.labels) : std::span<const std::int32_t>{};
  const std::int64_t n_classes = balanced ? bench_classes : 0;
  const std::int64_t k = options.kept_of(n_examples);
  if (check) {
    const Selection selection = select(input.scores, labels, n_classes, options);
    std::vector<std::int64_t> floors;
    for (const ClassAudit& entry : selection.audit.classes) floors.push_back(entry.floor);
    if (selection.ids != sorted_reference(input, k, floors)) {
      state.SkipWithError("the selection differs from a full sort");
      return;
    }
  }
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(select(input.scores, labels, n_classes, options));
  }
  const double labels_bytes = balanced ? 4.0 * n_examples : 0.0;
  report(state, 8.0 * n_examples + labels_bytes + 1.0 * n_examples + 8.0 * static_cast<double>(k));
}

void select_hard(benchmark::State& state) {
  run(state, {.keep = 0.3}, /*balanced=*/false, /*check=*/true);
}
void select_hard_balanced(benchmark::State& state) {
  run(state, {.keep = 0.3}, /*balanced=*/true, /*check=*/true);
}
void select_random_balanced(benchmark::State& state) {
  run(state, {.keep = 0.3, .policy = Policy::random}, /*balanced=*/true, /*check=*/false);
}
BENCHMARK(select_hard)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(select_hard_balanced)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(select_random_balanced)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace winnow::selection
