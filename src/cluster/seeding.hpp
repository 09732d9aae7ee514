#pragma once

#include "cluster/assigner.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::cluster {

/// k-means++ (Arthur and Vassilvitskii 2007): each next centroid is a row drawn with probability
/// proportional to its squared distance to the nearest one so far. When fewer than k rows are
/// distinct, the surplus centroids repeat the first one.
///
/// Drawn in batches by rejection: a row proposed in proportion to its distance before the batch is
/// taken with probability (distance now) / (distance then), which leaves the distribution as it is.
/// A batch then costs one multiplication with all its centroids, as an iteration of k-means does.
///
/// Leaves the nearest of the k centroids of every row in `assigner`. Collective; same bits for any
/// number of threads and ranks and any instruction set. O(n k d).
Matrix<float> seed_plus_plus(Assigner& assigner, std::int64_t k, Seed seed, std::uint64_t restart);

/// k different rows, all equally likely. Leaves the nearest as above.
Matrix<float> seed_at_random(Assigner& assigner, std::int64_t k, Seed seed, std::uint64_t restart);

}  // namespace winnow::cluster
