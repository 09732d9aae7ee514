#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::theory {

/// When max_margin() stops.
struct MaxMarginOptions {
  double tolerance = 1e-10;           ///< Relative duality gap that is small enough; (0, 1).
  std::int32_t max_iterations = 200;  ///< Interior point steps; >= 1.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.tolerance,
          FieldInfo{.name = "gap",
                    .help = "Relative duality gap at which a maximum-margin training ends.",
                    .min = 0.0,
                    .max = 1.0,
                    .min_open = true,
                    .max_open = true});
    visit(self.max_iterations, FieldInfo{.name = "max-iterations",
                                         .help = "Interior point steps of one training at most.",
                                         .min = 1});
  }
  void validate() const { validate_fields(*this); }
};

/// A unit vector, its margin, and a bound on the margin of every other one.
///
/// Both hold whatever the solver did: `kappa` is min_mu z_mu.J of the J returned, recomputed, and
/// `bound` = |sum_mu p_mu z_mu| with p = dual / sum dual, since for unit J
/// min_mu z_mu.J <= sum_mu p_mu z_mu.J <= |sum_mu p_mu z_mu|.
struct MaxMarginResult {
  std::vector<double> J;      ///< [N], |J| = 1.
  double kappa = 0.0;         ///< Smallest margin under J; not positive: J separates nothing.
  double bound = 0.0;         ///< No unit vector has a larger margin; >= kappa up to rounding.
  double relative_gap = 0.0;  ///< (bound - kappa) / bound
  std::vector<std::int64_t> support;  ///< Rows with a positive multiplier, ascending.
  std::vector<double> dual;           ///< [support] multipliers; sum_mu dual_mu z_mu = J / kappa.
  std::int32_t iterations = 0;        ///< Interior point steps; 0 when the warm start sufficed.
  bool polished = false;              ///< The answer solves the support's own equations exactly.
  bool converged = false;             ///< relative_gap <= tolerance
};

/// Maximum-margin direction through the origin of P points in N dimensions:
///
///     maximise kappa over unit J:  z_mu.J >= kappa,   z_mu = y_mu x_mu
///
/// that is min |w|^2 / 2 with z_mu.w >= 1, J = w / |w|. A primal-dual interior point method whose
/// normal matrix I + Z' D Z is assembled from the few N rows that matter at each step finds the
/// support; a Cholesky solve on the support (with block pivoting) then gives all digits.
///
/// @param z        [P, N] rows, finite, P >= 1, N >= 1; rows may repeat or depend on each other.
/// @param warm     A result for the same rows, possibly fewer or slightly different ones; null:
///                 none. Its support is tried first, then its J is where the iterations begin.
/// @throws InvalidArgument  an empty matrix, options out of range, a warm start of another width.
/// @throws NonFiniteInput   naming the first row and column.
/// @throws Interrupted      between steps, when `progress` was cancelled.
///
/// Rows that cannot be separated, or too few steps, are in the result: converged is false, kappa
/// <= 0 or the gap too large. Same bits for any number of threads. Cost: about 15 steps of
/// O(P N + M N^2), M a few N; 2 P + 3 N^2 doubles of memory beside z, never P x P.
///
/// Mehrotra, SIAM J. Optim. 2(4), 1992. Jung, O'Leary and Tits, "Adaptive constraint reduction for
/// training support vector machines", ETNA 31, 2008.
MaxMarginResult max_margin(MatrixView<const double> z, const MaxMarginOptions& options = {},
                           const MaxMarginResult* warm = nullptr, Progress& progress = silent());

}  // namespace winnow::theory
