#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/numerics/rounded_product.hpp"

namespace winnow::cluster {

/// What is known of one row.
struct RowState {
  std::int32_t nearest = -1;  ///< Centroid that no other so far is nearer than; -1: none so far.
  double distance = std::numeric_limits<double>::infinity();  ///< distance_to() it.
  /// At most the distance of every other centroid so far: 1 - cosine, or Euclidean, not squared.
  double others = std::numeric_limits<double>::infinity();
};

/// `distance` in the units of `others`.
double reach_of(double distance, Geometry geometry);

/// What contests counted.
struct Tally {
  std::int64_t compared = 0;  ///< row-centroid products
  std::int64_t rows = 0;      ///< rows that products were to decide, as often as they were
  std::int64_t close = 0;     ///< those of them that were left for distances in double
};

/// How coarse products may be, for all contests over the same data. Only speed depends on it.
class Precision {
 public:
  bool rounded_pays() const { return !too_coarse_.load(std::memory_order_relaxed); }
  void give_up_rounding() { too_coarse_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> too_coarse_{false};
};

/// Centroids that compete to be the nearest ones of rows.
///
/// The nearest is that of the smallest distance_to(), the lowest index on ties. Products with a
/// bound on their rounding errors tell which centroids can be it; those are compared in double.
class Contest {
 public:
  /// Rows of one call of run().
  static constexpr std::int64_t most_rows = 512;

  /// @param centroids  [k, d] all of them; they outlive this.
  /// @param ids        of those that compete, each once.
  Contest(const Matrix<float>& centroids, std::vector<std::int32_t> ids, Geometry geometry,
          Precision& precision);

  std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }

  /// Lets the centroids compete with the nearest of each row so far.
  /// @param rows    [n] where they begin, n <= most_rows; unit rows when spherical
  /// @param states  [n]
  void run(std::span<const float* const> rows, std::span<RowState> states, Tally& tally) const;

 private:
  /// Centroids that are multiplied with at once, so that the products stay in the cache.
  struct Panel {
    std::int64_t first = 0;         ///< position in ids_
    Matrix<float> columns;          ///< [m, d] times the power of two
    std::vector<float> half_norms;  ///< [m] |c|^2 / 2 times it; 0 when spherical
    std::optional<numerics::RoundedProduct> rounded;
  };
  struct Row;
  struct Candidate;
  class Batch;

  void balance();
  void add_panel(std::int64_t first, std::int64_t count);
  double product_error(double length) const;
  double bracket_error(double product, double length) const;
  Row start(const float* x, const RowState& state) const;
  double reach_of_bracket(const Row& row, double bracket) const;
  void compare(const Panel& panel, Batch& batch) const;
  bool decide(const Panel& panel, Batch& batch, bool rounded) const;
  void collect(const Panel& panel, Batch& batch) const;
  void settle(const float* x, const Row& row, std::span<const Candidate> candidates,
              RowState& state, Tally& tally) const;

  const Matrix<float>& centroids_;
  std::vector<std::int32_t> ids_;
  Geometry geometry_;
  Precision& precision_;
  int exponent_ = 0;      ///< of the power of two
  double longest_ = 0.0;  ///< largest |c| times the power of two
  double highest_ = 0.0;  ///< largest of all half_norms
  std::deque<Panel> panels_;
};

}  // namespace winnow::cluster
