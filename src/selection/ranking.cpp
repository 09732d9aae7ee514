#include "selection/ranking.hpp"

#include <limits>
#include <numeric>

namespace winnow::selection {

namespace {

/// Maps finite doubles to integers in the same order; -0 and 0 to the same one.
std::uint64_t ascending_key(double score) {
  constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;
  const auto bits = std::bit_cast<std::uint64_t>(score + 0.0);
  return (bits & sign_bit) != 0 ? ~bits : bits | sign_bit;
}

}  // namespace

Keys rank_keys(std::span<const double> scores, Policy policy, Seed seed, Progress& progress) {
  Keys keys;
  keys.n = static_cast<std::int64_t>(scores.size());
  keys.values = std::make_unique_for_overwrite<std::uint64_t[]>(scores.size());
  if (policy == Policy::random) {
    const std::span<std::uint64_t> values(keys.values.get(), scores.size());
    std::iota(values.begin(), values.end(), std::uint64_t{0});
    RandomStream(seed, "select-random").shuffle(values);
    keys.max = scores.size() - 1;
    return keys;
  }
  const std::uint64_t flip = policy == Policy::hard ? ~std::uint64_t{0} : 0;
  const Blocks blocks(keys.n);
  struct Range {
    std::uint64_t min = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t max = 0;
  };
  std::vector<Range> ranges(static_cast<std::size_t>(blocks.count()));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    Range range;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const std::uint64_t key = ascending_key(scores[id]) ^ flip;
      keys.values[id] = key;
      range.min = std::min(range.min, key);
      range.max = std::max(range.max, key);
    }
    ranges[block] = range;
  });
  keys.min = std::numeric_limits<std::uint64_t>::max();
  for (const Range& range : ranges) {
    keys.min = std::min(keys.min, range.min);
    keys.max = std::max(keys.max, range.max);
  }
  return keys;
}

std::vector<Ranked> last_of_classes(const Keys& keys, std::span<const std::int32_t> labels,
                                    std::span<const std::int64_t> sizes,
                                    std::span<const std::int64_t> firsts, Progress& progress) {
  const auto n_classes = static_cast<std::int64_t>(sizes.size());
  const Blocks blocks(keys.n, n_classes);
  // next[block][c]: where the block's next example of class c goes, in an array sorted by class.
  std::vector<std::int64_t> next(static_cast<std::size_t>(blocks.count() * n_classes));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    std::int64_t* counts = next.data() + block * n_classes;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) ++counts[labels[id]];
  });
  std::int64_t position = 0;
  for (std::int64_t c = 0; c < n_classes; ++c) {
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      position += std::exchange(next[block * n_classes + c], position);
    }
  }
  const auto grouped = std::make_unique_for_overwrite<Ranked[]>(static_cast<std::size_t>(keys.n));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    std::int64_t* positions = next.data() + block * n_classes;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      grouped[positions[labels[id]]++] = keys[id];
    }
  });
  std::vector<Ranked> lasts(sizes.size(), before_all);
  std::vector<std::int64_t> begins(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), begins.begin(), std::int64_t{0});
  parallel_blocks(n_classes, progress, [&](std::int64_t c) {
    if (firsts[c] == 0) return;
    Ranked* begin = grouped.get() + begins[c];
    Ranked* nth = begin + firsts[c] - 1;
    std::nth_element(begin, nth, begin + sizes[c]);
    lasts[c] = *nth;
  });
  return lasts;
}

}  // namespace winnow::selection
