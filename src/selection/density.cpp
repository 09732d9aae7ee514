#include "winnow/selection/density.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "selection/policies.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::selection {

namespace {

void check_clusters(const Clusters& clusters, Progress& progress) {
  const std::int64_t k = clusters.centroids.rows();
  if (clusters.centroids.empty()) {
    throw InvalidArgument("clusters: no centroids; expected a clustering of the examples");
  }
  const auto n = static_cast<std::int64_t>(clusters.assignment.size());
  io::require_same_length(n, "assignment", static_cast<std::int64_t>(clusters.distance.size()),
                          "distance");
  const std::int64_t wrong = first_where(n, progress, [&](std::int64_t id) {
    return clusters.assignment[id] < 0 || clusters.assignment[id] >= k;
  });
  if (wrong < n) {
    throw InvalidArgument(fmt::format("assignment: row {} is {}; expected a cluster in [0, {})",
                                      wrong, clusters.assignment[wrong], k));
  }
  const std::int64_t far = first_where(
      n, progress, [&](std::int64_t id) { return !std::isfinite(clusters.distance[id]); });
  if (far < n) {
    throw NonFiniteInput(
        fmt::format("distance: row {} is {}; expected finite values; make the "
                    "clustering again",
                    far, clusters.distance[far]));
  }
  require_finite(clusters.centroids, "centroids", progress);
}

std::vector<std::int64_t> cluster_sizes(const Clusters& clusters) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(clusters.centroids.rows()));
  for (const std::int32_t cluster : clusters.assignment) ++sizes[cluster];
  return sizes;
}

/// Mean distance of each centroid to its nearest others, among clusters that have examples.
std::vector<double> distances_apart(const Clusters& clusters, std::span<const std::int64_t> sizes,
                                    std::int64_t neighbours, Progress& progress) {
  std::vector<std::int64_t> present;
  for (std::size_t j = 0; j < sizes.size(); ++j) {
    if (sizes[j] > 0) present.push_back(static_cast<std::int64_t>(j));
  }
  const auto nearest = std::min(neighbours, static_cast<std::int64_t>(present.size()) - 1);
  std::vector<double> means(sizes.size());
  if (nearest < 1) return means;
  const auto count = static_cast<std::int64_t>(present.size());
  progress.stage("centroid distances", count, "centroids");
  parallel_blocks(
      count, progress,
      [&](std::int64_t i) {
        const auto own = clusters.centroids.row(present[i]);
        std::vector<double> distances;
        distances.reserve(present.size());
        for (const std::int64_t j : present) {
          if (j == present[i]) continue;
          const auto other = clusters.centroids.row(j);
          distances.push_back(clusters.geometry == Geometry::spherical
                                  ? 1.0 - numerics::dot(own, other)
                                  : numerics::squared_distance(own, other));
        }
        const auto end = distances.begin() + nearest;
        std::partial_sort(distances.begin(), end, distances.end());
        means[present[i]] =
            std::accumulate(distances.begin(), end, 0.0) / static_cast<double>(nearest);
      },
      /*count_blocks=*/true);
  progress.done(fmt::format("to the {} nearest", nearest));
  return means;
}

/// [k] P_j K; 0 for empty clusters.
std::vector<double> targets_of(std::span<const double> complexity,
                               std::span<const std::int64_t> sizes, std::int64_t k,
                               double temperature) {
  double highest = -std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < sizes.size(); ++j) {
    if (sizes[j] > 0) highest = std::max(highest, complexity[j]);
  }
  std::vector<double> targets(sizes.size());
  for (std::size_t j = 0; j < sizes.size(); ++j) {
    if (sizes[j] > 0) targets[j] = std::exp((complexity[j] - highest) / temperature);
  }
  const double scale =
      static_cast<double>(k) / std::accumulate(targets.begin(), targets.end(), 0.0);
  for (double& target : targets) target *= scale;
  return targets;
}

/// The lambda with sum_j clamp(target_j + lambda, 1, size_j) = k, over clusters with examples.
double water_level(std::span<const double> targets, std::span<const std::int64_t> sizes,
                   std::int64_t k) {
  struct Bend {
    double lambda;
    std::int64_t rising;  // how many more clusters rise from here on
  };
  std::vector<Bend> bends;
  double sum = 0.0;
  for (std::size_t j = 0; j < sizes.size(); ++j) {
    if (sizes[j] == 0) continue;
    sum += 1.0;
    bends.push_back({1.0 - targets[j], 1});
    bends.push_back({static_cast<double>(sizes[j]) - targets[j], -1});
  }
  std::sort(bends.begin(), bends.end(),
            [](const Bend& a, const Bend& b) { return a.lambda < b.lambda; });
  const auto wanted = static_cast<double>(k);
  double lambda = bends.front().lambda;
  std::int64_t rising = 0;
  for (const Bend& bend : bends) {
    const double rise = static_cast<double>(rising) * (bend.lambda - lambda);
    if (sum + rise >= wanted && rising > 0) {
      return lambda + (wanted - sum) / static_cast<double>(rising);
    }
    sum += rise;
    lambda = bend.lambda;
    rising += bend.rising;
  }
  return lambda;
}

}  // namespace

std::vector<double> cluster_complexity(const Clusters& clusters, const DensityOptions& options,
                                       Progress& progress) {
  options.validate();
  check_clusters(clusters, progress);
  const std::vector<std::int64_t> sizes = cluster_sizes(clusters);
  std::vector<double> complexity =
      distances_apart(clusters, sizes, options.centroid_neighbours, progress);
  std::vector<double> spread(sizes.size());
  for (std::size_t i = 0; i < clusters.assignment.size(); ++i) {
    spread[clusters.assignment[i]] += clusters.distance[i];
  }
  for (std::size_t j = 0; j < sizes.size(); ++j) {
    if (sizes[j] > 0) complexity[j] *= spread[j] / static_cast<double>(sizes[j]);
  }
  return complexity;
}

std::vector<std::int64_t> cluster_budgets(std::span<const double> complexity,
                                          std::span<const std::int64_t> sizes, std::int64_t k,
                                          double temperature) {
  const DensityOptions options{.temperature = temperature};
  options.validate();
  io::require_same_length(static_cast<std::int64_t>(complexity.size()), "complexity",
                          static_cast<std::int64_t>(sizes.size()), "sizes");
  const auto bad = std::find_if_not(complexity.begin(), complexity.end(),
                                    [](double value) { return std::isfinite(value); });
  if (bad != complexity.end()) {
    throw NonFiniteInput(fmt::format("complexity: cluster {} has {}; expected finite values",
                                     bad - complexity.begin(), *bad));
  }
  const std::int64_t total = std::reduce(sizes.begin(), sizes.end());
  const auto present = std::count_if(sizes.begin(), sizes.end(), [](auto s) { return s > 0; });
  if (k < present || k > total) {
    throw InvalidArgument(fmt::format(
        "policy = density: {} examples to keep; expected a value in [{}, {}], since each of {} "
        "clusters keeps one at least; keep more, or take fewer clusters",
        k, present, total, present));
  }
  const std::vector<double> targets = targets_of(complexity, sizes, k, temperature);
  const double lambda = total > 0 ? water_level(targets, sizes, k) : 0.0;
  std::vector<std::int64_t> budgets(sizes.size());
  std::vector<std::pair<double, std::size_t>> remainders;  // negated: the largest first
  std::int64_t left = k;
  for (std::size_t j = 0; j < sizes.size(); ++j) {
    if (sizes[j] == 0) continue;
    const double part = std::clamp(targets[j] + lambda, 1.0, static_cast<double>(sizes[j]));
    budgets[j] = static_cast<std::int64_t>(part);
    left -= budgets[j];
    if (budgets[j] < sizes[j]) remainders.emplace_back(std::floor(part) - part, j);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; left > 0; ++i, --left) ++budgets[remainders[i].second];
  return budgets;
}

Ranking rank_density(const Examples& examples, const SelectOptions& options, std::int64_t k,
                     Progress& progress) {
  const Clusters& clusters = examples.clusters;
  const auto complexity = cluster_complexity(clusters, options.density, progress);
  const std::vector<std::int64_t> sizes = cluster_sizes(clusters);
  const auto budgets = cluster_budgets(complexity, sizes, k, options.density.temperature);
  Ranking ranking;
  ranking.keys = keys_by_share(descending_keys(examples.scores, progress), clusters.assignment,
                               sizes, budgets, progress);
  ranking.details = {
      {"cluster_sizes", sizes}, {"cluster_complexity", complexity}, {"cluster_budgets", budgets}};
  return ranking;
}

}  // namespace winnow::selection
