#include "winnow/metrics/uncertainty.hpp"

#include <fmt/format.h>

#include "metrics/kernels/trajectory.hpp"
#include "metrics/windows.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

namespace {

using SlideWindow = decltype(TrajectoryKernels::slide_window);

/// Mean over the windows of what `slide` adds for each.
std::vector<double> mean_over_windows(MatrixView<const float> p_true, std::int32_t window,
                                      const TrajectoryKernels& kernels, SlideWindow slide) {
  require_window(p_true.rows(), window);
  const auto n = static_cast<std::size_t>(p_true.cols());
  std::vector<double> sum(n, 0.0);
  std::vector<double> squares(n, 0.0);
  std::vector<double> scores(n, 0.0);
  const std::vector<float> nothing(n, 0.0F);
  for (std::int64_t row = 0; row < p_true.rows(); ++row) {
    const float* entering = p_true.row(row).data();
    if (row < window - 1) {
      kernels.enter_window(entering, sum.data(), squares.data(), p_true.cols());
      continue;
    }
    const float* leaving = row == window - 1 ? nothing.data() : p_true.row(row - window).data();
    slide(entering, leaving, sum.data(), squares.data(), scores.data(), window, p_true.cols());
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
  const TrajectoryKernels& kernels = trajectory_kernels();
  return mean_over_windows(p_true, window, kernels, kernels.slide_window);
}

std::vector<double> dual(MatrixView<const float> p_true, std::int32_t window) {
  const TrajectoryKernels& kernels = trajectory_kernels();
  return mean_over_windows(p_true, window, kernels, kernels.slide_window_by_difficulty);
}

}  // namespace winnow::metrics
