#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::metrics {

/// Scores and the clustering they come from.
struct PrototypeScores {
  std::vector<double> scores;    ///< [n]; larger is harder.
  cluster::KMeansResult kmeans;  ///< `distance` refers to the centroids in it.
};

/// Self-supervised prototypes: difficulty is the distance to the nearest k-means centroid.
///
///     score_i = min_j (1 - cos(x_i, c_j))     spherical, in [0, 2]
///     score_i = min_j |x_i - c_j|             euclidean, input units
///
/// @param embeddings  [n, d], finite; rows of norm 0 only when euclidean.
/// @param options     of the k-means; all rows take part.
/// @param centroids   [k, d] to use as they are instead of running k-means; their lengths do not
///                    matter when spherical.
/// @throws InvalidArgument  see kmeans() and normalize_rows().
/// Same bits for any number of threads. Cost as kmeans(), and a copy of the rows when spherical.
///
/// Sorscher et al., "Beyond neural scaling laws", NeurIPS 2022, arXiv:2206.14486, section 5.
PrototypeScores self_prototypes(MatrixView<const float> embeddings,
                                const cluster::KMeansOptions& options,
                                Progress& progress = silent(),
                                std::optional<MatrixView<const float>> centroids = std::nullopt);

/// The same of rows wherever they lie, on one rank or several, whose parts `scores` then are.
///
/// @param rows       [n, d]; unit rows when spherical, see cluster::UnitRows.
/// @param centroids  as above; without update, so that `run` gives communicator and progress only.
PrototypeScores self_prototypes(const cluster::Rows& rows, const cluster::KMeansOptions& options,
                                const cluster::KMeansRun& run,
                                std::optional<MatrixView<const float>> centroids = std::nullopt);

/// Supervised prototypes: difficulty is the distance to the mean of the own class.
///
///     score_i = 1 - cos(x_i, m_y)   m_c = mean of x / |x| over class c      spherical, in [0, 2]
///     score_i = |x_i - m_y|         m_c = mean of x over class c            euclidean
///
/// A class whose directions cancel out has no mean direction; its examples score 1.
///
/// @param embeddings  [n, d], finite; rows of norm 0 only when euclidean.
/// @param labels      [n] class indices >= 0.
/// @throws InvalidArgument  empty input, labels of another length or negative.
/// Same bits for any number of threads. O(n d).
///
/// Sorscher et al. 2022, appendix.
std::vector<double> supervised_prototypes(MatrixView<const float> embeddings,
                                          std::span<const std::int32_t> labels, Geometry geometry);

/// [n] uniform numbers in [0, 1) of stream (seed, "random-metric"): the metric that knows nothing.
std::vector<double> random_scores(std::int64_t n, Seed seed);

}  // namespace winnow::metrics
