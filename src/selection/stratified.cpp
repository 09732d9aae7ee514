#include "winnow/selection/stratified.hpp"

#include <fmt/format.h>

#include <numeric>

#include "selection/decimal.hpp"
#include "selection/policies.hpp"
#include "winnow/core/error.hpp"

namespace winnow::selection {

namespace {

/// Strata of equal width between the lowest and the highest score below the cut-off; examples
/// beyond it lie in a stratum of their own, the last.
class Strata {
 public:
  Strata(double min, double max, std::int64_t count)
      : half_min_(min / 2.0), half_range_(max / 2.0 - half_min_), count_(count) {}

  /// In [0, count) for min <= score <= max. Halves, since a range of finite scores need not be.
  std::int32_t of(double score) const {
    if (half_range_ == 0.0) return 0;
    const double part = (score / 2.0 - half_min_) / half_range_;
    const auto stratum = static_cast<std::int64_t>(part * static_cast<double>(count_));
    return static_cast<std::int32_t>(std::min(stratum, count_ - 1));
  }
  std::int32_t beyond() const { return static_cast<std::int32_t>(count_); }

 private:
  double half_min_;
  double half_range_;
  std::int64_t count_;
};

}  // namespace

std::int64_t StratifiedOptions::cut_off_of(std::int64_t n) const {
  return floor_of(cut_off * static_cast<double>(n));
}

std::vector<std::int64_t> strata_budgets(std::span<const std::int64_t> sizes, std::int64_t k) {
  const std::int64_t total = std::reduce(sizes.begin(), sizes.end());
  if (k < 0 || k > total) {
    throw InvalidArgument(
        fmt::format("k = {}; expected a value in [0, {}], the examples of all strata", k, total));
  }
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sizes[a] < sizes[b]; });
  std::vector<std::int64_t> budgets(sizes.size());
  auto strata_left = static_cast<std::int64_t>(sizes.size());
  for (const std::size_t stratum : order) {
    budgets[stratum] = std::min(sizes[stratum], k / strata_left--);
    k -= budgets[stratum];
  }
  return budgets;
}

Ranking rank_stratified(const Examples& examples, const SelectOptions& options, std::int64_t k,
                        Progress& progress) {
  const std::span<const double> scores = examples.scores;
  const Keys by_score = descending_keys(scores, progress);
  const auto any = [](Ranked) { return true; };
  const std::int64_t n_beyond = options.stratified.cut_off_of(by_score.n);
  const Ranked cut = n_beyond > 0 ? nth_ranked(by_score, n_beyond, progress, any) : before_all;
  const double max = scores[nth_ranked(by_score, n_beyond + 1, progress, any).id];
  const double min = scores[nth_ranked(by_score, by_score.n, progress, any).id];

  const std::int64_t n_strata = options.stratified.strata;
  const Strata strata(min, max, n_strata);
  std::vector<std::int32_t> stratum(scores.size());
  const Blocks blocks(by_score.n);
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      stratum[id] = by_score[id] > cut ? strata.of(scores[id]) : strata.beyond();
    }
  });
  Ranking ranking;
  ranking.keys = random_keys(by_score.n, options.seed, "select-stratified");
  const auto sizes = count_groups(ranking.keys, stratum, n_strata + 1, after_all, progress);
  auto budgets = strata_budgets(std::span(sizes).first(static_cast<std::size_t>(n_strata)), k);
  ranking.details = {{"cut_off_examples", n_beyond},
                     {"highest_score_below", max},
                     {"strata_sizes", std::span(sizes).first(static_cast<std::size_t>(n_strata))},
                     {"strata_budgets", budgets}};
  budgets.push_back(0);
  const auto lasts = last_of_groups(ranking.keys, stratum, sizes, budgets, progress);

  // Those drawn first, then the others of the strata, then what is beyond the cut-off.
  const auto n = static_cast<std::uint64_t>(by_score.n);
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const bool drawn = ranking.keys[id] <= lasts[stratum[id]];
      const std::uint64_t part = drawn ? 0 : stratum[id] < strata.beyond() ? 1 : 2;
      ranking.keys.values[id] += part * n;
    }
  });
  ranking.keys.max = 3 * n - 1;
  ranking.cut_off = 2 * n;
  return ranking;
}

}  // namespace winnow::selection
