#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/comm/communicator.hpp"
#include "winnow/core/matrix.hpp"

namespace winnow::cluster {

/// Sizes of rows' largest entries: the largest and the smallest that is not zero.
struct Magnitudes {
  float largest = 0.0F;
  float smallest = 0.0F;  ///< 0 when all rows are zero
};

/// Sums of the rows of every cluster, as whole numbers: exact, so that rows may come and go in any
/// order, from any thread and on any rank.
///
/// An entry is rounded to a multiple of 2^-s, 2^s as large as n entries of the largest size allow
/// in 64 bits. Where that is too coarse for rows that are much smaller (2^-26 of a row's largest
/// entry), what rounding left goes to a second sum of finer multiples, and so on.
class CentroidSums {
 public:
  /// @param n  rows of all ranks together
  CentroidSums(std::int64_t k, std::int64_t d, std::int64_t n, const Magnitudes& magnitudes);

  /// A row joins or leaves cluster j. Any thread at any time.
  void add(std::span<const float> row, std::int32_t j) { change(row, j, 1); }
  void subtract(std::span<const float> row, std::int32_t j) { change(row, j, -1); }

  /// Adds up the ranks. Call it after changes, before what follows.
  void combine(comm::Communicator& communicator);
  std::span<const std::int64_t> sizes() const { return sizes_; }  ///< [k] rows, as of combine()
  /// Centroids become the means of their rows, unit ones when spherical; those without rows, or
  /// whose unit rows cancel out, stay where they are.
  void update(Matrix<float>& centroids, Geometry geometry) const;
  /// Bytes that one rank sends in combine().
  std::int64_t message_bytes() const;

 private:
  /// Sums [k, levels * d] followed by [k] sizes; threads that share a copy take turns by cluster.
  struct Copy {
    std::vector<std::int64_t> values;
    std::vector<std::mutex> locks;
  };

  void change(std::span<const float> row, std::int32_t j, int sign);

  std::int64_t k_;
  std::int64_t d_;
  std::int64_t bits_ = 0;        ///< of a level
  std::vector<double> factors_;  ///< [levels] powers of two
  std::deque<Copy> copies_;      ///< of this rank; their sum is what its rows add up to
  std::vector<std::int64_t> total_;
  std::vector<std::int64_t> sizes_;
};

}  // namespace winnow::cluster
