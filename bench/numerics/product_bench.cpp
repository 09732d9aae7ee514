// oneDNN's float32 product at the shapes of the main job, called as the modules call it: one block
// on one thread, all threads busy. Other benchmarks state `GFLOP/s` of this one as their ceiling.
//
// Limit: `limit_GFLOP/s` is what all threads reach with multiply-adds on registers alone, measured
// here on the widest vectors of the machine; `of_limit` is the product's share of it.

#include "winnow/numerics/product.hpp"

#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "winnow/core/parallel.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::numerics {
namespace {

// Enough independent sums to hide the latency of a multiply-add: 4 cycles, 2 a cycle.
constexpr int independent_sums = 12;

/// Floating-point operations done and a value that keeps the compiler from leaving them out.
struct Work {
  double operations = 0.0;
  float value = 0.0F;
};

[[gnu::target("avx512f")]] Work multiply_add_avx512(std::int64_t steps) {
  __m512 sums[independent_sums];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  const __m512 factor = _mm512_set1_ps(0.999F);
  for (std::int64_t step = 0; step < steps; ++step) {
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, factor);
  }
  for (int i = 1; i < independent_sums; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return {2.0 * 16 * independent_sums * static_cast<double>(steps), _mm512_cvtss_f32(sums[0])};
}

[[gnu::target("avx2,fma")]] Work multiply_add_avx2(std::int64_t steps) {
  __m256 sums[independent_sums];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  const __m256 factor = _mm256_set1_ps(0.999F);
  for (std::int64_t step = 0; step < steps; ++step) {
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, factor);
  }
  for (int i = 1; i < independent_sums; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return {2.0 * 8 * independent_sums * static_cast<double>(steps), _mm256_cvtss_f32(sums[0])};
}

/// Operations per second of all threads together, best of several; 0 without AVX2.
double measured_peak() {
  static const double peak = [] {
    const bool wide = __builtin_cpu_supports("avx512f") > 0;
    if (!wide && __builtin_cpu_supports("avx2") == 0) return 0.0;
    constexpr std::int64_t steps = 4'000'000;
    double best = 0.0;
    for (int repeat = 0; repeat < 5; ++repeat) {
      std::vector<Work> done(static_cast<std::size_t>(thread_count()));
      const auto start = std::chrono::steady_clock::now();
      parallel_blocks(thread_count(), silent(), [&](std::int64_t block) {
        done[static_cast<std::size_t>(block)] =
            wide ? multiply_add_avx512(steps) : multiply_add_avx2(steps);
      });
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      benchmark::DoNotOptimize(done.data());
      best =
          std::max(best, static_cast<double>(done.size()) * done[0].operations / seconds.count());
    }
    return best;
  }();
  return peak;
}

Matrix<float> random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t index) {
  Matrix<float> m(rows, cols);
  RandomStream stream(Seed{0}, "product-bench", index);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (float& value : m.row(i)) value = static_cast<float>(stream.uniform() - 0.5);
  }
  return m;
}

/// Whether c = a b' within the rounding of k float32 additions, at 97 entries spread over c.
bool is_product(const Matrix<float>& a, const Matrix<float>& b, const Matrix<float>& c) {
  for (std::int64_t sample = 0; sample < 97; ++sample) {
    const std::int64_t i = sample * 7919 % a.rows();
    const std::int64_t j = sample * 104729 % b.rows();
    double sum = 0.0;
    double magnitude = 0.0;
    for (std::int64_t k = 0; k < a.cols(); ++k) {
      const double term = static_cast<double>(a(i, k)) * b(j, k);
      sum += term;
      magnitude += std::abs(term);
    }
    const double rounding = static_cast<double>(a.cols()) * 0x1p-24 * magnitude;
    if (!(std::abs(sum - c(i, j)) <= rounding)) return false;
  }
  return true;
}

/// c = a b' for 16 blocks of rows: a is [m, k], b is [n, k].
void sgemm(benchmark::State& state) {
  constexpr std::int64_t blocks = 16;
  const Matrix<float> a = random_matrix(state.range(0), state.range(2), 0);
  const Matrix<float> b = random_matrix(state.range(1), state.range(2), 1);
  std::vector<Matrix<float>> c;
  for (std::int64_t i = 0; i < blocks; ++i) c.emplace_back(a.rows(), b.rows());

  const auto start = std::chrono::steady_clock::now();
  for ([[maybe_unused]] auto step : state) {
    parallel_blocks(blocks, silent(), [&](std::int64_t block) {
      product(a, Transpose::no, b, Transpose::yes, c[static_cast<std::size_t>(block)].view());
    });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  for (const Matrix<float>& block : c) {
    if (!is_product(a, b, block)) state.SkipWithError("wrong product");
  }

  const double operations = 2.0 * static_cast<double>(blocks * a.rows() * b.rows() * a.cols());
  const double rate = operations * static_cast<double>(state.iterations()) / seconds.count();
  const double peak = measured_peak();
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["limit_GFLOP/s"] = peak / 1e9;
  if (peak > 0.0) state.counters["of_limit"] = rate / peak;
}
BENCHMARK(sgemm)
    ->ArgNames({"m", "n", "k"})
    ->Args({1024, 1000, 512})  // k-means: rows by centroids
    ->Args({2048, 600, 36})    // patch-kmeans: patches by words
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace winnow::numerics
