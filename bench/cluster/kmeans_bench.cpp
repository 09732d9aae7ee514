// One Lloyd iteration against the products it cannot do without, in the same run.
//
// Limit: 2 n k d operations at the rate of oneDNN's own product of the same blocks, in float32 or,
// where kmeans() takes it, bfloat16, called as kmeans() calls it; `of_limit` is that time over the
// iteration's time. `close` is the share of rows that the products could not decide.

#include "winnow/cluster/kmeans.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "winnow/core/parallel.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/rounded_product.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {
namespace {

using Clock = std::chrono::steady_clock;

/// Unit rows around random centres.
Matrix<float> clustered_rows(std::int64_t n, std::int64_t d, std::int64_t centres) {
  RandomStream stream(Seed{0}, "kmeans-bench");
  Matrix<float> means(centres, d);
  for (std::int64_t i = 0; i < means.size(); ++i) {
    means.data()[i] = static_cast<float>(stream.normal());
  }
  Matrix<float> rows(n, d);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto centre = means.row(static_cast<std::int64_t>(stream.below(centres)));
    for (std::int64_t j = 0; j < d; ++j) {
      rows(i, j) = centre[static_cast<std::size_t>(j)] + static_cast<float>(stream.normal());
    }
  }
  return numerics::normalize_rows(rows);
}

double seconds_of_products(MatrixView<const float> rows, MatrixView<const float> centroids) {
  constexpr std::int64_t block_rows = 512;
  std::optional<numerics::RoundedProduct> rounded;
  const auto start = Clock::now();
  if (numerics::RoundedProduct::pays(centroids.rows())) {
    rounded.emplace(centroids);
  }
  parallel_blocks((rows.rows() + block_rows - 1) / block_rows, silent(), [&](std::int64_t block) {
    thread_local Matrix<float> products(block_rows, 0);
    if (products.cols() != centroids.rows()) products = {block_rows, centroids.rows()};
    const std::int64_t count = std::min(block_rows, rows.rows() - block * block_rows);
    if (rounded) {
      std::array<double, block_rows> errors{};
      std::array<const float*, block_rows> starts{};
      for (std::int64_t i = 0; i < count; ++i) {
        starts.at(static_cast<std::size_t>(i)) = rows.row(block * block_rows + i).data();
      }
      rounded->apply({starts.data(), static_cast<std::size_t>(count)},
                     products.view().block(0, count), errors);
      return;
    }
    numerics::product(rows.block(block * block_rows, count), numerics::Transpose::no, centroids,
                      numerics::Transpose::yes, products.view().block(0, count));
  });
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void lloyd_iteration(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const std::int64_t k = state.range(1);
  const std::int64_t d = state.range(2);
  const Matrix<float> rows = clustered_rows(n, d, k);
  const Matrix<float> initial = [&] {
    Matrix<float> first(k, d);
    std::copy_n(rows.data(), first.size(), first.data());
    return first;
  }();
  double products = 0.0;
  double iterations = 0.0;
  double close = 0.0;
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    products += seconds_of_products(rows, initial);
    state.ResumeTiming();
    const auto result = kmeans(rows, {.n_clusters = k, .iterations = 1}, silent(), initial.view());
    // One update and two assignments: an iteration is half of it, to within the update.
    iterations +=
        (result.seconds_seeding + result.seconds_iterating + result.seconds_scoring) / 2.0;
    close += static_cast<double>(result.close_rows) / static_cast<double>(result.compared_rows);
    if (result.objective[1] > result.objective[0]) state.SkipWithError("objective rose");
    const auto checked = static_cast<std::size_t>(n / 2);
    const auto centroid = result.centroids.row(result.assignment[checked]);
    const double distance = 1.0 - numerics::dot(rows.row(n / 2), centroid);
    if (std::abs(distance - result.distance[checked]) > 1e-12) state.SkipWithError("distance");
  }
  const auto runs = static_cast<double>(state.iterations());
  const double operations = 2.0 * static_cast<double>(n * k) * static_cast<double>(d);
  state.counters["iteration_ms"] = 1e3 * iterations / runs;
  state.counters["close"] = close / runs;
  state.counters["limit_ms"] = 1e3 * products / runs;
  state.counters["of_limit"] = products / iterations;
  state.counters["GFLOP/s"] = operations * runs / iterations / 1e9;
}
BENCHMARK(lloyd_iteration)
    ->ArgNames({"n", "k", "d"})
    ->Args({60'000, 10, 512})
    ->Args({60'000, 1000, 512})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace winnow::cluster
