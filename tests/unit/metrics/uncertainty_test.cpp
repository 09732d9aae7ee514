#include "winnow/metrics/uncertainty.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "metrics/kernels/trajectory.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {
namespace {

using testing::expect_error;
using testing::matrix_of;

/// Relative: rounding the variance to float moves its root by 2^-25, rounding the root by 2^-24.
constexpr double root_error = 0x1p-23;

TEST(Uncertainty, ByHand) {
  // Windows of 2 over 0, 1, 0.5: spreads sqrt(1/2) and sqrt(1/8), means 1/2 and 3/4.
  const auto p = matrix_of(3, 2, {0, 1, 1, 1, 0.5F, 1});
  const auto uncertainty = dyn_unc(p, 2);
  EXPECT_NEAR(uncertainty[0], (std::sqrt(0.5) + std::sqrt(0.125)) / 2, root_error);
  EXPECT_EQ(uncertainty[1], 0.0);
  EXPECT_NEAR(dual(p, 2)[0], (std::sqrt(0.5) * 0.5 + std::sqrt(0.125) * 0.25) / 2, root_error);
}

/// Sums slide over many rows without drifting away.
TEST(Uncertainty, SlidesFarWithoutDrift) {
  constexpr std::int64_t rows = 20'000;
  Matrix<float> p(rows, 1);
  RandomStream random(Seed{5}, "drift");
  for (std::int64_t t = 0; t < rows; ++t) p(t, 0) = static_cast<float>(random.uniform());
  double expected = 0.0;
  for (std::int64_t k = 0; k + 10 <= rows; ++k) {
    double mean = 0.0;
    for (std::int64_t t = k; t < k + 10; ++t) mean += static_cast<double>(p(t, 0)) / 10;
    double squares = 0.0;
    for (std::int64_t t = k; t < k + 10; ++t) squares += std::pow(p(t, 0) - mean, 2);
    expected += std::sqrt(squares / 9) / static_cast<double>(rows - 9);
  }
  EXPECT_NEAR(dyn_unc(p, 10)[0], expected, root_error * expected);
}

TEST(Uncertainty, RefusesTooFewEpochs) {
  const auto p = matrix_of(3, 1, {0, 1, 0});
  expect_error<InvalidArgument>([&] { dyn_unc(p, 4); }, {"window = 4 with 3 logged epochs"});
  expect_error<InvalidArgument>([&] { dual(p, 1); }, {"window = 1"});
}

/// Every instruction set of this machine gives the bits of the scalar loops.
TEST(TrajectoryKernels, AllGiveTheSameBits) {
  std::vector<const TrajectoryKernels*> tables;
  if (__builtin_cpu_supports("avx2") > 0) tables.push_back(&avx2::trajectory_kernels());
  if (__builtin_cpu_supports("avx512bw") > 0 && __builtin_cpu_supports("avx512dq") > 0 &&
      __builtin_cpu_supports("avx512vl") > 0) {
    tables.push_back(&avx512::trajectory_kernels());
  }
  for (const std::int64_t n : {1, 7, 8, 31, 64, 1003}) {
    const auto entering = testing::normal_matrix(1, n, 1);
    const auto leaving = testing::normal_matrix(1, n, 2);
    const auto run = [&](const TrajectoryKernels& kernels) {
      const auto size = static_cast<std::size_t>(n);
      std::vector<double> sum(size, 0.25);
      std::vector<double> squares(size, 3.0);
      std::vector<double> score(size, 1.0);
      std::vector<std::uint8_t> before(size);
      std::vector<std::uint8_t> now(size);
      std::vector<std::uint8_t> count(size, 3);
      std::vector<std::uint8_t> learned(size, 0);
      for (std::size_t i = 0; i < size; ++i) {
        before[i] = i % 2 == 0;
        now[i] = i % 3 == 0;
      }
      kernels.add(entering.data(), score.data(), n);
      kernels.enter_window(entering.data(), sum.data(), squares.data(), n);
      kernels.slide_window(entering.data(), leaving.data(), sum.data(), squares.data(),
                           score.data(), 10.0, n);
      kernels.slide_window_by_difficulty(entering.data(), leaving.data(), sum.data(),
                                         squares.data(), score.data(), 7.0, n);
      kernels.add_forgotten(before.data(), now.data(), count.data(), learned.data(), n);
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_EQ(count[i], 3 + (i % 2 == 0 && i % 3 != 0 ? 1 : 0));
        EXPECT_EQ(learned[i], now[i]);
      }
      sum.insert(sum.end(), squares.begin(), squares.end());
      sum.insert(sum.end(), score.begin(), score.end());
      return sum;
    };
    const auto expected = run(scalar::trajectory_kernels());
    for (const auto* table : tables) EXPECT_EQ(run(*table), expected) << n;
  }
}

}  // namespace
}  // namespace winnow::metrics
