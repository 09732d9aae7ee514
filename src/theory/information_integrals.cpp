#include "theory/information_integrals.hpp"

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <cstddef>
#include <limits>

#include "theory/gaussian.hpp"

namespace winnow::theory {

namespace {

/// exp(-reach^2 / 2) < 1e-19
constexpr double reach = 9.5;
constexpr double infinity = std::numeric_limits<double>::infinity();

using Rule = boost::math::quadrature::gauss<double, 15>;

/// Values of u near which an edge of a band shows in the density of u.
struct Zone {
  double begin, end;
};

/// f(u, weight) at the nodes of panels from left to right. A panel is 2.5 wide in units of the
/// integrand's scale: the density's, which is zeta within zones and the deviation outside; less
/// where u > -2, for lambda is a Gaussian there; and |u| below -2, where lambda is nearly -u. The
/// nearest singularities of lambda, 1.9 +- 2.8i, are far enough for an error of 1e-17 a panel.
template <class F>
void for_each_node(double left, double right, double zeta, double deviation,
                   std::span<const Zone> zones, const F& f) {
  const double thinnest = 1e-12 * std::max(std::abs(left), std::abs(right));
  for (double low = left; low < right;) {
    double scale = deviation, end = right;
    for (const Zone& zone : zones) {
      if (low < zone.begin) end = std::min(end, zone.begin);
      if (low >= zone.begin && low < zone.end) scale = zeta;
    }
    const double width = low < -2.0 ? std::min(2.5 * scale, std::max(1.0, -0.6 * low))
                                    : 2.5 * scale / std::sqrt(1.0 + scale * scale);
    // The last part of an interval is not left thinner than rounding.
    const double high = low + 1.001 * width < end ? low + std::max(width, thinnest) : end;
    const double half = 0.5 * (high - low), middle = 0.5 * (high + low);
    f(middle, half * Rule::weights()[0]);
    for (std::size_t i = 1; i < Rule::abscissa().size(); ++i) {
      const double offset = half * Rule::abscissa()[i], weight = half * Rule::weights()[i];
      f(middle - offset, weight);
      f(middle + offset, weight);
    }
    low = high;
  }
}

struct BandMass {
  double zero, one;  ///< int dz N(z; mean, tau^2) over the band, times 1 and z.
};

/// Never a difference of nearly equal numbers: a band narrower than tau is integrated by
/// quadrature, a wider one from the end where the Gaussian is larger.
BandMass band_mass(const Band& band, double mean, double tau) {
  const double low = (band.low - mean) / tau;
  if (std::isinf(band.high)) {
    const Psi tail = psi(-low);
    return {tail.zero, band.low * tail.zero + tau * tail.one};
  }
  const double high = (band.high - mean) / tau, width = high - low;
  if (low < 0.0 && high > reach) return band_mass({band.low, infinity}, mean, tau);
  if (width < 1.0) {
    using Narrow = boost::math::quadrature::gauss<double, 10>;
    const double middle = 0.5 * (low + high);
    BandMass mass{0.0, 0.0};
    for (std::size_t i = 0; i < Narrow::abscissa().size(); ++i) {
      const double offset = 0.5 * width * Narrow::abscissa()[i];
      const double weight = 0.5 * width * Narrow::weights()[i];
      const double below = weight * phi(middle - offset), above = weight * phi(middle + offset);
      mass.zero += below + above;
      mass.one += below * (0.5 * width - offset) + above * (0.5 * width + offset);
    }
    return {mass.zero, band.low * mass.zero + tau * mass.one};
  }
  if (high < 0.0) {
    const Psi near = psi(high), far = psi(low);
    const double zero = near.zero - far.zero;
    return {zero, band.high * zero - tau * (near.one - far.one - width * far.zero)};
  }
  const Psi near = psi(-low), far = psi(-high);
  const double zero = near.zero - far.zero;
  return {zero, band.low * zero + tau * (near.one - far.one - width * far.zero)};
}

}  // namespace

VersionSpace version_space(std::span<const Band> bands, double A, double zeta) {
  // u is Gaussian of variance A^2 + zeta^2; z given u has mean A u / variance and deviation tau.
  const double variance = A * A + zeta * zeta;
  const double deviation = std::sqrt(variance), tau = zeta / deviation;
  const double zone = reach * zeta * deviation / A;
  VersionSpace sum;
  for (const Band& band : bands) {
    // Where phi(u / deviation) band_mass(u) lambda(u) is largest, and curvatures from there.
    const double peak = A * band.low / (1.0 + zeta * zeta);
    const double left = peak - reach * zeta;
    double right = peak + reach * deviation / std::sqrt(1.0 + variance);
    std::array<Zone, 2> zones{};
    zones.fill({band.low * variance / A - zone, band.low * variance / A + zone});
    if (std::isfinite(band.high)) {
      right = std::min(right, A * band.high + std::hypot(reach * zeta, A * band.low - peak));
      zones[1] = {band.high * variance / A - zone, band.high * variance / A + zone};
    }
    VersionSpace part;
    for_each_node(left, right, zeta, deviation, zones, [&](double u, double weight) {
      const BandMass mass = band_mass(band, A * u / variance, tau);
      const LogPhi volume = log_Phi_jet(u);
      const double density = weight * phi(u / deviation) / deviation;
      part.alignment += density * mass.one * volume.one;
      part.overlap -= density * mass.zero * volume.two;
      part.square += density * mass.zero * volume.one * volume.one;
      part.log_volume += density * mass.zero * volume.value;
    });
    sum.alignment += band.weight * part.alignment;
    sum.overlap += band.weight * part.overlap;
    sum.square += band.weight * part.square;
    sum.log_volume += band.weight * part.log_volume;
  }
  return sum;
}

double mean_inverse_mills(double mean, double zeta) {
  const double peak = mean / (1.0 + zeta * zeta);
  const double right = peak + reach * zeta / std::sqrt(1.0 + zeta * zeta);
  double sum = 0.0;
  for_each_node(peak - reach * zeta, right, zeta, zeta, {}, [&](double u, double weight) {
    sum += weight * phi((u - mean) / zeta) / zeta * inverse_mills(u);
  });
  return sum;
}

}  // namespace winnow::theory
