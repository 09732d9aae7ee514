#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "cluster/centroid_sums.hpp"
#include "cluster/contest.hpp"
#include "winnow/cluster/rows.hpp"
#include "winnow/comm/communicator.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::cluster {

/// Finds and keeps the nearest centroid of every row of this rank. Collectives are marked so: every
/// rank calls them.
class Assigner {
 public:
  Assigner(const Rows& rows, Geometry geometry, comm::Communicator& communicator,
           Progress& progress);

  /// Lets centroids compete with those so far, on every row. Progress does not advance.
  void challenge(const Matrix<float>& centroids, std::vector<std::int32_t> ids);
  /// After centroids moved: the nearest again, skipping comparisons that cannot change it.
  /// Progress advances by rows.
  /// @param drifts  [k] at least how far each centroid moved, Euclidean
  /// @param sums    follow the rows that change their cluster
  void reassign(const Matrix<float>& centroids, std::span<const double> drifts, CentroidSums& sums);
  /// Adds every row to its cluster.
  void fill(CentroidSums& sums);
  /// As reassign() when no centroid moved.
  void skip(std::int64_t k);
  /// Nothing more is known of other centroids than that none is nearer.
  void forget_others();

  /// Mean distance over all ranks' rows, added in the rows' order by chunks. Collective.
  double mean_distance();
  /// Sums over the chunks of all ranks of what `weight` makes of a distance. Collective.
  std::vector<double> chunk_sums(const std::function<double(double)>& weight);
  /// Rows by number, whoever holds them. Collective.
  Matrix<float> fetch(std::span<const std::int64_t> ids);
  /// Sizes of all ranks' rows, as of the first challenge(). Collective.
  Magnitudes magnitudes();
  /// Rows of all ranks that changed their cluster in the last reassign(). Collective.
  std::int64_t changed();
  /// The `count` rows of all ranks that are farthest from their centroids, the lowest number first
  /// on ties. Collective.
  struct Farthest {
    std::vector<std::int64_t> rows;
    std::vector<double> distances;
  };
  Farthest farthest(std::int64_t count);

  const Part& part() const { return part_; }
  std::int64_t n() const { return rows_.rows(); }
  std::int64_t cols() const { return rows_.cols(); }
  Geometry geometry() const { return geometry_; }
  comm::Communicator& communicator() { return communicator_; }
  Progress& progress() { return progress_; }
  std::vector<std::int32_t>& nearest() { return nearest_; }
  std::vector<double>& distance() { return distance_; }
  double distance_of(std::int64_t row) const {
    return distance_[static_cast<std::size_t>(row - part_.begin)];
  }
  const Tally& tally() const { return tally_; }
  /// Row-centroid pairs that assignments without bounds would have compared.
  std::int64_t comparable() const { return comparable_; }

 private:
  /// Centroids that moved farthest, and how far those beyond them did at most.
  struct Tier {
    const Contest* contest = nullptr;
    double drift_beyond = 0.0;
  };
  struct ChunkCounts {
    Tally tally;
    std::int64_t changed = 0;
    Magnitudes magnitudes;
  };

  template <class Work>
  void for_chunks(const Work& work);
  void run(const Contest& contest, MatrixView<const float> rows, std::int64_t first,
           std::span<const std::int32_t> chosen, ChunkCounts& counts);
  void reassign_chunk(MatrixView<const float> rows, std::int64_t first,
                      const Matrix<float>& centroids, std::span<const double> drifts,
                      std::span<const Tier> tiers, CentroidSums& sums, ChunkCounts& counts);
  ChunkCounts add_up(std::span<const ChunkCounts> counts);

  const Rows& rows_;
  Geometry geometry_;
  comm::Communicator& communicator_;
  Progress& progress_;
  Part part_;
  std::vector<std::int32_t> nearest_;  ///< [rows of this rank], as the next two
  std::vector<double> distance_;
  std::vector<float> others_;  ///< RowState::others, rounded down
  Precision precision_;
  Magnitudes magnitudes_;
  Tally tally_;
  std::int64_t changed_ = 0;
  std::int64_t comparable_ = 0;
};

}  // namespace winnow::cluster
