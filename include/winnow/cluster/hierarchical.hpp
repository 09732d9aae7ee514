#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow {
namespace cluster {

/// Which rows of a finest cluster balanced_sample() takes.
enum class LeafOrder { random, nearest, farthest };

}  // namespace cluster

template <>
struct EnumNames<cluster::LeafOrder> {
  static constexpr EnumName<cluster::LeafOrder> values[] = {
      {cluster::LeafOrder::random, "random"},
      {cluster::LeafOrder::nearest, "nearest"},
      {cluster::LeafOrder::farthest, "farthest"}};
};

namespace cluster {

/// How hierarchical_kmeans() runs. Set fields by name; checked on entry.
struct HierarchyOptions {
  std::vector<std::int64_t> clusters{};  ///< Of each level, from the finest up; never increasing.
  std::int64_t resampling_steps = 10;    ///< Of every level but the finest.
  std::int64_t finest_resampling_steps = 0;
  std::int64_t points_per_cluster = 0;  ///< Kept by a resampling step; 0: half the mean size.
  KMeansOptions kmeans{};               ///< Of every clustering; n_clusters is not looked at.

  /// Without `clusters` and the fields of `kmeans`.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.resampling_steps,
          FieldInfo{.name = "resampling-steps",
                    .help = "Times that a level is clustered again, from equally many points of "
                            "each of its clusters; not the finest level.",
                    .min = 0});
    visit(self.finest_resampling_steps, FieldInfo{.name = "finest-resampling-steps",
                                                  .help = "The same of the finest level.",
                                                  .min = 0});
    visit(self.points_per_cluster,
          FieldInfo{.name = "points-per-cluster",
                    .help = "Points nearest to each centroid that a level is clustered again from; "
                            "0: half the mean size of its clusters.",
                    .min = 0});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken; no levels, a level
  ///         of more clusters than the one below.
  void validate() const;
};

/// Levels of clusters, from the finest up: each clusters the centroids of the one below, the finest
/// the rows.
struct Hierarchy {
  std::vector<KMeansResult> levels;
};

/// Hierarchical k-means with resampling: clusters that spread evenly over where there are data, not
/// over how many data there are.
///
///     level t:  I = rows, or the centroids of level t - 1
///               C = kmeans(I, k_t)
///               as often as resampling steps say:
///                 R = of each cluster of I, the r points nearest to its centroid (ties: lowest)
///                 C = kmeans(R, k_t)
///               assign I to the nearest of C
///
/// Clusters of dense regions are many and small; what counts equally much from each of them is
/// spread more evenly, and every level and step flattens more. A level stops being resampled where
/// R has fewer points than the level has clusters, as empty clusters may bring about. Without
/// resampling the finest level is kmeans() of these rows and options, bit for bit.
///
/// @param rows  [n, d] finite; unit rows when spherical.
/// @throws InvalidArgument  bad options; more clusters than rows.
///
/// Same bits for any number of threads and any instruction set. Cost: that of kmeans() for the
/// finest level, which the others are small beside; a resampling step is a k-means of k_t r points
/// and an assignment. O(n + k d) memory, and k r d for resampling.
///
/// Vo et al., "Automatic data curation for self-supervised learning: a clustering-based approach",
/// TMLR 2024, arXiv:2405.15613, sections 3.2 and 3.3.
Hierarchy hierarchical_kmeans(MatrixView<const float> rows, const HierarchyOptions& options,
                              Progress& progress = silent());

/// Divides K places as evenly as sizes allow: the x with sum K and 0 <= x_j <= s_j that minimises
/// sum x_j^2.
///
///     x_j = min(cap, s_j), one more for as many of those with s_j > cap as are left to give
///
/// So two entries that are below their sizes differ by at most 1. The larger get the one more,
/// among equals those of lower index.
///
/// @param sizes  [k], >= 0.
/// @throws InvalidArgument  a negative size; K < 0 or above the sum of sizes.
/// O(k log k).
std::vector<std::int64_t> divide_evenly(std::span<const std::int64_t> sizes, std::int64_t places);

/// Levels of a hierarchy as balanced_sample() needs them, from the finest up.
struct HierarchyView {
  std::vector<std::span<const std::int32_t>> assignments;  ///< of rows, then of clusters below
  std::vector<std::int64_t> clusters;                      ///< of each level
  std::span<const double> distance;  ///< [n] of the rows to their centroids; of nearest, farthest
};
HierarchyView view_of(const Hierarchy& hierarchy);

/// Rows, evenly from all over a hierarchy, and how many of each cluster.
struct BalancedSample {
  std::vector<std::int64_t> ids;                   ///< [K], strictly increasing
  std::vector<std::vector<std::int64_t>> budgets;  ///< [levels][clusters], from the finest up
};

/// Hierarchical sampling: the K places are divided evenly over the clusters of the top level, those
/// of each cluster evenly over its clusters below (divide_evenly(), sizes in rows), down to the
/// rows, of which each finest cluster gives some at random, or those nearest to or farthest from
/// its centroid (ties: lowest id).
///
/// The paper looks for the one cap whose sum min(cap, s_j) comes nearest to K; here the sum is K.
///
/// @param count  K, in [0, n].
/// @param seed   Of random leaves: stream ("balanced-sample", cluster).
/// @throws InvalidArgument  K out of range; levels that do not fit together, naming the entry; no
///                          distances for nearest or farthest.
/// O(n log n), no threads.
///
/// Vo et al. 2024, section 3.4.
BalancedSample balanced_sample(const HierarchyView& hierarchy, std::int64_t count,
                               LeafOrder order = LeafOrder::random, Seed seed = {});

}  // namespace cluster
}  // namespace winnow
