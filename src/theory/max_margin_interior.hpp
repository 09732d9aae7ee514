#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"

namespace winnow::theory {

// Legend: w weights, s slacks, a multipliers of
//     min |w|^2 / 2,  Z w - s = 1, s >= 0;   w = Z' a, a >= 0;   a_i s_i = mu -> 0

/// Primal-dual interior point iterations for the hard-margin problem: Mehrotra's predictor and
/// corrector, equal steps for w, s and a, and a normal matrix of the rows with the largest a / s.
class InteriorPoint {
 public:
  /// Starts at `w`, any direction that most rows agree with, scaled as it should be.
  InteriorPoint(MatrixView<const double> z, std::vector<double> w, std::vector<double> multipliers);

  /// One step. False when the normal matrix could not be factored or the step was of length zero.
  bool step();

  const std::vector<double>& w() const { return w_; }
  const std::vector<double>& margins() const { return margins_; }  ///< Z w
  const std::vector<double>& multipliers() const { return a_; }
  /// Rows whose multiplier outweighs their slack, both in units of the problem's scale; ascending.
  std::vector<std::int64_t> likely_support() const { return active_rows(1.0); }
  /// (bound - kappa) / bound with |w| in place of |Z' a|: free, and right when both are close.
  double estimated_gap() const;
  /// |w| / sum a, which tends to 0 when no direction separates the rows.
  double estimated_bound() const;

 private:
  struct Direction {
    std::vector<double> w, margins, s, a;
  };
  /// Rows with a_i / s_i above a ratio, in units of the problem's scale.
  std::vector<std::int64_t> active_rows(double ratio) const;
  /// Cholesky factor of the normal matrix; none when it is not positive definite.
  template <class Scalar>
  std::optional<Matrix<Scalar>> normal_factor() const;
  /// Newton's direction towards a_i s_i = target - correction_i.
  template <class Scalar>
  Direction direction(const Matrix<Scalar>& factor, double target,
                      std::span<const double> correction) const;
  template <class Scalar>
  bool step_in();
  double mean_complementarity(const Direction& along, double length) const;

  MatrixView<const double> z_;
  std::vector<double> w_, margins_, s_, a_;
  double row_scale_ = 1.0;      ///< Mean |z_i|^2.
  bool in_single_ = true;       ///< Directions are still good enough from a float factor.
  std::int64_t rows_used_ = 0;  ///< In the normal matrix, unless more are likely to be support.
};

}  // namespace winnow::theory
