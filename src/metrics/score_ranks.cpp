#include "metrics/score_ranks.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace winnow::metrics {

namespace {

std::int64_t pairs_of(std::int64_t n) { return n * (n - 1) / 2; }

/// Moves the values whose `bit` is 0 to `to`, the others behind the first `n_zeros`, each in their
/// order. Returns the pairs that this turned round.
std::int64_t split(std::span<const std::uint32_t> from, std::uint32_t* to, std::size_t n_zeros,
                   int bit) {
  std::uint32_t* zero = to;
  std::uint32_t* one = to + n_zeros;
  const std::uint32_t* first_one = one;
  std::int64_t turned = 0;
  for (const std::uint32_t value : from) {
    const std::ptrdiff_t is_one = value >> static_cast<unsigned>(bit) & 1U;
    *(is_one != 0 ? one : zero) = value;
    turned += (one - first_one) & (is_one - 1);
    one += is_one;
    zero += 1 - is_one;
  }
  return turned;
}

/// Inversions of few values, pair by pair.
std::int64_t count_directly(std::span<const std::uint32_t> values) {
  std::int64_t found = 0;
  for (std::size_t j = 1; j < values.size(); ++j) {
    int here = 0;
    // Below 2^31: compared as signed, which every instruction set can.
    for (std::size_t i = 0; i < j; ++i) {
      here += static_cast<std::int32_t>(values[i]) > static_cast<std::int32_t>(values[j]) ? 1 : 0;
    }
    found += here;
  }
  return found;
}

/// Inversions of a run of consecutive integers in any order, which agree above `bit`. Halves are
/// counted one after the other, so that they soon fit into the cache.
std::int64_t count_from_bit(std::span<std::uint32_t> values, std::uint32_t* scratch, int bit) {
  constexpr std::size_t few = 16;
  if (values.size() <= few) return count_directly(values);
  const std::size_t n_zeros = std::min(values.size(), std::size_t{1} << static_cast<unsigned>(bit));
  if (n_zeros == values.size()) return count_from_bit(values, scratch, bit - 1);
  const std::int64_t turned = split(values, scratch, n_zeros, bit);
  const std::span<std::uint32_t> halves(scratch, values.size());
  return turned + count_from_bit(halves.first(n_zeros), values.data(), bit - 1) +
         count_from_bit(halves.subspan(n_zeros), values.data() + n_zeros, bit - 1);
}

/// Sorts within the groups of x and counts the pairs that are equal there too.
std::int64_t sort_ties(const ScoreRanks& x, std::span<std::uint32_t> values) {
  std::int64_t tied_both = 0;
  for (std::size_t g = 0; g + 1 < x.starts.size(); ++g) {
    const auto tied = values.subspan(x.starts[g], x.starts[g + 1] - x.starts[g]);
    if (tied.size() < 2) continue;
    std::sort(tied.begin(), tied.end());
    for (std::size_t begin = 0, end = 0; begin < tied.size(); begin = end) {
      while (end < tied.size() && tied[end] == tied[begin]) ++end;
      tied_both += pairs_of(static_cast<std::int64_t>(end - begin));
    }
  }
  return tied_both;
}

}  // namespace

std::int64_t count_inversions(std::span<std::uint32_t> values, std::span<std::uint32_t> scratch) {
  return count_from_bit(values, scratch.data(),
                        static_cast<int>(std::bit_width(values.size())) - 1);
}

ScoreRanks rank_scores(std::span<const double> values) {
  using Keyed = std::pair<double, std::uint32_t>;
  std::vector<Keyed> keyed;
  keyed.reserve(values.size());
  for (const double value : values) {
    keyed.emplace_back(value + 0.0, static_cast<std::uint32_t>(keyed.size()));
  }
  std::sort(keyed.begin(), keyed.end());
  ScoreRanks ranks;
  ranks.order.reserve(values.size());
  ranks.group.resize(values.size());
  for (std::size_t begin = 0, end = 0; begin < keyed.size(); begin = end) {
    const auto group = static_cast<std::uint32_t>(ranks.starts.size());
    ranks.starts.push_back(static_cast<std::uint32_t>(begin));
    for (; end < keyed.size() && keyed[end].first == keyed[begin].first; ++end) {
      ranks.order.push_back(keyed[end].second);
      ranks.group[keyed[end].second] = group;
    }
    ranks.tied_pairs += pairs_of(static_cast<std::int64_t>(end - begin));
  }
  ranks.starts.push_back(static_cast<std::uint32_t>(values.size()));
  return ranks;
}

std::vector<std::int32_t> centred_ranks(const ScoreRanks& ranks) {
  std::vector<std::int32_t> centred;
  centred.reserve(ranks.group.size());
  for (const std::uint32_t group : ranks.group) {
    const std::int64_t ends = std::int64_t{ranks.starts[group]} + ranks.starts[group + 1];
    centred.push_back(static_cast<std::int32_t>(ends - ranks.n()));
  }
  return centred;
}

PairCounts count_pairs(const ScoreRanks& x, const ScoreRanks& y) {
  if (x.tied_pairs > y.tied_pairs) return count_pairs(y, x);  // ties of the first are sorted
  std::vector<std::uint32_t> values;
  values.reserve(x.order.size());
  for (const std::uint32_t id : x.order) values.push_back(y.group[id]);
  PairCounts counts;
  if (x.tied_pairs > 0) counts.tied_both = sort_ties(x, values);
  if (y.tied_pairs > 0) {
    // Places of their own for equal values, in the present order: no inversions among them.
    std::vector<std::uint32_t> next = y.starts;
    for (std::uint32_t& value : values) value = next[value]++;
  }
  std::vector<std::uint32_t> scratch(values.size());
  counts.discordant = count_inversions(values, scratch);
  return counts;
}

}  // namespace winnow::metrics
