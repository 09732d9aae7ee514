#include "winnow/cluster/hierarchical.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "winnow/core/error.hpp"

namespace winnow::cluster {

namespace {

/// Members of each cluster, ascending.
std::vector<std::vector<std::int64_t>> members_of(std::span<const std::int32_t> assignment,
                                                  std::int64_t k) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    members[static_cast<std::size_t>(assignment[i])].push_back(static_cast<std::int64_t>(i));
  }
  return members;
}

/// Moves the `count` members of least distance to the front, in order; ties: lowest.
void nearest_first(std::vector<std::int64_t>& members, std::int64_t count,
                   std::span<const double> distance, bool farthest = false) {
  const auto end = members.begin() + std::min<std::int64_t>(count, std::ssize(members));
  std::partial_sort(members.begin(), end, members.end(), [&](std::int64_t a, std::int64_t b) {
    const double at_a = distance[static_cast<std::size_t>(a)];
    const double at_b = distance[static_cast<std::size_t>(b)];
    if (at_a != at_b) return farthest ? at_a > at_b : at_a < at_b;
    return a < b;
  });
}

/// The `count` points of each cluster that are nearest to its centroid, cluster after cluster.
Matrix<float> resampled(MatrixView<const float> points, const KMeansResult& clusters,
                        std::int64_t count) {
  std::vector<std::int64_t> chosen;
  for (auto& members : members_of(clusters.assignment, clusters.centroids.rows())) {
    nearest_first(members, count, clusters.distance);
    const auto size = std::min<std::int64_t>(count, std::ssize(members));
    chosen.insert(chosen.end(), members.begin(), members.begin() + size);
  }
  auto rows = Matrix<float>::uninitialized(std::ssize(chosen), points.cols());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    std::ranges::copy(points.row(chosen[i]), rows.row(static_cast<std::int64_t>(i)).begin());
  }
  return rows;
}

/// The seed of a level's clustering; that of the finest, before resampling, is the given one.
Seed seed_of(Seed seed, std::size_t level, std::int64_t step) {
  if (level == 0 && step == 0) return seed;
  RandomStream stream(seed, fmt::format("hierarchy-{}", level), static_cast<std::uint64_t>(step));
  return {stream.next()};
}

KMeansResult cluster_level(MatrixView<const float> points, const HierarchyOptions& options,
                           std::size_t level, Progress& progress) {
  KMeansOptions kmeans = options.kmeans;
  kmeans.n_clusters = options.clusters[level];
  kmeans.seed = seed_of(options.kmeans.seed, level, 0);
  KMeansResult result = cluster::kmeans(points, kmeans, progress);
  const std::int64_t half_mean = std::max<std::int64_t>(1, points.rows() / kmeans.n_clusters / 2);
  const std::int64_t kept = options.points_per_cluster > 0 ? options.points_per_cluster : half_mean;
  const std::int64_t steps =
      level == 0 ? options.finest_resampling_steps : options.resampling_steps;
  for (std::int64_t step = 1; step <= steps; ++step) {
    const Matrix<float> sample = resampled(points, result, kept);
    if (sample.rows() < kmeans.n_clusters) break;
    kmeans.seed = seed_of(options.kmeans.seed, level, step);
    const KMeansResult again = cluster::kmeans(sample, kmeans, progress);
    KMeansResult assigned = assign(points, again.centroids, kmeans.geometry, progress);
    assigned.iterations = result.iterations + again.iterations;
    result = std::move(assigned);
  }
  return result;
}

/// Checks that levels fit together. @returns rows below each cluster of each level.
std::vector<std::vector<std::int64_t>> rows_below(const HierarchyView& hierarchy) {
  if (hierarchy.assignments.empty() || hierarchy.assignments.size() != hierarchy.clusters.size()) {
    throw InvalidArgument(
        fmt::format("hierarchy: {} assignments and {} numbers of clusters; "
                    "expected as many of each, at least one",
                    hierarchy.assignments.size(), hierarchy.clusters.size()));
  }
  std::vector<std::vector<std::int64_t>> sizes;
  std::vector<std::int64_t> below(hierarchy.assignments.front().size(), 1);
  for (std::size_t level = 0; level < hierarchy.assignments.size(); ++level) {
    const auto assignment = hierarchy.assignments[level];
    const std::int64_t k = hierarchy.clusters[level];
    if (assignment.size() != below.size()) {
      throw InvalidArgument(
          fmt::format("hierarchy: level {} assigns {} clusters, but there are {} below", level,
                      assignment.size(), below.size()));
    }
    std::vector<std::int64_t> sums(static_cast<std::size_t>(std::max<std::int64_t>(0, k)));
    for (std::size_t i = 0; i < assignment.size(); ++i) {
      if (assignment[i] < 0 || assignment[i] >= k) {
        throw InvalidArgument(
            fmt::format("hierarchy: level {} assigns {} to cluster {}; expected one in [0, {})",
                        level, i, assignment[i], k));
      }
      sums[static_cast<std::size_t>(assignment[i])] += below[i];
    }
    below = sums;
    sizes.push_back(std::move(sums));
  }
  return sizes;
}

/// Budgets of the level below, from those of `assignment`'s level.
std::vector<std::int64_t> budgets_below(std::span<const std::int32_t> assignment,
                                        std::span<const std::int64_t> budgets,
                                        std::span<const std::int64_t> sizes_below) {
  std::vector<std::int64_t> below(sizes_below.size());
  const auto members = members_of(assignment, std::ssize(budgets));
  for (std::size_t j = 0; j < members.size(); ++j) {
    std::vector<std::int64_t> sizes;
    for (const auto i : members[j]) sizes.push_back(sizes_below[static_cast<std::size_t>(i)]);
    const auto shares = divide_evenly(sizes, budgets[j]);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      below[static_cast<std::size_t>(members[j][i])] = shares[i];
    }
  }
  return below;
}

}  // namespace

void HierarchyOptions::validate() const {
  validate_fields(*this);
  kmeans.validate();
  if (clusters.empty()) throw InvalidArgument("clusters: no levels; expected at least one");
  for (std::size_t level = 0; level < clusters.size(); ++level) {
    check_range(static_cast<double>(clusters[level]), {.name = "clusters", .help = "", .min = 1});
    if (level > 0 && clusters[level] > clusters[level - 1]) {
      throw InvalidArgument(
          fmt::format("clusters: {} after {}; expected levels from the finest up, none with more "
                      "clusters than the one before",
                      clusters[level], clusters[level - 1]));
    }
  }
}

Hierarchy hierarchical_kmeans(MatrixView<const float> rows, const HierarchyOptions& options,
                              Progress& progress) {
  options.validate();
  Hierarchy hierarchy;
  for (std::size_t level = 0; level < options.clusters.size(); ++level) {
    const MatrixView<const float> points =
        level == 0 ? rows : hierarchy.levels.back().centroids.view();
    hierarchy.levels.push_back(cluster_level(points, options, level, progress));
  }
  return hierarchy;
}

std::vector<std::int64_t> divide_evenly(std::span<const std::int64_t> sizes, std::int64_t places) {
  std::vector<std::size_t> smallest_first(sizes.size());
  std::iota(smallest_first.begin(), smallest_first.end(), std::size_t{0});
  // Of equal sizes the lowest index last: the one more goes from the back.
  std::ranges::sort(smallest_first, [&](std::size_t a, std::size_t b) {
    return sizes[a] != sizes[b] ? sizes[a] < sizes[b] : a > b;
  });
  const std::int64_t sum = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  if (places < 0 || places > sum || (!sizes.empty() && sizes[smallest_first.front()] < 0)) {
    throw InvalidArgument(
        fmt::format("cannot divide {} places over {} clusters of {} rows in all, the smallest of "
                    "{}; expected sizes of 0 or more, and places from 0 to their sum",
                    places, sizes.size(), sum, sizes.empty() ? 0 : sizes[smallest_first.front()]));
  }
  std::vector<std::int64_t> shares(sizes.size());
  std::int64_t left = places;
  for (std::size_t i = 0; i < smallest_first.size(); ++i) {
    // Those that are left get left / theirs each, unless they are smaller.
    const std::size_t j = smallest_first[i];
    const auto others = static_cast<std::int64_t>(smallest_first.size() - i);
    shares[j] = std::min(sizes[j], left / others);
    left -= shares[j];
  }
  return shares;
}

HierarchyView view_of(const Hierarchy& hierarchy) {
  HierarchyView view;
  for (const KMeansResult& level : hierarchy.levels) {
    view.assignments.emplace_back(level.assignment);
    view.clusters.push_back(level.centroids.rows());
  }
  if (!hierarchy.levels.empty()) view.distance = hierarchy.levels.front().distance;
  return view;
}

BalancedSample balanced_sample(const HierarchyView& hierarchy, std::int64_t count, LeafOrder order,
                               Seed seed) {
  const auto sizes = rows_below(hierarchy);
  const auto rows = hierarchy.assignments.front();
  if (count < 0 || count > std::ssize(rows)) {
    throw InvalidArgument(
        fmt::format("keep-count = {}; expected [0, {}], the number of rows", count, rows.size()));
  }
  if (order != LeafOrder::random && hierarchy.distance.size() != rows.size()) {
    throw InvalidArgument(fmt::format("hierarchy: {} distances of {} rows; expected one of each",
                                      hierarchy.distance.size(), rows.size()));
  }
  BalancedSample sample;
  sample.budgets.resize(sizes.size());
  sample.budgets.back() = divide_evenly(sizes.back(), count);
  for (std::size_t level = sizes.size() - 1; level > 0; --level) {
    sample.budgets[level - 1] =
        budgets_below(hierarchy.assignments[level], sample.budgets[level], sizes[level - 1]);
  }
  auto members = members_of(rows, hierarchy.clusters.front());
  for (std::size_t j = 0; j < members.size(); ++j) {
    const std::int64_t budget = sample.budgets.front()[j];
    if (order == LeafOrder::random) {
      RandomStream stream(seed, "balanced-sample", j);
      for (const auto i : stream.sample(std::ssize(members[j]), budget)) {
        sample.ids.push_back(members[j][static_cast<std::size_t>(i)]);
      }
    } else {
      nearest_first(members[j], budget, hierarchy.distance, order == LeafOrder::farthest);
      sample.ids.insert(sample.ids.end(), members[j].begin(), members[j].begin() + budget);
    }
  }
  std::ranges::sort(sample.ids);
  return sample;
}

}  // namespace winnow::cluster
