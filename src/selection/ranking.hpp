#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "selection/blocks.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::selection {

/// An example's place in the ranking, a strict order: who compares less is kept first.
struct Ranked {
  std::uint64_t key = 0;
  std::int64_t id = -1;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted comparison
  auto operator<=>(const Ranked&) const = default;
};

/// Before every example: nothing is <= this.
inline constexpr Ranked before_all{};

/// One key an example; smaller ranks first.
struct Keys {
  std::unique_ptr<std::uint64_t[]> values;  // not a vector: filled in parallel, never zeroed
  std::int64_t n = 0;
  std::uint64_t min = 0;
  std::uint64_t max = 0;

  Ranked operator[](std::int64_t id) const { return {values[id], id}; }
};

/// Keys of finite values, the smallest first; -0 equals 0.
Keys ascending_keys(std::span<const double> values, Progress& progress);
/// The same, the largest first.
Keys descending_keys(std::span<const double> values, Progress& progress);
/// Keys 0 to n - 1 in a random order, drawn for `purpose`.
Keys random_keys(std::int64_t n, Seed seed, std::string_view purpose);

/// After every example: all are <= this.
inline constexpr Ranked after_all{std::numeric_limits<std::uint64_t>::max(),
                                  std::numeric_limits<std::int64_t>::max()};

/// [n_groups] examples of each group up to `last` in rank.
/// @param groups  [n] in [0, n_groups).
std::vector<std::int64_t> count_groups(const Keys& keys, std::span<const std::int32_t> groups,
                                       std::int64_t n_groups, Ranked last, Progress& progress);

/// The last of the first `firsts[g]` examples of each group g; before_all where that is 0.
/// @param sizes  [n_groups] examples of each group; firsts[g] <= sizes[g].
std::vector<Ranked> last_of_groups(const Keys& keys, std::span<const std::int32_t> groups,
                                   std::span<const std::int64_t> sizes,
                                   std::span<const std::int64_t> firsts, Progress& progress);

/// Keys that rank groups against each other: the example in place r (0, 1, ...) of its group by
/// (r + 1/2) / parts[group]. With the groups' own sizes all go down by equal shares; where parts
/// are in sum K, they are the numbers among the first K.
/// @param parts  [n_groups], > 0 where the group has examples.
Keys keys_by_share(const Keys& keys, std::span<const std::int32_t> groups,
                   std::span<const std::int64_t> sizes, std::span<const std::int64_t> parts,
                   Progress& progress);

/// Lowest id for which `test(id)` holds, or n.
template <class Test>
std::int64_t first_where(std::int64_t n, Progress& progress, const Test& test) {
  const Blocks blocks(n);
  std::vector<std::int64_t> found(static_cast<std::size_t>(blocks.count()), n);
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      if (test(id)) {
        found[block] = id;
        return;
      }
    }
  });
  const auto first = std::find_if(found.begin(), found.end(), [n](auto id) { return id < n; });
  return first == found.end() ? n : *first;
}

/// The `count`-th in rank among the examples for which `accept(Ranked)` holds;
/// 1 <= count <= number accepted. A histogram over equal ranges of keys finds the one range that
/// holds it; only that range is then ordered.
template <class Accept>
Ranked nth_ranked(const Keys& keys, std::int64_t count, Progress& progress, const Accept& accept) {
  constexpr int bin_bits = 15;
  using Histogram = std::array<std::uint32_t, std::size_t{1} << bin_bits>;
  const int shift = std::max(0, static_cast<int>(std::bit_width(keys.max - keys.min)) - bin_bits);
  const auto bin_of = [&](Ranked ranked) { return (ranked.key - keys.min) >> shift; };

  const Blocks blocks(keys.n);
  std::vector<Histogram> histograms(static_cast<std::size_t>(blocks.count()));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    Histogram& histogram = histograms[block];
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const Ranked ranked = keys[id];
      histogram[bin_of(ranked)] += accept(ranked) ? 1U : 0U;
    }
  });
  const auto in_bin = [&](std::size_t bin) {
    std::int64_t sum = 0;
    for (const Histogram& histogram : histograms) sum += histogram[bin];
    return sum;
  };
  std::size_t bin = 0;
  for (std::int64_t here = in_bin(bin); here < count; here = in_bin(++bin)) count -= here;

  std::vector<std::vector<Ranked>> pieces(histograms.size());
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    pieces[block].reserve(histograms[block][bin]);
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const Ranked ranked = keys[id];
      if (bin_of(ranked) == bin && accept(ranked)) pieces[block].push_back(ranked);
    }
  });
  std::vector<Ranked> candidates;
  candidates.reserve(static_cast<std::size_t>(in_bin(bin)));
  for (const auto& piece : pieces) candidates.insert(candidates.end(), piece.begin(), piece.end());
  const auto nth = candidates.begin() + (count - 1);
  std::nth_element(candidates.begin(), nth, candidates.end());
  return *nth;
}

}  // namespace winnow::selection
