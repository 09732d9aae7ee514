#include "metrics/ensemble.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"

namespace winnow::metrics {

void fill_rare(std::span<double> scores, std::span<const std::int64_t> rare) {
  if (rare.empty()) return;
  double sum = 0.0;
  auto next = rare.begin();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (next != rare.end() && *next == static_cast<std::int64_t>(i)) {
      ++next;
    } else {
      sum += scores[i];
    }
  }
  const double mean = sum / static_cast<double>(scores.size() - rare.size());
  for (const auto i : rare) scores[static_cast<std::size_t>(i)] = mean;
}

void require_estimates(std::span<const std::int64_t> rare, std::int64_t n, std::int64_t min_runs) {
  if (static_cast<std::int64_t>(rare.size()) < n) return;
  throw InvalidArgument(
      fmt::format("no example was in at least {0} runs and out of at least {0}; expected runs on "
                  "different random subsets (70 % of the examples each is usual)",
                  min_runs));
}

}  // namespace winnow::metrics
