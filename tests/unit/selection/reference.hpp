#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {

/// A number written as `numerator / 10^6`, so that sizes and floors can be had in whole numbers.
struct Millionths {
  std::int64_t numerator = 0;
  double value() const { return static_cast<double>(numerator) / 1e6; }
};

inline constexpr std::int64_t million = 1'000'000;

/// What select() must keep, the slow and obvious way: exact integer arithmetic, a full sort.
struct Reference {
  std::int64_t k = 0;
  std::vector<std::int64_t> floors;  // [n_classes]
  std::vector<std::int64_t> order;   // ids, first in rank first
  std::vector<bool> kept;            // [n]
  std::vector<bool> by_rank;         // [n] kept without balance
};

struct ReferenceInput {
  std::vector<double> scores;
  std::vector<std::int32_t> labels;
  std::int64_t n_classes = 0;
  Millionths keep;
  Millionths balance;
  std::int64_t keep_count = 0;  // 0: by `keep`
  Policy policy = Policy::hard;
  BalanceBy balance_by = BalanceBy::fraction;
  std::uint64_t seed = 0;
};

inline std::vector<std::int64_t> reference_order(const ReferenceInput& input) {
  const auto n = static_cast<std::int64_t>(input.scores.size());
  std::vector<std::int64_t> order(input.scores.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (input.policy == Policy::random) {
    std::vector<std::int64_t> rank = order;
    RandomStream(Seed{input.seed}, "select-random").shuffle(std::span<std::int64_t>(rank));
    for (std::int64_t id = 0; id < n; ++id) order[rank[id]] = id;
    return order;
  }
  const double sign = input.policy == Policy::hard ? -1.0 : 1.0;
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return sign * input.scores[a] < sign * input.scores[b];
  });
  return order;
}

inline std::vector<std::int64_t> reference_floors(const ReferenceInput& input, std::int64_t k) {
  const auto n = static_cast<std::int64_t>(input.scores.size());
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(input.n_classes));
  for (const std::int32_t label : input.labels) ++sizes[label];
  const std::int64_t present = std::max<std::int64_t>(
      1, std::count_if(sizes.begin(), sizes.end(), [](auto size) { return size > 0; }));
  std::vector<std::int64_t> floors;
  for (const std::int64_t size : sizes) {
    const std::int64_t balance = input.balance.numerator;
    if (input.balance_by == BalanceBy::count) {
      floors.push_back(std::min(balance * k / (present * million), balance * size / million));
    } else if (input.keep_count > 0) {
      floors.push_back(balance * k * size / (n * million));
    } else {
      floors.push_back(balance * input.keep.numerator * size / (million * million));
    }
  }
  return floors;
}

inline Reference reference_select(const ReferenceInput& input) {
  const auto n = static_cast<std::int64_t>(input.scores.size());
  Reference result;
  result.k =
      input.keep_count > 0
          ? input.keep_count
          : std::max<std::int64_t>(1, (2 * input.keep.numerator * n + million) / (2 * million));
  result.order = reference_order(input);
  result.kept.resize(input.scores.size());
  result.by_rank.resize(input.scores.size());
  for (std::int64_t i = 0; i < result.k; ++i) result.by_rank[result.order[i]] = true;

  std::int64_t left = result.k;
  if (!input.labels.empty()) {
    result.floors = reference_floors(input, result.k);
    std::vector<std::int64_t> room = result.floors;
    for (const std::int64_t id : result.order) {
      if (room[input.labels[id]] == 0) continue;
      --room[input.labels[id]];
      result.kept[id] = true;
      --left;
    }
  }
  for (const std::int64_t id : result.order) {
    if (left == 0) break;
    if (result.kept[id]) continue;
    result.kept[id] = true;
    --left;
  }
  return result;
}

}  // namespace winnow::selection
