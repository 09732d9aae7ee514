#include "winnow/metrics/uncertainty.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "metrics/kernels/trajectory.hpp"
#include "metrics/windows.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

namespace {

using SlideWindow = decltype(TrajectoryKernels::slide_window);

/// Examples whose sums stay in the first-level cache; less than 512, or the two arrays would lie 4
/// KiB apart, where a load waits for stores to the other.
constexpr std::int64_t strip = 448;

/// Adds what `slide` gives for each window of examples [begin, begin + count) to their scores.
void add_windows(MatrixView<const float> p_true, std::int64_t begin, std::int64_t count,
                 std::int32_t window, SlideWindow slide, double* scores) {
  static constexpr std::array<float, strip> nothing{};
  alignas(64) std::array<double, strip> sum{};
  alignas(64) std::array<double, strip> squares{};
  const auto row = [&](std::int64_t index) { return p_true.row(index).data() + begin; };
  for (std::int64_t i = 0; i < window - 1; ++i) {
    trajectory_kernels().enter_window(row(i), sum.data(), squares.data(), count);
  }
  for (std::int64_t i = window - 1; i < p_true.rows(); ++i) {
    const float* leaving = i == window - 1 ? nothing.data() : row(i - window);
    slide(row(i), leaving, sum.data(), squares.data(), scores, window, count);
  }
}

/// Mean over the windows of what `slide` adds for each.
std::vector<double> mean_over_windows(MatrixView<const float> p_true, std::int32_t window,
                                      SlideWindow slide) {
  require_window(p_true.rows(), window);
  std::vector<double> scores(static_cast<std::size_t>(p_true.cols()), 0.0);
  for (std::int64_t begin = 0; begin < p_true.cols(); begin += strip) {
    const std::int64_t count = std::min(strip, p_true.cols() - begin);
    add_windows(p_true, begin, count, window, slide, scores.data() + begin);
  }
  const auto windows = static_cast<double>(p_true.rows() - window + 1);
  for (double& score : scores) score /= windows;
  return scores;
}

}  // namespace

void require_window(std::int64_t rows, std::int32_t window) {
  if (window >= 2 && rows >= window) return;
  throw InvalidArgument(
      fmt::format("window = {} with {} logged epochs; expected at least 2 epochs, and at most as "
                  "many as were logged",
                  window, rows));
}

std::vector<double> dyn_unc(MatrixView<const float> p_true, std::int32_t window) {
  return mean_over_windows(p_true, window, trajectory_kernels().slide_window);
}

std::vector<double> dual(MatrixView<const float> p_true, std::int32_t window) {
  return mean_over_windows(p_true, window, trajectory_kernels().slide_window_by_difficulty);
}

}  // namespace winnow::metrics
