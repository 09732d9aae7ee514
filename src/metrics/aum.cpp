#include "winnow/metrics/aum.hpp"

#include "metrics/kernels/trajectory.hpp"

namespace winnow::metrics {

std::vector<double> aum(MatrixView<const float> margins) {
  std::vector<double> scores(static_cast<std::size_t>(margins.cols()), 0.0);
  const TrajectoryKernels& kernels = trajectory_kernels();
  for (std::int64_t row = 0; row < margins.rows(); ++row) {
    kernels.add(margins.row(row).data(), scores.data(), margins.cols());
  }
  for (double& score : scores) score = -score / static_cast<double>(margins.rows());
  return scores;
}

}  // namespace winnow::metrics
