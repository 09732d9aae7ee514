#include "winnow/theory/asymptotics.hpp"

#include <algorithm>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "theory/gaussian.hpp"
#include "theory/information_integrals.hpp"
#include "theory/root_near.hpp"
#include "winnow/core/error.hpp"

// Legend: a = alpha_prune, f: examples kept per parameter and share; g: threshold on |z|.
//   m: overlap with the teacher and m_r with the rest of the probe, in units of the student's part
//   outside their plane; x: its margin in the same unit; y = x - m z - m_r r; Psi_n: gaussian.hpp.
//   c0 = lim epsilon a without pruning.

namespace winnow::theory {

namespace {

using std::numbers::pi;

template <class F>
double integral(const F& f, double low, double high) {
  if (!(low < high)) return 0.0;
  return boost::math::quadrature::gauss_kronrod<double, 31>::integrate(f, low, high, 12, 1e-13);
}

/// Psi4(y) = E (y - xi)_+^4 / 12, Psi4' = Psi3.
double psi4(double y) { return 0.25 * (y * psi3(y) + psi(y).two); }

/// x with <Psi3> = <Psi1> where all examples of the boundary stay; there x Psi2 = Psi1.
double unpruned_x() {
  return root_near([](double x) { return psi3(x) - psi(x).one; }, 0.64, 0.1, {0.0, 5.0}, 52);
}

/// W of <Psi3(W t)> = <Psi1(W t)>, t uniform on (-1, 1).
double unstable_width() {
  const auto excess = [](double width) {
    return integral([](double y) { return psi3(y) - psi(y).one; }, -width, width);
  };
  return root_near(excess, 1.3, 0.1, {0.1, 5.0}, 52);
}

AsymptoticConstants computed_constants() {
  AsymptoticConstants found;
  const double x = unpruned_x();
  const Psi at_x = psi(x);
  const double c0 = phi0 / at_x.one;
  found.max_margin_x = x;
  found.max_margin_error = c0;
  found.max_margin = pi * c0 * x;
  // q = R -> 1: zeta = 1 and A = 2 a phi(0) E lambda(t)
  found.bayes_error = 1.0 / (2.0 * pi * phi0 * mean_inverse_mills(0.0, 1.0));
  found.gibbs_error = std::numbers::sqrt2 * found.bayes_error;
  found.critical_error = 1.0 / (pi * std::cbrt(24.0 * phi0));
  // epsilon a_tot: hard c0, easy c0 (1 + g^2 / 2 - (g / m) Psi4 Phi / (x Psi1^2)), m = 2 a phi0
  // Psi1
  found.hard_easy_tie = 2.0 * psi4(x) * at_x.zero / (x * at_x.one * at_x.one * at_x.one);
  // With G = g / sin theta: f over the boundary's kept share is sin theta (1 + cos^2 G^2 / 6), and
  // m_r = 3 pi c0 cos theta / (2 a G^2) lengthens the student by m_r^2 / 2.
  const double sixth = std::pow(13.5 * pi * pi * c0 * c0, 1.0 / 6.0);
  found.best_threshold = sixth;
  found.best_correction = 0.25 * sixth * sixth;
  found.least_threshold = std::sqrt(0.5 * std::numbers::sqrt3 * pi * c0);  // m_r^2 = 3
  const double width = unstable_width();
  found.instability_width = width;
  found.instability =
      width * width / (phi0 * integral([](double y) { return psi3(y); }, -width, width));
  return found;
}

/// Averages over r of the examples kept on the teacher's boundary, where s = -r sin theta.
class Boundary {
 public:
  explicit Boundary(const Pruning& pruning) {
    for (const Band& band : pruning.bands()) {
      parts_.push_back({-band.high / pruning.sine(), -band.low / pruning.sine(), band.weight});
    }
    nearest_ = std::numeric_limits<double>::infinity();
    for (const Band& part : parts_) nearest_ = std::min(nearest_, least(part));
  }

  bool is_one_sided() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const Band& p) { return p.low >= 0.0; }) ||
           std::all_of(parts_.begin(), parts_.end(), [](const Band& p) { return p.high <= 0.0; });
  }
  /// b
  double share() const {
    return average([](double) { return 1.0; }) * std::exp(-0.5 * nearest_ * nearest_);
  }
  /// The largest weight is phi(0).
  template <class F>
  double average(const F& f) const {
    double sum = 0.0;
    for (const Band& part : parts_) {
      const double low = std::max(part.low, -least(part) - reach);
      const double high = std::min(part.high, least(part) + reach);
      const auto weighed = [&](double r) {
        return phi0 * std::exp(0.5 * (nearest_ - r) * (nearest_ + r)) * f(r);
      };
      sum += part.weight * (integral(weighed, low, std::min(high, 0.0)) +
                            integral(weighed, std::max(low, 0.0), high));
    }
    return sum;
  }

 private:
  static constexpr double reach = 9.5;
  static double least(const Band& part) {
    return part.low <= 0.0 && part.high >= 0.0 ? 0.0
                                               : std::min(std::abs(part.low), std::abs(part.high));
  }
  std::vector<Band> parts_;
  double nearest_;  ///< The smallest |r|.
};

double tilted_amplitude(const Pruning& pruning, const Boundary& boundary) {
  const auto slope_of = [&](double x) {
    const auto pull = [&](double m_r) {
      return -boundary.average([&](double r) { return r * psi(x - m_r * r).two; });
    };
    return root_near(pull, 0.0, 0.25, {-1e6, 1e6}, 50);
  };
  const auto excess = [&](double log_x) {
    const double x = std::exp(log_x), m_r = slope_of(x);
    return boundary.average([&](double r) {
      const double y = x - m_r * r;
      return psi3(y) - psi(y).one;
    });
  };
  const double x = std::exp(root_near(excess, std::log(0.64), 0.1, {-40.0, 40.0}, 46)),
               m_r = slope_of(x);
  const double psi1 = boundary.average([&](double r) { return psi(x - m_r * r).one; });
  const double relative = psi1 / boundary.average([](double) { return 1.0; });
  return std::sqrt(1.0 + m_r * m_r) * pruning.keep() * phi0 / (boundary.share() * relative);
}

void check_alpha(double alpha_prune, double min, double max, bool max_open = false) {
  check_range(
      alpha_prune,
      {.name = "alpha-prune", .min = min, .max = max, .min_open = true, .max_open = max_open});
}

double erf_keep(double threshold) { return std::erf(threshold * std::numbers::sqrt2 / 2); }

double angle_sine(double probe_angle) { return std::sin(probe_angle * pi / 180.0); }

}  // namespace

const AsymptoticConstants& asymptotic_constants() {
  static const AsymptoticConstants constants = computed_constants();
  return constants;
}

std::optional<double> error_amplitude(const Pruning& pruning) {
  const double c0 = asymptotic_constants().max_margin_error;
  if (pruning.is_exact()) {
    const Band& first = pruning.bands().front();
    const double g = std::max(first.low, 0.0);
    return c0 * pruning.keep() * std::exp(0.5 * g * g) / first.weight;
  }
  const Boundary boundary(pruning);
  if (boundary.is_one_sided()) return std::nullopt;
  const double share = boundary.share();
  if (!(share > 0.0)) return std::numeric_limits<double>::infinity();
  return tilted_amplitude(pruning, boundary);
}

double frontier_scaling(double alpha_prune) {
  check_alpha(alpha_prune, 2.0, 1e7);
  // Over y in (x - Lambda, x), from where Psi is below 1e-70.
  const auto mean = [](double x, double width, const auto& f) {
    return integral(f, std::max(x - width, -18.0), x) / width;
  };
  const auto edge_of = [&](double width) {
    const auto drift = [&](double x) {
      return mean(x, width, [](double y) { return y * psi(y).one; });
    };
    return root_near(drift, std::min(0.5 * width, 0.64), 0.1, {0.0, 1e3}, 50);
  };
  const auto excess = [&](double log_width) {
    const double width = std::exp(log_width), x = edge_of(width);
    return 1.0 / mean(x, width, [](double y) { return psi(y).two; }) - alpha_prune;
  };
  const double near = std::sqrt(6.0 * (alpha_prune - 2.0));
  const double far = alpha_prune * phi0 / asymptotic_constants().max_margin_error;
  const double width =
      std::exp(root_near(excess, std::log(std::min(near, far)), 0.1, {-40.0, 40.0}, 50));
  return alpha_prune * phi0 / width;
}

double transition_error(double alpha_prune, double keep) {
  check_alpha(alpha_prune, 0.0, 1e7);
  check_range(keep, {.name = "keep", .min = 0, .max = 1, .min_open = true, .max_open = true});
  const double g = margin_threshold(Policy::hard, Margin::absolute, keep, 0.0);
  // Lambda is between both monomials' answers, and the cubic increases past its minimum.
  const double linear = 0.25 * (2.0 - alpha_prune), right = phi0 * g * g;
  const auto excess = [&](double log_width) {
    const double width = std::exp(log_width);
    return width * (width * width / 24.0 + linear) - right;
  };
  const double start =
      std::log(std::max(std::cbrt(24.0 * right), std::sqrt(24.0 * std::max(-linear, 0.0))));
  const double width = std::exp(root_near(excess, start, 0.1, {-60.0, 60.0}, 50));
  return std::atan2(g, width) / pi;
}

BestPruning transition_optimum(double alpha_prune) {
  check_alpha(alpha_prune, 0.0, 2.0, true);
  const double distance = pi * (2.0 - alpha_prune) / 12.0;
  BestPruning best;
  best.epsilon = std::pow(distance, 0.25) / pi;
  best.keep = 12.0 / pi * std::pow(distance, 0.75);
  best.threshold = best.keep / (2.0 * phi0);
  return best;
}

BestPruning best_threshold(double probe_angle, double alpha_prune) {
  check_range(probe_angle, {.name = "probe-angle", .min = 0, .max = 90, .min_open = true});
  check_alpha(alpha_prune, 0.0, 1e7);
  const auto& constants = asymptotic_constants();
  const double sine = angle_sine(probe_angle), cosine_squared = 1.0 - sine * sine;
  const double third = std::cbrt(alpha_prune);
  BestPruning best;
  best.threshold = constants.best_threshold * sine / third;
  best.keep = erf_keep(best.threshold);
  best.epsilon = constants.max_margin_error * sine / alpha_prune *
                 (1.0 + constants.best_correction * cosine_squared / (third * third));
  return best;
}

BestPruning least_threshold(double probe_angle, double alpha_prune) {
  check_range(probe_angle,
              {.name = "probe-angle", .min = 0, .max = 90, .min_open = true, .max_open = true});
  check_alpha(alpha_prune, 0.0, 1e7);
  const auto& constants = asymptotic_constants();
  const double sine = angle_sine(probe_angle), cosine = std::cos(probe_angle * pi / 180.0);
  BestPruning least;
  least.threshold = constants.least_threshold * sine * std::sqrt(cosine / alpha_prune);
  least.keep = erf_keep(least.threshold);
  least.epsilon = 2.0 * constants.max_margin_error * sine / alpha_prune;
  return least;
}

}  // namespace winnow::theory
