#pragma once

#include <span>

#include "winnow/theory/pruning.hpp"

// Legend: z > 0 the margin under the teacher, w(z) the share kept, t of N(0, 1), u = A z + zeta t,
//   lambda(u) = phi(u) / Phi(u), lambda' = -lambda (lambda + u).

namespace winnow::theory {

/// Averages over the version space, each int_0^inf phi(z) w(z) dz E ... ; relative accuracy 1e-14.
struct VersionSpace {
  double alignment = 0.0;   ///< z lambda(u)
  double overlap = 0.0;     ///< lambda(u) (lambda(u) + u)
  double square = 0.0;      ///< lambda(u)^2 = (1 + zeta^2) overlap - A alignment
  double log_volume = 0.0;  ///< log Phi(u), negative.
};

/// All are integrals over u alone, since z given u is Gaussian, cut to the bands.
/// @param bands  Of z, low >= 0.
/// @param A      > 0
/// @param zeta   > 0
VersionSpace version_space(std::span<const Band> bands, double A, double zeta);

/// E lambda(mean + zeta t)
double mean_inverse_mills(double mean, double zeta);

}  // namespace winnow::theory
