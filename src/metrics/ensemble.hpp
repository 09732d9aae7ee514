#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "winnow/core/parallel.hpp"
#include "winnow/metrics/bit_matrix.hpp"

// What the metrics of many runs share.

namespace winnow::metrics {

/// Examples of a cache line of every run: what is transposed at a time.
inline constexpr std::int64_t line_of_examples = 512;

/// Calls work(begin, count) for blocks of `size` of n examples, spread over the threads.
template <class Work>
void for_example_blocks(std::int64_t n, std::int64_t size, Progress& progress, const Work& work) {
  parallel_blocks((n + size - 1) / size, progress, [&](std::int64_t block) {
    const std::int64_t begin = block * size;
    const std::int64_t count = std::min(size, n - begin);
    work(begin, count);
    progress.advance(count);
  });
}

/// Unbiased variance of the mean of n zeros and ones, `ones` of them ones; n >= 2.
inline double share_variance(std::int64_t ones, std::int64_t n) {
  const double share = static_cast<double>(ones) / static_cast<double>(n);
  return share * (1.0 - share) / static_cast<double>(n - 1);
}

/// Ids for which `is_rare`, ascending.
template <class Predicate>
std::vector<std::int64_t> ids_where(std::int64_t n, const Predicate& is_rare) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < n; ++i) {
    if (is_rare(i)) ids.push_back(i);
  }
  return ids;
}

/// Gives the rare the mean score of the others. Sums in order of ids.
void fill_rare(std::span<double> scores, std::span<const std::int64_t> rare);

/// @throws InvalidArgument when every example is rare.
void require_estimates(std::span<const std::int64_t> rare, std::int64_t n, std::int64_t min_runs);

}  // namespace winnow::metrics
