#include "selection/ranking.hpp"

#include <numeric>
#include <utility>

namespace winnow::selection {

namespace {

/// Maps finite doubles to integers in the same order; -0 and 0 to the same one.
std::uint64_t ascending_key(double value) {
  constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  return (bits & sign_bit) != 0 ? ~bits : bits | sign_bit;
}

/// @param flip  all ones to turn the order round, else 0.
Keys make_keys(std::span<const double> values, std::uint64_t flip, Progress& progress) {
  Keys keys;
  keys.n = static_cast<std::int64_t>(values.size());
  keys.values = std::make_unique_for_overwrite<std::uint64_t[]>(values.size());
  const Blocks blocks(keys.n);
  struct Range {
    std::uint64_t min = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t max = 0;
  };
  std::vector<Range> ranges(static_cast<std::size_t>(blocks.count()));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    Range range;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const std::uint64_t key = ascending_key(values[id]) ^ flip;
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

/// All examples sorted by group, and in a group by id.
std::unique_ptr<Ranked[]> in_groups(const Keys& keys, std::span<const std::int32_t> groups,
                                    std::int64_t n_groups, Progress& progress) {
  const Blocks blocks(keys.n, n_groups);
  // next[block][g]: where the block's next example of group g goes.
  std::vector<std::int64_t> next(static_cast<std::size_t>(blocks.count() * n_groups));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    std::int64_t* counts = next.data() + block * n_groups;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) ++counts[groups[id]];
  });
  std::int64_t position = 0;
  for (std::int64_t g = 0; g < n_groups; ++g) {
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      position += std::exchange(next[block * n_groups + g], position);
    }
  }
  auto grouped = std::make_unique_for_overwrite<Ranked[]>(static_cast<std::size_t>(keys.n));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    std::int64_t* positions = next.data() + block * n_groups;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      grouped[positions[groups[id]]++] = keys[id];
    }
  });
  return grouped;
}

/// Where each group begins in in_groups().
std::vector<std::int64_t> begins_of(std::span<const std::int64_t> sizes) {
  std::vector<std::int64_t> begins(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), begins.begin(), std::int64_t{0});
  return begins;
}

}  // namespace

Keys ascending_keys(std::span<const double> values, Progress& progress) {
  return make_keys(values, 0, progress);
}

Keys descending_keys(std::span<const double> values, Progress& progress) {
  return make_keys(values, ~std::uint64_t{0}, progress);
}

Keys random_keys(std::int64_t n, Seed seed, std::string_view purpose) {
  Keys keys;
  keys.n = n;
  keys.values = std::make_unique_for_overwrite<std::uint64_t[]>(static_cast<std::size_t>(n));
  const std::span<std::uint64_t> values(keys.values.get(), static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), std::uint64_t{0});
  RandomStream(seed, purpose).shuffle(values);
  keys.max = static_cast<std::uint64_t>(n - 1);
  return keys;
}

std::vector<std::int64_t> count_groups(const Keys& keys, std::span<const std::int32_t> groups,
                                       std::int64_t n_groups, Ranked last, Progress& progress) {
  const Blocks blocks(keys.n, n_groups);
  std::vector<std::int64_t> partial(static_cast<std::size_t>(blocks.count() * n_groups));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    std::int64_t* counts = partial.data() + block * n_groups;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      counts[groups[id]] += keys[id] <= last ? 1 : 0;
    }
  });
  std::vector<std::int64_t> counts(static_cast<std::size_t>(n_groups));
  for (std::size_t i = 0; i < partial.size(); ++i) counts[i % counts.size()] += partial[i];
  return counts;
}

std::vector<Ranked> last_of_groups(const Keys& keys, std::span<const std::int32_t> groups,
                                   std::span<const std::int64_t> sizes,
                                   std::span<const std::int64_t> firsts, Progress& progress) {
  const auto n_groups = static_cast<std::int64_t>(sizes.size());
  const auto grouped = in_groups(keys, groups, n_groups, progress);
  const std::vector<std::int64_t> begins = begins_of(sizes);
  std::vector<Ranked> lasts(sizes.size(), before_all);
  parallel_blocks(n_groups, progress, [&](std::int64_t g) {
    if (firsts[g] == 0) return;
    Ranked* begin = grouped.get() + begins[g];
    Ranked* nth = begin + firsts[g] - 1;
    std::nth_element(begin, nth, begin + sizes[g]);
    lasts[g] = *nth;
  });
  return lasts;
}

Keys keys_by_share(const Keys& keys, std::span<const std::int32_t> groups,
                   std::span<const std::int64_t> sizes, std::span<const std::int64_t> parts,
                   Progress& progress) {
  const auto n_groups = static_cast<std::int64_t>(sizes.size());
  const auto grouped = in_groups(keys, groups, n_groups, progress);
  const std::vector<std::int64_t> begins = begins_of(sizes);
  std::vector<double> shares(static_cast<std::size_t>(keys.n));
  parallel_blocks(n_groups, progress, [&](std::int64_t g) {
    Ranked* begin = grouped.get() + begins[g];
    std::sort(begin, begin + sizes[g]);
    const auto part = static_cast<double>(parts[g]);
    for (std::int64_t place = 0; place < sizes[g]; ++place) {
      shares[begin[place].id] = (static_cast<double>(place) + 0.5) / part;
    }
  });
  return ascending_keys(shares, progress);
}

}  // namespace winnow::selection
