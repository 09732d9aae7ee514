#include "theory/gaussian.hpp"

#include <span>

#include "theory/psi_coefficients.hpp"

namespace winnow::theory {

namespace {

/// sum_i c[i] u^i
double polynomial(std::span<const double> c, double u) {
  double sum = 0.0;
  for (std::size_t i = c.size(); i > 0; --i) sum = sum * u + c[i - 1];
  return sum;
}

/// Psi_n(-t) / phi(t) for t >= 0. Only sums of positive terms lead from k1 and k2 to k0.
struct ScaledTails {
  explicit ScaledTails(double t)
      : scale(1.0 / (2.0 + t)),
        u((t - 5.0) / (t + 5.0)),
        k1(polynomial(k1_coefficients, u) * scale * scale),
        k2(polynomial(k2_coefficients, u) * scale * scale * scale),
        k0(k2 + t * k1) {}
  double scale, u, k1, k2, k0;
};

}  // namespace

Psi psi(double y) {
  const ScaledTails tails(std::abs(y));
  const double density = phi(y);
  const Psi left{density * tails.k0, density * tails.k1, density * tails.k2};
  if (y < 0.0) return left;
  return {1.0 - left.zero, y + left.one, 1.0 + y * y - left.two};
}

double psi3(double y) {
  const double t = std::abs(y);
  const ScaledTails tails(t);
  const double square = tails.scale * tails.scale;
  const double left = phi(y) * polynomial(k3_coefficients, tails.u) * square * square;
  // Psi3(y) - Psi3(-y) = y + y^3 / 3
  return y < 0.0 ? left : left + y * (1.0 + y * y / 3.0);
}

double log_Phi(double y) {
  if (y > -1.0) return std::log1p(-0.5 * std::erfc(y * std::numbers::sqrt2 / 2));
  return -0.5 * y * y + std::log(phi0 * ScaledTails(-y).k0);
}

double inverse_mills(double y) {
  if (y > 0.0) return phi(y) / Phi(y);
  return 1.0 / ScaledTails(-y).k0;
}

LogPhi log_Phi_jet(double y) {
  const ScaledTails tails(std::abs(y));
  if (y <= 0.0) {
    return {-0.5 * y * y + std::log(phi0 * tails.k0), 1.0 / tails.k0,
            -tails.k1 / (tails.k0 * tails.k0)};
  }
  const double density = phi(y), below = 1.0 - density * tails.k0;
  const double ratio = density / below;
  return {std::log1p(-density * tails.k0), ratio, -ratio * (ratio + y)};
}

}  // namespace winnow::theory
