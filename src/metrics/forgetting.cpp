#include "winnow/metrics/forgetting.hpp"

#include <algorithm>

#include "metrics/kernels/trajectory.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

std::vector<std::int32_t> forgetting_counts(
    std::span<const std::span<const std::uint8_t>> correct) {
  const std::size_t n = correct.front().size();
  constexpr std::size_t largest_small = 255;
  std::vector<std::int32_t> counts(n, 0);
  std::vector<std::uint8_t> small(n, 0);  // of at most largest_small rows, then added to counts
  std::vector<std::uint8_t> learned(n, 0);
  const auto flush = [&] {
    for (std::size_t i = 0; i < n; ++i) counts[i] += small[i];
    std::fill(small.begin(), small.end(), std::uint8_t{0});
  };
  const TrajectoryKernels& kernels = trajectory_kernels();
  const std::vector<std::uint8_t> none(n, 0);
  for (std::size_t row = 0; row < correct.size(); ++row) {
    const std::uint8_t* before = row == 0 ? none.data() : correct[row - 1].data();
    kernels.add_forgotten(before, correct[row].data(), small.data(), learned.data(),
                          static_cast<std::int64_t>(n));
    if (row % largest_small == largest_small - 1) flush();
  }
  flush();
  unsigned all = 0;
  for (std::size_t i = 0; i < n; ++i) {
    all |= learned[i];
    if (learned[i] == 0) counts[i] = -1;
  }
  if (all > 1) throw InvalidArgument("correct has other values than 0 and 1");
  return counts;
}

std::vector<std::int32_t> forgetting_counts(MatrixView<const std::uint8_t> correct) {
  std::vector<std::span<const std::uint8_t>> rows;
  for (std::int64_t row = 0; row < correct.rows(); ++row) rows.push_back(correct.row(row));
  return forgetting_counts(rows);
}

double never_learned_score(std::int32_t largest, std::int64_t epochs,
                           const ForgettingOptions& options) {
  switch (options.never_learned) {
    case NeverLearned::epochs:
      return static_cast<double>(epochs);
    case NeverLearned::max:
      return std::max(largest, 0);
    case NeverLearned::inf:
      return infinitely_forgotten;
    case NeverLearned::zero:
      break;
  }
  return 0.0;
}

std::vector<double> forgetting(std::span<const std::int32_t> counts, std::int64_t epochs,
                               const ForgettingOptions& options) {
  std::vector<double> scores(counts.begin(), counts.end());
  if (counts.empty()) return scores;
  const std::int32_t largest = *std::max_element(counts.begin(), counts.end());
  std::replace(scores.begin(), scores.end(), -1.0, never_learned_score(largest, epochs, options));
  return scores;
}

}  // namespace winnow::metrics
