#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::train {

/// z = (x - mean) * inverse_scale, fitted on the rows `ids` only: columns of z have mean 0 and, on
/// average over the columns, variance 1.
struct Standardiser {
  std::vector<float> mean;        ///< [d]
  float inverse_scale = 1.0F;     ///< 1 / root of the mean variance; 1 when all rows are equal
  double largest_variance = 1.0;  ///< Of z, along any direction; in [1, d]

  /// Standardised rows `ids`, written to the first ids.size() rows of `out`.
  MatrixView<const float> gather(MatrixView<const float> rows, std::span<const std::int64_t> ids,
                                 MatrixView<float> out) const;
};

/// The largest deviation comes from a few power iterations, so it may be low by some percent,
/// always by the same amount for the same rows and seed. Rows that are all equal get scale 1.
Standardiser fit_standardiser(MatrixView<const float> rows, std::span<const std::int64_t> ids,
                              Seed seed);

}  // namespace winnow::train
