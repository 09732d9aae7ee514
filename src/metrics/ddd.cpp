#include "winnow/metrics/ddd.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "metrics/ensemble.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

DddScores ddd(const BitMatrix& correct, Progress& progress) {
  const std::int64_t members = correct.rows();
  const std::int64_t n = correct.cols();
  if (members == 0 || n == 0) {
    throw InvalidArgument(
        fmt::format("ddd: correct is [{}, {}]; expected at least one member and "
                    "one example",
                    members, n));
  }
  DddScores result;
  result.scores.resize(static_cast<std::size_t>(n));
  progress.stage("ddd", n, "examples");
  for_example_blocks(n, line_of_examples, progress, [&](std::int64_t begin, std::int64_t count) {
    const BitMatrix right = correct.transposed(begin, count);
    for (std::int64_t r = 0; r < count; ++r) {
      result.scores[static_cast<std::size_t>(begin + r)] =
          static_cast<double>(members - right.count(r));
    }
  });
  result.trivial = std::ranges::count(result.scores, 0.0);
  result.impossible = std::ranges::count(result.scores, static_cast<double>(members));
  progress.done(fmt::format("{} members", members));
  return result;
}

}  // namespace winnow::metrics
