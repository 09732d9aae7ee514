#pragma once

#include <cmath>
#include <numbers>

// Legend: phi, Phi: density and distribution of N(0, 1); H = 1 - Phi.
//   Psi_n, xi of N(0, 1):
//   Psi0(y) = P(xi < y) = Phi
//   Psi1(y) = E (y - xi)_+ = y Phi + phi,              Psi1' = Phi
//   Psi2(y) = E (y - xi)_+^2 = (1 + y^2) Phi + y phi,  Psi2' = 2 Psi1
//   Psi3(y) = E (y - xi)_+^3 / 3,                      Psi3' = Psi2

namespace winnow::theory {

inline constexpr double phi0 = 0.398942280401432677939946059934;  ///< phi(0)

inline double phi(double y) { return phi0 * std::exp(-0.5 * y * y); }
/// Relative accuracy also far in the left tail.
inline double Phi(double y) { return 0.5 * std::erfc(-y * std::numbers::sqrt2 / 2); }

/// Psi0, Psi1 and Psi2 at one point; no cancellation anywhere, relative accuracy 1e-15.
struct Psi {
  double zero, one, two;
};
Psi psi(double y);
double psi3(double y);

/// log Phi(y), and the inverse Mills ratio phi(y) / Phi(y); both finite for every finite y.
double log_Phi(double y);
double inverse_mills(double y);

/// log Phi(y) and its derivatives, one = phi / Phi and two = -one (one + y), in (-1, 0); relative
/// accuracy of both 1e-15.
struct LogPhi {
  double value, one, two;
};
LogPhi log_Phi_jet(double y);

}  // namespace winnow::theory
