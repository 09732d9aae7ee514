#include "winnow/selection/balanced.hpp"

#include <algorithm>
#include <numeric>

#include "selection/policies.hpp"

namespace winnow::selection {

namespace {

/// Members of cluster j, in the order in which they stay.
void sort_leaf(std::vector<std::int64_t>& members, const SelectOptions& options, std::size_t j,
               std::span<const double> distance) {
  if (options.balanced.leaf == cluster::LeafOrder::random) {
    RandomStream stream(options.seed, "balanced-sample", j);
    const auto size = static_cast<std::int64_t>(members.size());
    std::vector<std::int64_t> shuffled;
    for (const auto i : stream.sample(size, size)) shuffled.push_back(members[i]);
    members = std::move(shuffled);
    return;
  }
  const double sign = options.balanced.leaf == cluster::LeafOrder::farthest ? -1.0 : 1.0;
  std::sort(members.begin(), members.end(), [&](std::int64_t a, std::int64_t b) {
    return distance[a] != distance[b] ? sign * distance[a] < sign * distance[b] : a < b;
  });
}

}  // namespace

Ranking rank_balanced(const Examples& examples, const SelectOptions& options, std::int64_t k,
                      Progress& progress) {
  const cluster::HierarchyView& hierarchy = examples.hierarchy;
  const auto sample = cluster::balanced_sample(hierarchy, k, options.balanced.leaf, options.seed);
  const auto assignment = hierarchy.assignments.front();
  std::vector<std::vector<std::int64_t>> leaves(sample.budgets.front().size());
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    leaves[assignment[i]].push_back(static_cast<std::int64_t>(i));
  }
  std::vector<double> shares(assignment.size());
  for (std::size_t j = 0; j < leaves.size(); ++j) {
    sort_leaf(leaves[j], options, j, hierarchy.distance);
    const auto budget = static_cast<double>(sample.budgets.front()[j]);
    double place = 0.5;
    for (const auto id : leaves[j]) {
      shares[id] = budget > 0.0 ? place / budget : 1.0 + place;
      place += 1.0;
    }
  }
  Ranking ranking;
  ranking.keys = ascending_keys(shares, progress);
  ranking.details = {{"cluster_budgets", sample.budgets}};
  return ranking;
}

}  // namespace winnow::selection
