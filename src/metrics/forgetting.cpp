#include "winnow/metrics/forgetting.hpp"

#include <algorithm>

#include "metrics/kernels/trajectory.hpp"

namespace winnow::metrics {

std::vector<std::int32_t> forgetting_counts(MatrixView<const std::uint8_t> correct) {
  const auto n = static_cast<std::size_t>(correct.cols());
  constexpr std::int64_t largest_small = 255;
  std::vector<std::int32_t> counts(n, 0);
  std::vector<std::uint8_t> small(n, 0);  // of at most largest_small rows, then added to counts
  std::vector<std::uint8_t> learned(n, 0);
  const auto flush = [&] {
    for (std::size_t i = 0; i < n; ++i) counts[i] += small[i];
    std::fill(small.begin(), small.end(), std::uint8_t{0});
  };
  const TrajectoryKernels& kernels = trajectory_kernels();
  const std::vector<std::uint8_t> none(n, 0);
  for (std::int64_t row = 0; row < correct.rows(); ++row) {
    const std::uint8_t* before = row == 0 ? none.data() : correct.row(row - 1).data();
    kernels.add_forgotten(before, correct.row(row).data(), small.data(), learned.data(),
                          correct.cols());
    if (row % largest_small == largest_small - 1) flush();
  }
  flush();
  for (std::size_t i = 0; i < n; ++i) {
    if (learned[i] == 0) counts[i] = -1;
  }
  return counts;
}

std::vector<double> forgetting(std::span<const std::int32_t> counts, std::int64_t epochs,
                               const ForgettingOptions& options) {
  double never_learned = 0.0;
  switch (options.never_learned) {
    case NeverLearned::epochs:
      never_learned = static_cast<double>(epochs);
      break;
    case NeverLearned::max:
      for (const std::int32_t count : counts)
        never_learned = std::max<double>(never_learned, count);
      break;
    case NeverLearned::inf:
      never_learned = infinitely_forgotten;
      break;
    case NeverLearned::zero:
      break;
  }
  std::vector<double> scores(counts.begin(), counts.end());
  std::replace(scores.begin(), scores.end(), -1.0, never_learned);
  return scores;
}

}  // namespace winnow::metrics
