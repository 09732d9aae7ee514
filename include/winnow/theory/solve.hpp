#pragma once

#include <cstdint>

#include "winnow/theory/pruning.hpp"

namespace winnow::theory {

/// A point of the theory with its own error bound.
///
/// R, rho and kappa are cosines and a margin per |J|: dimensionless. The bounds cover the rounding
/// of the equations' residuals, 1e-14 of their largest term (more by 1e-15 x with an imperfect
/// probe), carried through their Jacobian.
struct Solution {
  double alpha_tot = 0.0;    ///< Examples per parameter before pruning.
  double alpha_prune = 0.0;  ///< Examples per parameter kept, f alpha_tot.
  double keep = 1.0;         ///< f
  double R = 0.0;            ///< Cosine between student and teacher, [0, 1].
  double rho = 0.0;          ///< Cosine between student and probe, [-1, 1].
  double kappa = 0.0;        ///< Margin min_mu y J.x / |J|, x of N(0, I); > 0.
  double epsilon = 0.5;    ///< Test error arccos(R) / pi, [0, 0.5]; exact also where R rounds to 1.
  double m_teacher = 0.0;  ///< J along the teacher, in units of its part outside the plane.
  double m_probe = 0.0;  ///< J along e_r, the same unit; the probe is T cos theta - e_r sin theta.
  double x = 0.0;        ///< kappa in the same unit, > 0.

  struct Errors {
    double R = 0.0, rho = 0.0, kappa = 0.0, epsilon = 0.0;
  };
  Errors error_bound;  ///< Absolute.

  bool converged = false;
  std::int64_t nodes = 0;       ///< Of quadrature, in all: the cost.
  std::int32_t iterations = 0;  ///< Newton steps in all.
  double residual = 0.0;        ///< Largest of the saddle point equations, relative to its terms.
  double identity_error = 0.0;  ///< |alpha (kappa <s Psi1> + <Phi>) - 1|, 0 in exact arithmetic.
};

/// Max-margin student of pruned teacher-student perceptron learning, in the limit of many
/// parameters at alpha = examples / parameters (replica symmetric, exact since the problem is
/// convex):
///
///     maximise kappa over unit J:  y_mu J.x_mu >= kappa for every example that pruning kept
///
/// @param pruning      What stays, and the probe's angle theta.
/// @param alpha_prune  Examples kept per parameter, [1e-4, 1e7].
/// @param guess        A solution near by to start from, e.g. of the last alpha; null: none.
/// @throws InvalidArgument  alpha_prune out of range or NaN.
///
/// Not converging is in the result. Deterministic; thread-safe. Cost: about 20 microseconds at
/// theta = 0, a few milliseconds above.
///
/// Sorscher et al., "Beyond neural scaling laws", NeurIPS 2022, appendix A; docs/theory.md derives
/// the equations.
Solution solve(const Pruning& pruning, double alpha_prune, const Solution* guess = nullptr);

}  // namespace winnow::theory
