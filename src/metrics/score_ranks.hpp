#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace winnow::metrics {

/// The order of n values, n < 2^31.
struct ScoreRanks {
  std::vector<std::uint32_t> order;  ///< [n] ids, ascending values, equal ones by id
  /// [n] of each id: which of the distinct values it has, in ascending order.
  std::vector<std::uint32_t> group;
  std::vector<std::uint32_t> starts;  ///< [groups + 1] where each group begins in `order`
  std::int64_t tied_pairs = 0;        ///< pairs of equal values

  std::int64_t n() const { return static_cast<std::int64_t>(order.size()); }
};

/// @param values  finite; 0 and -0 are equal.
ScoreRanks rank_scores(std::span<const double> values);

/// [n] by id: 2 r - (n + 1), r the mean rank (from 1) of the id's group. Their sum is 0.
std::vector<std::int32_t> centred_ranks(const ScoreRanks& ranks);

struct PairCounts {
  std::int64_t discordant = 0;  ///< pairs ordered one way by x and the other way by y
  std::int64_t tied_both = 0;   ///< pairs equal in x and in y
};

PairCounts count_pairs(const ScoreRanks& x, const ScoreRanks& y);

/// Pairs i < j with values[i] > values[j].
/// @param values   a permutation of 0 ... n - 1; its order is lost.
/// @param scratch  [n]
std::int64_t count_inversions(std::span<std::uint32_t> values, std::span<std::uint32_t> scratch);

}  // namespace winnow::metrics
