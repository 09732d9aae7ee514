#pragma once

#include <optional>

#include "winnow/theory/pruning.hpp"

namespace winnow::theory {

/// Limits of pruned perceptron learning, a = alpha_prune, all computed from their equations to
/// 1e-14. epsilon is the test error.
struct AsymptoticConstants {
  /// @name Nothing pruned, a -> inf: epsilon a, and kappa a of the max-margin student.
  ///@{
  double max_margin_error = 0.0;  ///< c0 = 0.5005
  double max_margin = 0.0;        ///< 1.0045
  double max_margin_x = 0.0;      ///< x = kappa / s of that state, s the norm off the teacher.
  double gibbs_error = 0.0;       ///< 0.6247
  double bayes_error = 0.0;       ///< 0.4417
  ///@}

  /// Theta = 0, hard, f -> 0: below it nothing is learned, beyond it everything.
  double critical_alpha = 2.0;
  /// epsilon / g^(1/3) there, 0.1499; |z| < g is kept.
  double critical_error = 0.0;
  /// Theta = 0: hard and easy tie at a_tot (1 - f) = 2.005 as f -> 1 (at a_tot f = 2 as f -> 0).
  double hard_easy_tie = 0.0;

  /// @name Theta > 0, hard, absolute margins, a -> inf.
  ///@{
  double best_threshold = 0.0;     ///< g a^(1/3) / sin theta of the least error, 1.794
  double best_correction = 0.0;    ///< 0.805, see best_threshold()
  double least_threshold = 0.0;    ///< g a^(1/2) / (sin theta sqrt(cos theta)) of twice it, 1.167
  double instability = 0.0;        ///< a g cot theta where learning past the probe begins, 3.202
  double instability_width = 0.0;  ///< Half the spread of y over the kept margins there, 1.275
  ///@}
};

/// Computed at the first call, in a millisecond; thread-safe.
const AsymptoticConstants& asymptotic_constants();

/// lim epsilon alpha_prune at fixed pruning for alpha_prune -> inf, max-margin student. None where
/// the error decays more slowly than 1 / alpha: of examples on the teacher's boundary, pruning
/// keeps only those on one side of the probe's (hard_signed with f < theta / pi, easy_signed
/// beyond it). Infinite where the kept share of the boundary is below the smallest double.
///
///     theta = 0:  c0 f exp(g^2 / 2) / w,  g the smallest kept margin, w its weight
///     theta > 0:  sqrt(1 + m^2) f / (sqrt(2 pi) b <Psi1(x - m r)>),  b = E w(-r sin theta),
///                 <r Psi2(x - m r)> = 0,  <Psi3> = <Psi1>,  averages over the boundary's kept r
///                 (c0 f / b for absolute margins: m = 0)
///
/// Psi_n(y) = E (y - xi)_+^n, a third of it for n = 3. Relative accuracy 1e-10. Cost: a
/// millisecond, up to 0.1 s for signed margins.
std::optional<double> error_amplitude(const Pruning& pruning);

/// epsilon alpha_tot of hard pruning at theta = 0 as f -> 0 at fixed alpha_prune beyond 2, the
/// max-margin student's: with Lambda = m g,
///
///     G(a) = a / (sqrt(2 pi) Lambda),   a <Psi2(y)> = 1,   <y Psi1(y)> = 0,
///     averages over y uniform on (x - Lambda, x)
///
/// G -> c0, what keeping everything gives, and within 1% of it from a = 4 on.
///
/// @param alpha_prune  (2, 1e7].
/// @throws InvalidArgument  out of range or NaN.
double frontier_scaling(double alpha_prune);

/// epsilon of hard pruning at theta = 0 near alpha_prune = 2 and f = 0, from the Landau expansion
/// Lambda^3 / 24 + Lambda (2 - a) / 4 = phi(0) g^2, epsilon = arccot(Lambda / g) / pi.
/// Leading order in g and |2 - a|^(1/2).
///
/// @param alpha_prune  (0, 1e7].
/// @param keep         f in (0, 1).
double transition_error(double alpha_prune, double keep);

/// A choice of hard pruning and what it gives.
struct BestPruning {
  double threshold = 0.0;  ///< g, |z| < g is kept.
  double keep = 1.0;       ///< f
  double epsilon = 0.5;
};

/// Least error over f at theta = 0 just below alpha_prune = 2, leading order in 2 - a:
///
///     epsilon = (pi (2 - a) / 12)^(1/4) / pi,   f = (12 / pi) (pi (2 - a) / 12)^(3/4)
///
/// @param alpha_prune  (0, 2).
BestPruning transition_optimum(double alpha_prune);

/// Least error over f at theta > 0, hard, absolute margins, for large alpha_prune:
///
///     g = best_threshold sin theta a^(-1/3)
///     epsilon = c0 sin theta / a (1 + best_correction cos^2 theta a^(-2/3))
///
/// @param probe_angle  Degrees, (0, 90].
BestPruning best_threshold(double probe_angle, double alpha_prune);

/// Where pruning to a smaller f at theta > 0, hard, absolute margins, doubles the least error, for
/// large alpha_prune.
///
/// @param probe_angle  Degrees, (0, 90).
BestPruning least_threshold(double probe_angle, double alpha_prune);

}  // namespace winnow::theory
