#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::embedding {

/// PCA with whitening: y = directions (x - mean).
struct Projection {
  std::vector<float> mean;   ///< [c]
  Matrix<float> directions;  ///< [d, c], eigenvectors over the root of their eigenvalues.

  /// @param rows  [n, c]; centred when this returns.
  /// @param out   [n, d]. Same bits for any number of threads.
  void apply(MatrixView<float> rows, MatrixView<float> out) const;
  /// [n, d]
  Matrix<float> of(MatrixView<const float> rows) const;
};

/// The d directions of most variance, each scaled by 1 / sqrt(its variance + floor x their mean).
/// Whitening in full (floor 0) would give the faintest, mostly noise, the weight of signal.
///
/// @param rows        [n, c], n >= 1.
/// @param dimensions  1 <= d <= c.
/// O(n c^2 + c^3) time.
Projection fit_projection(MatrixView<const float> rows, std::int64_t dimensions, double floor,
                          Progress& progress);

}  // namespace winnow::embedding
