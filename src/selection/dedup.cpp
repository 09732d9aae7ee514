#include "winnow/selection/dedup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "selection/duplicate_links.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/vectors.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {

namespace {

void check_lengths(MatrixView<const float> rows, std::span<const std::int32_t> assignment,
                   std::span<const double> distance) {
  const auto n = static_cast<std::size_t>(rows.rows());
  if (rows.empty() || assignment.size() != n || distance.size() != n) {
    throw InvalidArgument(
        fmt::format("deduplicate: rows [{}, {}], {} clusters and {} distances of them; expected at "
                    "least one row and as many of each",
                    rows.rows(), rows.cols(), assignment.size(), distance.size()));
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (assignment[i] < 0) {
      throw InvalidArgument(
          fmt::format("row {} is in cluster {}; expected 0 or more", i, assignment[i]));
    }
    if (!std::isfinite(distance[i])) {
      throw NonFiniteInput(fmt::format(
          "row {} is at distance {} from its centroid; expected finite values", i, distance[i]));
    }
  }
}

/// The bound on the errors of products is one for unit rows.
void check_unit_rows(MatrixView<const float> rows, Progress& progress) {
  constexpr std::int64_t block_rows = 4096;
  const std::int64_t n_blocks = (rows.rows() + block_rows - 1) / block_rows;
  parallel_blocks(n_blocks, progress, [&](std::int64_t block) {
    const std::int64_t end = std::min(rows.rows(), (block + 1) * block_rows);
    for (std::int64_t i = block * block_rows; i < end; ++i) {
      const double square = numerics::dot(rows.row(i), rows.row(i));
      if (std::abs(square - 1.0) <= 5e-7) continue;
      throw InvalidArgument(
          fmt::format("row {} has the squared length {}; expected 1; normalise the rows "
                      "(numerics::normalize_rows)",
                      i, square));
    }
  });
}

ClusterOrder order_of(std::span<const std::int32_t> assignment, std::span<const double> distance,
                      Representative representative) {
  ClusterOrder clusters;
  clusters.order.resize(assignment.size());
  std::iota(clusters.order.begin(), clusters.order.end(), std::int64_t{0});
  const double sign = representative == Representative::farthest ? -1.0 : 1.0;
  std::ranges::sort(clusters.order, [&](std::int64_t a, std::int64_t b) {
    const auto cluster_a = assignment[static_cast<std::size_t>(a)];
    const auto cluster_b = assignment[static_cast<std::size_t>(b)];
    if (cluster_a != cluster_b) return cluster_a < cluster_b;
    const double at_a = sign * distance[static_cast<std::size_t>(a)];
    const double at_b = sign * distance[static_cast<std::size_t>(b)];
    return at_a != at_b ? at_a < at_b : a < b;
  });
  for (std::size_t i = 0; i < clusters.order.size(); ++i) {
    const auto cluster = [&](std::size_t at) {
      return assignment[static_cast<std::size_t>(clusters.order[at])];
    };
    if (i == 0 || cluster(i) != cluster(i - 1)) {
      clusters.starts.push_back(static_cast<std::int64_t>(i));
    }
  }
  clusters.starts.push_back(static_cast<std::int64_t>(clusters.order.size()));
  return clusters;
}

/// The epsilon at which nearest to `wanted` links are shorter than it; ties: fewer.
double epsilon_for(const std::vector<Link>& links, std::int64_t wanted) {
  std::vector<double> lengths(links.size());
  std::ranges::transform(links, lengths.begin(), [](const Link& link) { return link.distance; });
  std::ranges::sort(lengths);
  const auto n = static_cast<std::int64_t>(lengths.size());
  const std::int64_t last = std::min(wanted, n) - 1;
  if (last < 0) return 0.0;
  // Either all links as long as the last wanted one are, or none.
  const double length = lengths[static_cast<std::size_t>(last)];
  const auto [first_tie, after_ties] = std::equal_range(lengths.begin(), lengths.end(), length);
  const std::int64_t fewer = first_tie - lengths.begin();
  const std::int64_t more = after_ties - lengths.begin();
  const auto between = [&](std::int64_t shorter) {  // midway, above the shorter ones
    if (shorter == 0) return 0.0;
    const double low = lengths[static_cast<std::size_t>(shorter - 1)];
    if (shorter == n) {
      return std::min(2.0, std::nextafter(low, std::numeric_limits<double>::infinity()));
    }
    const double high = lengths[static_cast<std::size_t>(shorter)];
    const double middle = low + 0.5 * (high - low);
    return middle > low ? middle : high;
  };
  return wanted - fewer <= more - wanted ? between(fewer) : between(more);
}

Links find_links(MatrixView<const float> rows, const ClusterOrder& clusters,
                 const DedupOptions& options, std::int64_t wanted, Progress& progress) {
  const double limit = options.keep ? std::numeric_limits<double>::infinity() : options.epsilon;
  if (limit <= 0.0 || (options.keep && wanted == 0)) return {};
  if (options.grouping == Grouping::ordered) {
    return ordered_links(rows, clusters, limit, progress);
  }
  // One more than wanted, since epsilon lies between it and the last wanted.
  const std::int64_t count = options.keep ? wanted + 1 : std::numeric_limits<std::int64_t>::max();
  return spanning_links(rows, clusters, limit, count, progress);
}

/// A place's nearest by the links; -1: it has none.
struct Match {
  std::int64_t place = -1;
  double distance = std::numeric_limits<double>::infinity();
};

/// [n] matches. Ordered: each place's own link alone; ties go to the first place.
std::vector<Match> matches_of(const std::vector<Link>& links, Grouping grouping, std::int64_t n) {
  std::vector<Match> matches(static_cast<std::size_t>(n));
  const auto offer = [&](std::int64_t to, const Match& offered) {
    Match& match = matches[static_cast<std::size_t>(to)];
    const bool nearer = offered.distance < match.distance;
    const bool tied = offered.distance == match.distance && offered.place < match.place;
    if (nearer || tied) match = offered;
  };
  for (const Link& link : links) {
    offer(link.from, {link.to, link.distance});
    if (grouping == Grouping::transitive) offer(link.to, {link.from, link.distance});
  }
  return matches;
}

/// Everything about groups, from links that are all shorter than epsilon.
Dedup groups_of(MatrixView<const float> rows, const ClusterOrder& clusters,
                const std::vector<Link>& links, Grouping grouping) {
  const auto n = static_cast<std::int64_t>(clusters.order.size());
  const auto id_of = [&](std::int64_t place) {
    return clusters.order[static_cast<std::size_t>(place)];
  };
  PlaceSets sets(n);
  for (const Link& link : links) sets.join(link.from, link.to);
  const auto matches = matches_of(links, grouping, n);
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(n));
  Dedup result;
  for (std::int64_t place = 0; place < n; ++place) {
    const std::int64_t first = sets.first(place);
    const std::int64_t size = ++sizes[static_cast<std::size_t>(first)];
    result.largest_group = std::max(result.largest_group, size);
    if (first == place) {
      result.ids.push_back(id_of(place));
      continue;
    }
    if (size == 2) ++result.groups;
    const std::int64_t match = id_of(matches[static_cast<std::size_t>(place)].place);
    const auto row = rows.row(id_of(place));
    result.dropped.push_back(
        {.id = id_of(place),
         .kept = id_of(first),
         .match = match,
         .similarity = 1.0 - cosine_distance(row, rows.row(match)),
         .similarity_to_kept = 1.0 - cosine_distance(row, rows.row(id_of(first)))});
    if (std::ranges::equal(row, rows.row(match))) ++result.equal_rows;
  }
  std::ranges::sort(result.ids);
  std::ranges::sort(result.dropped, [](const Duplicate& a, const Duplicate& b) {
    return a.kept != b.kept ? a.kept < b.kept : a.id < b.id;
  });
  return result;
}

}  // namespace

void DedupOptions::validate() const {
  validate_fields(*this);
  if (keep) check_range(*keep, keep_info());
}

Dedup deduplicate(MatrixView<const float> rows, std::span<const std::int32_t> assignment,
                  std::span<const double> distance, const DedupOptions& options,
                  Progress& progress) {
  options.validate();
  check_lengths(rows, assignment, distance);
  check_unit_rows(rows, progress);
  const std::int64_t n = rows.rows();
  const std::int64_t wanted =
      options.keep ? n - SelectOptions{.keep = *options.keep}.kept_of(n) : 0;
  const ClusterOrder clusters = order_of(assignment, distance, options.representative);
  Links found = find_links(rows, clusters, options, wanted, progress);
  const double epsilon = options.keep ? epsilon_for(found.links, wanted) : options.epsilon;
  std::erase_if(found.links, [epsilon](const Link& link) { return link.distance >= epsilon; });
  Dedup result = groups_of(rows, clusters, found.links, options.grouping);
  result.epsilon = epsilon;
  result.rounds = found.rounds;
  result.compared_rows = found.compared_rows;
  progress.done(
      fmt::format("{} near-duplicates in {} groups", result.dropped.size(), result.groups));
  return result;
}

}  // namespace winnow::selection
