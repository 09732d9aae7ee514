#pragma once

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::cluster {

/// k-means++ (Arthur and Vassilvitskii 2007): each next centroid is a row drawn with probability
/// proportional to its squared distance to the nearest one so far. When fewer than k rows are
/// distinct, the surplus centroids repeat the first one.
/// Same bits for any number of threads. O(n k d).
Matrix<float> seed_plus_plus(MatrixView<const float> points, std::int64_t n_clusters, Seed seed,
                             Progress& progress);

}  // namespace winnow::cluster
