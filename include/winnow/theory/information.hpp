#pragma once

#include <cstdint>

#include "winnow/theory/pruning.hpp"

namespace winnow::theory {

/// The closure q = R, right only while nothing is pruned. What is pruned away depends on the
/// teacher, so a student drawn from the version space is not distributed like the teacher.
struct PaperClosure {
  /// Information per example of the closure's formula at the exact R, see closure_information().
  double information_at_exact_R = 0.0;

  /// The entropy restricted to q = R is stationary somewhere. It never is at small alpha once most
  /// easy examples are gone; the members below are NaN then.
  bool exists = false;
  double R = 0.0;            ///< Where it is stationary; the largest R of several.
  double epsilon = 0.0;      ///< arccos(R) / pi
  double entropy = 0.0;      ///< There, nats per parameter.
  double information = 0.0;  ///< There, nats per example.
};

/// Version space of the kept examples at theta = 0: typical volume, and the students in it.
struct Information {
  double alpha_tot = 0.0;    ///< Examples per parameter before pruning.
  double alpha_prune = 0.0;  ///< Examples per parameter kept, a = f alpha_tot.
  double keep = 1.0;         ///< f

  double R = 0.0;     ///< Cosine between the teacher and a student drawn from the version space.
  double q = 0.0;     ///< Cosine between two such students.
  double A = 0.0;     ///< R / sqrt(1 - q)
  double zeta = 0.0;  ///< sqrt((q - R^2) / (1 - q))
  double epsilon_gibbs = 0.5;  ///< Test error of such a student, arccos(R) / pi.
  double epsilon_bayes = 0.5;  ///< Test error of the centre of mass, arccos(R / sqrt(q)) / pi.
  double entropy = 0.0;      ///< S, log of the version space's share of the sphere, per parameter.
  double information = 0.0;  ///< I = -dS/da, nats per example.
  PaperClosure paper_closure;

  struct Errors {
    double R = 0.0, q = 0.0, epsilon_gibbs = 0.0, epsilon_bayes = 0.0, entropy = 0.0,
           information = 0.0;
  };
  /// Absolute: residuals of 1e-14, relative to the equations' terms, carried through their
  /// Jacobian.
  Errors error_bound;

  bool converged = false;
  std::int32_t evaluations = 0;  ///< Of the equations, in all.
  double residual = 0.0;         ///< Largest of the saddle point equations, relative.
  /// Of A = (2 a / f) sum_edges +-phi(z_e) E lambda(A z_e + zeta t), which follows from the
  /// equations solved; relative to the sum's terms, 0 in exact arithmetic.
  double identity_error = 0.0;
};

/// Gibbs and Bayes students of pruned teacher-student perceptron learning, and what an example
/// tells them, replica symmetric with independent q and R. With C = 2 a / f, t normal,
/// u = A z + zeta t, lambda = phi / Phi and weights w of the kept margins z > 0, stationary in A
/// and zeta:
///
///     S = -log(1 + A^2 + zeta^2) / 2 + zeta^2 / 2 + C int phi(z) w(z) dz E log Phi(u)
///     I = -dS/da = -(2 / f) int phi(z) w(z) dz E log Phi(u)
///
/// @param pruning      By the teacher itself (theta = 0), or random.
/// @param alpha_prune  a, [1e-4, 1e7].
/// @throws InvalidArgument  a probe angle above 0; alpha_prune out of range or NaN.
///
/// Relative accuracy 1e-9 of 1 - R, 1 - q, the errors, S and I but where error_bound is larger:
/// near a = 2 with f below 1e-3 the solution all but jumps. Not converging is in the result.
/// Deterministic; thread-safe. Cost: a few milliseconds.
///
/// Gyorgyi and Tishby 1990; Seung, Sompolinsky and Tishby, Phys. Rev. A 45, 1992;
/// Sorscher et al., "Beyond neural scaling laws", NeurIPS 2022, appendix A.6; docs/theory.md.
Information information(const Pruning& pruning, double alpha_prune);

/// Information per example by the closure q = R, nats:
///
///     -(2 / f) int Dt sum_bands weight [H((low + sqrt(R) t) / sqrt(1 - R))
///              - H((high + sqrt(R) t) / sqrt(1 - R))] log H(sqrt(R / (1 - R)) t)
///
/// What tends to one nat: keeping the hardest f -> 0 first and R -> 1 after, (high / sqrt(1 - R)
/// -> 0). At fixed R the limit is -int Dt log Phi(sqrt(R) t), log 2 at R = 0 and 1 at R = 1; it is
/// the exact information of one example of margin 0 added to an unpruned set.
///
/// @param pruning  At theta = 0, or random.
/// @param R        [0, 1).
/// @throws InvalidArgument  a probe angle above 0; R out of range or NaN.
double closure_information(const Pruning& pruning, double R);

}  // namespace winnow::theory
