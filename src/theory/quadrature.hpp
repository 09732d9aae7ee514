#pragma once

#include <algorithm>
#include <cmath>

#include "theory/kernels/line_sums.hpp"

namespace winnow::theory {

/// An exponent that has grown by this much has taken an integrand to nothing.
inline constexpr double negligible_exponent = 40.0;
/// Within one panel no integrand falls by more than exp(-this).
inline constexpr double panel_exponent = 20.0;
/// Longest panel in units of the Gaussian's width for which 24 nodes give 1e-16.
inline constexpr double panel_width = 7.0;
/// Beyond y = this, Phi(y) is 1 to the last bit and has no width of its own.
inline constexpr double flat_from = 8.5;

/// The nodes of a Gauss-Legendre rule on [low, high].
///
/// @param width  The panel's length in units in which the integrand changes like a Gaussian of
///               width 1; at most panel_width.
/// @param rise   How far the integrand's exponent rises or falls on it; at most panel_exponent.
///
/// n nodes leave L^(2n) (n!)^4 / ((2n + 1) (2n)!^3) of exp(-L t) on [0, 1], and sqrt((2n)!) times
/// that of a Gaussian: each about 1e-16 at the bounds used here.
Nodes panel_nodes(double low, double high, double width, double rise);

/// One dimension of a Gaussian integral: panels on [low, high] for
///
///     int exp(-(shift + t)^2 / 2) G(y(t)) dt,   y(t) = offset - slope t,
///
/// where G is one of Phi, Psi1, Psi2 times a polynomial. Panels start where the integrand is
/// largest and end where it is negligible beside that, so tails keep their relative accuracy.
class GaussianLine {
 public:
  explicit GaussianLine(const Line& line) : line_(line) {}

  double y(double t) const { return line_.offset - line_.slope * t; }
  /// The integrand is about exp(-exponent). Convex.
  double exponent(double t) const {
    const double r = line_.shift + t;
    const double negative = std::min(y(t), 0.0);
    return 0.5 * (r * r + negative * negative);
  }
  /// Where the exponent is least.
  double peak(double low, double high) const {
    const auto& [offset, slope, shift] = line_;
    const double free =
        y(-shift) >= 0.0 ? -shift : (slope * offset - shift) / (1.0 + slope * slope);
    return std::clamp(free, low, high);
  }

  /// Calls visit(nodes) for every panel.
  template <class Visit>
  void visit(double low, double high, const Visit& visit) const {
    const double start = peak(low, high);
    walk(start, high, 1.0, visit);
    walk(start, low, -1.0, visit);
  }

 private:
  /// Panels from `start` in one direction.
  template <class Visit>
  void walk(double start, double end, double direction, const Visit& visit) const {
    const double narrow = std::sqrt(1.0 + line_.slope * line_.slope);
    const bool falls = line_.slope * direction > 0.0;
    const double least = exponent(start);
    for (double at = start; (end - at) * direction > 0.0;) {
      const double to_slope = falls ? (y(at) - flat_from) / std::abs(line_.slope) : panel_width;
      const bool flat = y(at) >= flat_from && to_slope * narrow >= panel_width;
      const double rate = flat ? 1.0 : narrow;
      double step = flat ? std::min(panel_width, to_slope) : panel_width / narrow;
      const auto rise = [&](double to) { return std::abs(exponent(to) - exponent(at)); };
      while (rise(at + direction * step) > panel_exponent) step *= 0.5;
      const double next = (end - at) * direction <= step ? end : at + direction * step;
      if (next == at) break;
      visit(panel_nodes(std::min(at, next), std::max(at, next), rate * std::abs(next - at),
                        rise(next)));
      at = next;
      if (exponent(at) - least > negligible_exponent) break;
    }
  }

  Line line_;
};

}  // namespace winnow::theory
