#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::selection {

/// Two rows of one cluster by their places in `order`.
struct Link {
  std::int64_t from = 0;
  std::int64_t to = 0;
  double distance = 0.0;
};

/// Rows in the order in which they come first in their clusters.
struct ClusterOrder {
  std::vector<std::int64_t> order;   ///< [n] ids, cluster after cluster
  std::vector<std::int64_t> starts;  ///< [k + 1] places where clusters begin, and n
};

/// What was found, and at what cost.
struct Links {
  std::vector<Link> links;
  std::int64_t rounds = 0;
  std::int64_t compared_rows = 0;
};

/// 1 - x . y of unit rows: 0 where they are equal, else in [2^-53, 2], whatever rounding makes of
/// it.
double cosine_distance(std::span<const float> x, std::span<const float> y);

/// Disjoint sets of places; the first place of each stands for it.
class PlaceSets {
 public:
  explicit PlaceSets(std::int64_t n);
  std::int64_t first(std::int64_t place);
  /// Whether they were apart.
  bool join(std::int64_t a, std::int64_t b);

 private:
  std::vector<std::int64_t> parents_;
};

/// From every place to the nearest of those before it in its cluster, the first of these on ties,
/// where it is nearer than `limit`; by ascending `from`.
Links ordered_links(MatrixView<const float> rows, const ClusterOrder& clusters, double limit,
                    Progress& progress);

/// A minimum spanning forest of each cluster, of pairs nearer than `limit`: for every epsilon up to
/// it, its links with distance < epsilon have the connected components of all such pairs.
/// @param count  Only the `count` shortest links of all clusters matter (and all that tie with the
///               last of them); others may lack.
Links spanning_links(MatrixView<const float> rows, const ClusterOrder& clusters, double limit,
                     std::int64_t count, Progress& progress);

}  // namespace winnow::selection
