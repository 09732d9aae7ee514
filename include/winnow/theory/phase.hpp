#pragma once

#include <span>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/theory/solve.hpp"

namespace winnow::theory {

/// Test errors of the three policies on one dataset, and the best of them.
struct PhasePoint {
  double alpha_tot = 0.0;
  double keep = 0.0;
  double hard = 0.0;  ///< epsilon of keep-hard; and so on
  double easy = 0.0;
  double random = 0.0;
  Policy best = Policy::random;
  bool converged = false;  ///< All three.
};

/// Who wins over (alpha_tot, f), [keeps * alphas] with alphas running fastest (figure 1B).
///
/// @param margin       What the probe ranks by.
/// @param probe_angle  Degrees, [0, 90].
/// @param alphas       alpha_tot > 0, so that f alpha_tot lies in [1e-4, 1e7].
/// @param keeps        f in (0, 1].
/// @throws InvalidArgument  a value out of range.
///
/// Parallel over fractions, same bits for any thread count. Three solutions a point.
std::vector<PhasePoint> phase(Margin margin, double probe_angle, std::span<const double> alphas,
                              std::span<const double> keeps, Progress& progress = silent());

/// alpha_tot at which two policies have the same error at keep fraction f, ascending; below the
/// first crossing `easy` beats `hard` where it has data to win by.
///
/// Looks from alpha_prune = 0.01 to alpha_tot = 1e5 at 80 points a factor apart, then finds each
/// crossing to 1e-10 relative; two crossings between neighbours are missed.
std::vector<double> crossings(Policy a, Policy b, Margin margin, double probe_angle, double keep);

}  // namespace winnow::theory
