#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::selection {

/// How the density policy goes. Set fields by name; checked by select().
struct DensityOptions {
  double temperature = 0.1;               ///< tau of the softmax; > 0, in units of complexity.
  std::int64_t centroid_neighbours = 20;  ///< l, nearest other centroids that d_inter averages.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.temperature,
          FieldInfo{.name = "temperature",
                    .help = "Of the softmax that shares the places over clusters by complexity; "
                            "large shares equally.",
                    .min = 0.0,
                    .min_open = true});
    visit(self.centroid_neighbours,
          FieldInfo{.name = "centroid-neighbours",
                    .help = "Nearest other centroids whose mean distance says how far off a "
                            "cluster lies.",
                    .min = 1});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

/// A clustering of n examples as cluster::kmeans() gives it.
struct Clusters {
  MatrixView<const float> centroids{};         ///< [k, d], finite; unit rows when spherical
  std::span<const std::int32_t> assignment{};  ///< [n], in [0, k)
  std::span<const double> distance{};          ///< [n] to the own centroid, in its geometry
  Geometry geometry = Geometry::spherical;
};

/// How much there is to a cluster: its own spread times its distance to others.
///
///     d_intra_j    = mean of distance_i over the examples of j
///     d_inter_j    = mean distance of centroid j to its l nearest others
///     complexity_j = d_intra_j d_inter_j
///
/// Distances are 1 - cosine when spherical, as in the paper, in [0, 2]; squared Euclidean
/// otherwise. Empty clusters have complexity 0 and are nobody's neighbour. With l or fewer others
/// d_inter is over all of them, without others 0.
///
/// @return  [k], >= 0 up to rounding.
/// @throws InvalidArgument  no clusters, or an assignment out of range, naming its row.
/// @throws DatasetMismatch  assignment and distance of different lengths.
/// @throws NonFiniteInput   in centroids or distances, naming the first row.
///
/// Same bits for any number of threads and any instruction set. O(k^2 d + n).
///
/// Abbas et al., "Effective pruning of web-scale datasets based on complexity of concept clusters",
/// ICLR 2024, arXiv:2401.04578, section 3.
std::vector<double> cluster_complexity(const Clusters& clusters, const DensityOptions& options = {},
                                       Progress& progress = silent());

/// What each cluster keeps of K places in all: the whole numbers x that
///
///     minimise  sum_j (x_j - P_j K)^2
///     subject to  sum_j x_j = K,  1 <= x_j <= M_j
///     P_j = exp(complexity_j / tau) / sum_i exp(complexity_i / tau)
///
/// The real solution is a projection, x_j = clamp(P_j K + lambda, 1, M_j), whose one lambda is
/// found exactly among the 2k places where a bound begins or ends to hold. Its whole parts, and one
/// more for the largest remainders (ties: lowest cluster), are the best whole numbers: the cost is
/// convex and the same for all clusters. Empty clusters get nothing and take no part.
///
/// @param complexity   [k], finite.
/// @param sizes        [k] examples M_j of each cluster.
/// @param temperature  tau > 0.
/// @throws InvalidArgument  tau out of range, K below the number of clusters that have examples, or
///                          above the number of examples.
/// @throws DatasetMismatch  lengths that differ.
/// @throws NonFiniteInput   in complexity, naming the first cluster.
///
/// O(k log k). Abbas et al. 2024 as above.
std::vector<std::int64_t> cluster_budgets(std::span<const double> complexity,
                                          std::span<const std::int64_t> sizes, std::int64_t k,
                                          double temperature);

}  // namespace winnow::selection
