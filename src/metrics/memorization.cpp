#include "winnow/metrics/memorization.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "metrics/ensemble.hpp"
#include "metrics/kernels/bit_kernels.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

MemorizationScores memorization(const BitMatrix& in_train, const BitMatrix& correct,
                                const SubsampleOptions& options, Progress& progress) {
  options.validate();
  const std::int64_t runs = in_train.rows();
  const std::int64_t n = in_train.cols();
  if (correct.rows() != runs || correct.cols() != n || n == 0) {
    throw InvalidArgument(
        fmt::format("memorization: in_train is [{}, {}] and correct [{}, {}]; expected the same "
                    "runs and examples, at least one of each",
                    runs, n, correct.rows(), correct.cols()));
  }
  const auto size = static_cast<std::size_t>(n);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  MemorizationScores result{std::vector<double>(size), std::vector<double>(size, unknown), {}};
  const BitKernels& kernels = bit_kernels();
  progress.stage("memorization", n, "examples");
  for_example_blocks(n, line_of_examples, progress, [&](std::int64_t begin, std::int64_t count) {
    const BitMatrix in = in_train.transposed(begin, count);
    const BitMatrix right = correct.transposed(begin, count);
    for (std::int64_t r = 0; r < count; ++r) {
      const PairCounts counts =
          kernels.count_pair(in.words(r).data(), right.words(r).data(), in.used_words());
      const std::int64_t n_in = counts.a;
      const std::int64_t n_out = runs - n_in;
      if (std::min(n_in, n_out) < options.min_runs) continue;
      const std::int64_t right_out = counts.b - counts.both;
      const auto i = static_cast<std::size_t>(begin + r);
      result.scores[i] = static_cast<double>(counts.both) / static_cast<double>(n_in) -
                         static_cast<double>(right_out) / static_cast<double>(n_out);
      result.standard_errors[i] =
          std::sqrt(share_variance(counts.both, n_in) + share_variance(right_out, n_out));
    }
  });
  result.rare = ids_where(n, [&](std::int64_t i) {
    return std::isnan(result.standard_errors[static_cast<std::size_t>(i)]);
  });
  require_estimates(result.rare, n, options.min_runs);
  fill_rare(result.scores, result.rare);
  progress.done(fmt::format("{} runs", runs));
  return result;
}

}  // namespace winnow::metrics
