// One saddle point, cold, against the floor of its quadrature: nodes visited times the cost of a
// node in the same kernel, measured in the same run. And everything that `winnow theory figures`
// computes but information and simulations.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "theory/kernels/line_sums.hpp"
#include "theory/quadrature.hpp"
#include "winnow/theory/frontier.hpp"
#include "winnow/theory/phase.hpp"
#include "winnow/theory/solve.hpp"

namespace winnow::theory {

namespace {

constexpr int most_nodes_of_a_panel = 24;

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Cost of a node when nothing else is done.
double seconds_per_node() {
  static const double seconds = [] {
    const Nodes nodes = panel_nodes(0.0, 5.0, 5.0, 5.0);
    const auto kernel = line_sums_kernel();
    LineSums sums;
    constexpr int calls = 200'000;
    double best = 1.0;
    for (int round = 0; round < 5; ++round) {
      best = std::min(best, seconds_of([&] {
                        for (int i = 0; i < calls; ++i) kernel(nodes, {1.0, 0.1 * (i % 7)}, sums);
                      }));
    }
    benchmark::DoNotOptimize(sums);
    return best / (calls * most_nodes_of_a_panel);
  }();
  return seconds;
}

struct Case {
  const char* name;
  Policy policy;
  Margin margin;
  double keep, angle, alpha_prune;
  double epsilon;  ///< What is known of it, to ten digits.
};

const Case cases[] = {
    {"random_0_degrees", Policy::random, Margin::absolute, 1.0, 0.0, 1.0, 0.2657114699383},
    {"hard_0_degrees", Policy::hard, Margin::absolute, 0.1, 0.0, 3.0, 0.0175676440397087},
    {"easy_0_degrees", Policy::easy, Margin::absolute, 0.3, 0.0, 100.0, 0.00255196502294750},
    {"hard_20_degrees", Policy::hard, Margin::absolute, 0.3, 20.0, 3.0, 0.143034716686581},
    {"hard_5_degrees_much", Policy::hard, Margin::absolute, 0.05, 5.0, 1000.0,
     4.73819221723842e-05},
    {"easy_20_degrees", Policy::easy, Margin::absolute, 0.1, 20.0, 20.0, 0.11155049339474},
    {"easy_signed_20_degrees", Policy::easy, Margin::times_label, 0.3, 20.0, 3.0,
     0.130197783463275},
};

void solve_one(benchmark::State& state) {
  const Case& c = cases[state.range(0)];
  state.SetLabel(c.name);
  const auto pruning = Pruning::of(c.policy, c.margin, c.keep, c.angle);
  const double per_node = seconds_per_node();
  Solution found;
  std::int64_t runs = 0;
  double seconds = 0.0;
  while (state.KeepRunning()) {
    seconds += seconds_of([&] { found = solve(pruning, c.alpha_prune); });
    ++runs;
  }
  if (!(std::abs(found.epsilon / c.epsilon - 1.0) < 1e-10)) {
    throw std::runtime_error(std::string(c.name) + ": wrong answer");
  }
  const auto nodes = static_cast<double>(found.nodes);
  state.counters["nodes"] = nodes;
  state.counters["ns_per_node"] = per_node * 1e9;
  state.counters["share_of_floor"] = nodes * per_node / (seconds / static_cast<double>(runs));
}
BENCHMARK(solve_one)->DenseRange(0, std::size(cases) - 1)->Unit(benchmark::kMicrosecond);

std::vector<double> spaced(double low, double high, int count) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values.push_back(low * std::pow(high / low, i / (count - 1.0)));
  return values;
}

/// 50 alphas x 20 fractions x 5 angles, the phases at theta = 0, and a frontier an angle.
void all_figures(benchmark::State& state) {
  const auto alphas = spaced(0.2, 200.0, 50);
  const auto kept = spaced(0.5, 20.0, 50);
  std::vector<double> keeps;
  for (int i = 1; i <= 20; ++i) keeps.push_back(0.05 * i);
  while (state.KeepRunning()) {
    std::size_t failed = 0;
    for (const double angle : {0.0, 5.0, 10.0, 20.0, 40.0}) {
      const Setting setting{.probe_angle = angle};
      for (const auto& point : curves(setting, Alpha::total, alphas, keeps)) {
        failed += point.converged ? 0 : 1;
      }
      for (const auto& point : frontier(setting, kept, {})) failed += point.best.converged ? 0 : 1;
    }
    for (const auto& point : phase(Margin::absolute, 0.0, alphas, keeps)) {
      failed += point.converged ? 0 : 1;
    }
    if (failed > 0) throw std::runtime_error("some points did not converge");
  }
}
BENCHMARK(all_figures)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

}  // namespace winnow::theory
