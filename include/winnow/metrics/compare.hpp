#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::metrics {

/// Spearman's rank correlation: Pearson's of the ranks, tied values sharing the mean of their
/// ranks.
///
///     rho = sum_i (r_i - m)(q_i - m) / sqrt(sum_i (r_i - m)^2 sum_i (q_i - m)^2),  m = (n + 1) / 2
///
/// In [-1, 1]; NaN, undefined, when all values of x or of y are equal. Sums are exact integers, so
/// that the only rounding is that of the last formula. As scipy.stats.spearmanr.
///
/// @param x, y  [n], finite, 1 <= n < 2^31.
/// @throws InvalidArgument  other sizes; NonFiniteInput naming the row.
///
/// O(n log n) time, O(n) memory.
double spearman(std::span<const double> x, std::span<const double> y);

/// Kendall's tau-b: concordant less discordant pairs over those untied.
///
///     tau = (C - D) / sqrt((N - T_x)(N - T_y)),  N = n (n - 1) / 2, T: pairs tied in x, or in y
///
/// In [-1, 1]; NaN when all values of x or of y are equal. Pairs are counted exactly, so that the
/// only rounding is that of the formula. As scipy.stats.kendalltau. Parameters, throws and cost as
/// spearman().
///
/// Kendall, "The treatment of ties in ranking problems", Biometrika 33(3), 1945.
/// Knight, "A computer method for calculating Kendall's tau with ungrouped data", JASA 61, 1966:
/// discordant pairs are the inversions of y in the order of x. They are counted here by splitting
/// on one bit of the rank after the other.
double kendall(std::span<const double> x, std::span<const double> y);

/// How the classes fare among the K examples kept.
struct ClassBalance {
  std::vector<std::int64_t> kept;  ///< [n_classes]
  /// -sum p ln p over ln C, p the classes' shares of what is kept, C the classes that have examples
  /// at all; in [0, 1], 1 when C is 1.
  double entropy = 0.0;
};

/// What compare() found about s scores, F keep counts and C classes.
struct Comparison {
  Matrix<double> spearman;  ///< [s, s], symmetric; NaN where undefined, diagonal included
  Matrix<double> kendall;   ///< same
  /// F matrices [s, s]: |A and B| / |A or B| of the K hardest examples by either score.
  std::vector<Matrix<double>> overlap;
  std::vector<std::int64_t> class_sizes;           ///< [n_classes]; empty without labels
  double entropy = 0.0;                            ///< of all data, as ClassBalance's
  std::vector<std::vector<ClassBalance>> hardest;  ///< [s][F]; empty without labels
  std::vector<std::vector<ClassBalance>> easiest;  ///< same, keeping the easiest
};

/// Compares scores of the same examples with each other: rank correlations, overlap of what they
/// keep, and what that does to the classes.
///
/// Of equal scores the lower sample id counts as harder where the hardest are kept, and as easier
/// where the easiest are, as in selection::select() without class balance. Where many scores tie at
/// the cut, overlap and balance therefore also tell of the order of the data.
///
/// @param scores     s of [n], larger is harder, finite; s >= 1, 1 <= n < 2^31.
/// @param kept       [F] examples kept, ascending, in [1, n]; fewer than 65535.
/// @param labels     [n] in [0, n_classes), or empty.
/// @throws InvalidArgument  sizes, counts or labels out of range; NonFiniteInput naming score and
///         row; Interrupted.
///
/// Same bits for any number of threads. O(s n log n + s^2 n log n) time, O(s n) memory: about 30
/// bytes an example and score.
Comparison compare(std::span<const std::span<const double>> scores,
                   std::span<const std::int64_t> kept, std::span<const std::int32_t> labels,
                   std::int64_t n_classes, Progress& progress = silent());

}  // namespace winnow::metrics
