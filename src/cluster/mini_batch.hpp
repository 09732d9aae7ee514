#pragma once

#include "cluster/assigner.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::cluster {

/// `count` different rows, all equally likely, in ascending order. Floyd's sample: O(count log
/// count), whatever n.
std::vector<std::int64_t> sample_rows(RandomStream& stream, std::int64_t n, std::int64_t count);

/// Centroids by mini-batches (Sculley 2010): each is the mean of all rows of the batches so far
/// that were nearest to it in their turn. They start from k-means++ on a sample of rows, or from
/// `centroids` where that is not empty. Touches no assignment. Collective.
Matrix<float> mini_batch_centroids(Assigner& assigner, const KMeansOptions& options,
                                   std::uint64_t restart, Matrix<float> centroids);

}  // namespace winnow::cluster
