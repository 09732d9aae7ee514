#include "winnow/theory/information.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include "theory/gaussian.hpp"
#include "theory/information_integrals.hpp"
#include "theory/root_near.hpp"
#include "winnow/core/error.hpp"

// Legend: a, f: kept examples per parameter and share, C = 2 a / f; z, w(z): margin and share kept.
//   R, q: overlaps of a student with the teacher and another student; A = R / sqrt(1 - q),
//   zeta^2 = (q - R^2) / (1 - q), variance = A^2 + zeta^2 = q / (1 - q).
//   Saddle point:  q = C overlap,   A (1 - q) = C alignment   (information_integrals.hpp).

namespace winnow::theory {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Residuals that rounding leaves in the equations, relative to their terms.
constexpr double rounding = 1e-14;
/// Stands for log alpha where nothing of the integrals is left, and is above all others.
constexpr double far = 700.0;

std::vector<Band> positive_bands(const Pruning& pruning) {
  if (!pruning.is_exact()) {
    throw InvalidArgument(fmt::format(
        "probe-angle = {}; expected 0, or random selection: Gibbs and Bayes students are solved "
        "for a probe that is the teacher",
        pruning.probe_angle()));
  }
  std::vector<Band> bands = pruning.bands();
  for (Band& band : bands) band.low = std::max(band.low, 0.0);
  return bands;
}

/// The saddle point equations over log A and log zeta; alpha is an explicit function of both.
class Equations {
 public:
  Equations(const std::vector<Band>& bands, double keep) : bands_(bands), keep_(keep) {}

  struct Value {
    double log_alpha = far;  ///< From q = C overlap.
    double balance = -1.0;   ///< Log of the quotient of both equations, 0 at the solution.
  };
  Value at(double log_A, double log_zeta) {
    ++evaluations_;
    const double A = std::exp(log_A), zeta = std::exp(log_zeta);
    const VersionSpace space = version_space(bands_, A, zeta);
    if (!(space.alignment > 0.0 && space.overlap > 0.0)) return {};
    const double square = zeta * zeta, variance = A * A + square;
    // Two forms of one equation; for small zeta the sides of the first differ by zeta^2 only.
    const double quotient = zeta > 0.7
                                ? variance * space.alignment / (A * space.overlap)
                                : square * (space.alignment / A + space.overlap) / space.square;
    return {std::min(far, std::log(keep_ * variance / (2.0 * (1.0 + variance) * space.overlap))),
            std::log(quotient)};
  }

  /// The zeta at which both equations ask for one alpha; from small to large zeta the first asks
  /// for less than the second, then for more. NaN where it is below 1e-7, which no alpha in
  /// range asks for.
  double log_zeta_of(double log_A, double guess) {
    return root_near([&](double log_zeta) { return at(log_A, log_zeta).balance; }, guess, 0.1,
                     {-16.0, 16.0}, 50);
  }

  std::int32_t evaluations() const { return evaluations_; }

 private:
  const std::vector<Band>& bands_;
  double keep_;
  std::int32_t evaluations_ = 0;
};

struct Step {
  double A = 0.0, zeta = 0.0;  ///< Of the logarithms.
};

/// Inverse of the equations' Jacobian over log A and log zeta, by central differences.
class InverseJacobian {
 public:
  InverseJacobian(Equations& equations, double log_A, double log_zeta) {
    constexpr double h = 1e-5;
    const auto slope = [](const Equations::Value& up, const Equations::Value& down) {
      return Equations::Value{(up.log_alpha - down.log_alpha) / (2.0 * h),
                              (up.balance - down.balance) / (2.0 * h)};
    };
    by_A_ = slope(equations.at(log_A + h, log_zeta), equations.at(log_A - h, log_zeta));
    by_zeta_ = slope(equations.at(log_A, log_zeta + h), equations.at(log_A, log_zeta - h));
    determinant_ = by_A_.log_alpha * by_zeta_.balance - by_zeta_.log_alpha * by_A_.balance;
  }
  /// Change of the unknowns that changes the residuals by (log_alpha, balance).
  Step operator()(double log_alpha, double balance) const {
    return {(by_zeta_.balance * log_alpha - by_zeta_.log_alpha * balance) / determinant_,
            (by_A_.log_alpha * balance - by_A_.balance * log_alpha) / determinant_};
  }

 private:
  Equations::Value by_A_, by_zeta_;
  double determinant_ = 0.0;
};

struct Point {
  double log_A = nan, log_zeta = nan;
  double residual = nan;
  Step by_alpha, by_balance;  ///< Changes of the solution per residual of either equation.
};

/// Log A of untrained students, A = C phi0 int phi w z dz / Phi(0), and of well trained ones, by
/// the density of examples at the teacher's boundary or, where there are none, by their exponential
/// influence.
double first_log_A(const std::vector<Band>& bands, double keep, double alpha) {
  if (alpha < 2.0) {
    double moment = 0.0;
    for (const Band& band : bands) moment += band.weight * (phi(band.low) - phi(band.high));
    return std::log(4.0 * alpha / keep * phi0 * moment);
  }
  const Band& first = bands.front();
  if (first.low == 0.0) return std::log(0.72 * alpha * first.weight / keep);
  return std::log(std::min(0.72 * alpha, std::sqrt(2.0 * std::log(alpha)) / first.low));
}

/// Brackets log A with zeta eliminated, which cannot leave the branch, then Newton's method.
Point saddle_point(Equations& equations, const std::vector<Band>& bands, double keep,
                   double alpha) {
  const double target = std::log(alpha);
  double log_zeta = 0.5 * std::log(std::min(0.64 * alpha, 1.0));
  const auto excess = [&](double log_A) {
    const double found = equations.log_zeta_of(log_A, log_zeta);
    if (!std::isfinite(found)) return far;
    log_zeta = found;
    return equations.at(log_A, log_zeta).log_alpha - target;
  };
  Point point;
  point.log_A = root_near(excess, first_log_A(bands, keep, alpha), 0.25, {-60.0, 60.0}, 14);
  if (!std::isfinite(point.log_A)) return point;
  point.log_zeta = equations.log_zeta_of(point.log_A, log_zeta);
  const InverseJacobian inverse(equations, point.log_A, point.log_zeta);
  double last = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 12; ++i) {
    const auto value = equations.at(point.log_A, point.log_zeta);
    point.residual = std::max(std::abs(value.log_alpha - target), std::abs(value.balance));
    if (!(point.residual < 0.5 * last)) break;
    last = point.residual;
    const Step step = inverse(target - value.log_alpha, -value.balance);
    point.log_A += step.A;
    point.log_zeta += step.zeta;
  }
  point.by_alpha = inverse(1.0, 0.0);
  point.by_balance = inverse(0.0, 1.0);
  return point;
}

/// S of the replica calculation, stationary in A and zeta; C = 2 a / f.
double entropy_of(double A, double zeta, double C, const VersionSpace& space) {
  return 0.5 * (zeta * zeta - std::log1p(A * A + zeta * zeta)) + C * space.log_volume;
}

/// Absolute effect of one equation's rounding on what is reported.
void add_errors(Information::Errors& errors, const Information& at, double information_A,
                double information_zeta, const Step& by_residual) {
  const double A = at.A, zeta = at.zeta, variance = A * A + zeta * zeta, norm = 1.0 + variance;
  const double dA = rounding * by_residual.A, dzeta = rounding * by_residual.zeta;
  const double gibbs = std::sqrt(1.0 + zeta * zeta) * A / norm;
  constexpr double pi = std::numbers::pi;
  errors.R += at.R * std::abs((1.0 + zeta * zeta) * dA - zeta * zeta * dzeta) / norm;
  errors.q += 2.0 * std::abs(A * A * dA + zeta * zeta * dzeta) / (norm * norm);
  errors.epsilon_gibbs += gibbs / pi * std::abs(zeta * zeta / (1.0 + zeta * zeta) * dzeta - dA);
  errors.epsilon_bayes += zeta * A / variance / pi * std::abs(dzeta - dA);
  errors.information += std::abs(information_A * dA + information_zeta * dzeta);
}

void add_rounding(Information& at, double terms_of_entropy) {
  auto& errors = at.error_bound;
  constexpr double last_bits = 1e-15;
  errors.R += last_bits * at.R;
  errors.q += last_bits * at.q;
  errors.epsilon_gibbs += last_bits * at.epsilon_gibbs;
  errors.epsilon_bayes += last_bits * at.epsilon_bayes;
  errors.information += rounding * at.information;
  errors.entropy += rounding * terms_of_entropy;  // stationary: no first order in A and zeta
}

double identity_error(const std::vector<Band>& bands, double A, double zeta, double C) {
  double sum = 0.0, size = A / C;
  for (const Band& band : bands) {
    const double low = band.weight * phi(band.low) * mean_inverse_mills(A * band.low, zeta);
    double high = 0.0;
    if (std::isfinite(band.high)) {
      high = band.weight * phi(band.high) * mean_inverse_mills(A * band.high, zeta);
    }
    sum += low - high;
    size += low + high;
  }
  return std::abs(sum - A / C) / size;
}

/// q = R, with 1 - R beside R.
struct Closure {
  double R, rest;
  static Closure of_logit(double y) {
    return {1.0 / (1.0 + std::exp(-y)), 1.0 / (1.0 + std::exp(y))};
  }
  double A() const { return R / std::sqrt(rest); }
  double zeta() const { return std::sqrt(R); }
  VersionSpace version_space_of(const std::vector<Band>& bands) const {
    return version_space(bands, A(), zeta());
  }
};

/// 1 / a at which S(R) = log(1 - R) / 2 + R / 2 + C L(R), L = int phi w dz E log Phi, is
/// stationary: dS/dR = 0 gives 1 / C = 2 (1 - R) L'(R) / R. Negative where no a > 0 is.
double closure_inverse_alpha(const std::vector<Band>& bands, double keep, double y) {
  const Closure at = Closure::of_logit(y);
  const VersionSpace space = at.version_space_of(bands);
  const double dA_dR = (2.0 - at.R) / (2.0 * at.rest * std::sqrt(at.rest));
  const double slope = space.alignment * dA_dR - 0.5 * space.overlap;
  return 4.0 * at.rest * slope / (keep * at.R);
}

PaperClosure paper_closure(const std::vector<Band>& bands, double keep, double alpha) {
  PaperClosure found;
  found.R = found.epsilon = found.entropy = found.information = nan;
  const auto excess = [&](double y) { return alpha * closure_inverse_alpha(bands, keep, y) - 1.0; };
  // Downwards from R near 1, where every a is too small, to the first a that is large enough.
  double high = 2.0 * std::log(10.0 * (1.0 + alpha) / keep);
  double low = high - 0.5;
  while (low > -40.0 && excess(low) < 0.0) {
    high = low;
    low -= 0.5;
  }
  if (low <= -40.0) return found;
  std::uintmax_t limit = 100;
  const auto root = boost::math::tools::toms748_solve(
      excess, low, high, boost::math::tools::eps_tolerance<double>(50), limit);
  const Closure at = Closure::of_logit(0.5 * (root.first + root.second));
  const VersionSpace space = at.version_space_of(bands);
  found.exists = true;
  found.R = at.R;
  found.epsilon = std::atan2(std::sqrt(at.rest * (1.0 + at.R)), at.R) / std::numbers::pi;
  found.entropy = entropy_of(at.A(), at.zeta(), 2.0 * alpha / keep, space);
  found.information = -2.0 / keep * space.log_volume;
  return found;
}

}  // namespace

Information information(const Pruning& pruning, double alpha_prune) {
  check_range(alpha_prune, {.name = "alpha-prune", .min = 1e-4, .max = 1e7});
  const std::vector<Band> bands = positive_bands(pruning);
  const double keep = pruning.keep(), C = 2.0 * alpha_prune / keep;
  Equations equations(bands, keep);
  const Point point = saddle_point(equations, bands, keep, alpha_prune);
  const double A = std::exp(point.log_A), zeta = std::exp(point.log_zeta);
  const double variance = A * A + zeta * zeta, norm = 1.0 + variance;

  Information found;
  found.alpha_tot = alpha_prune / keep;
  found.alpha_prune = alpha_prune;
  found.keep = keep;
  found.A = A;
  found.zeta = zeta;
  found.R = A / std::sqrt(norm);
  found.q = variance / norm;
  found.epsilon_gibbs = std::atan2(std::sqrt(1.0 + zeta * zeta), A) / std::numbers::pi;
  found.epsilon_bayes = std::atan2(zeta, A) / std::numbers::pi;
  found.evaluations = equations.evaluations();
  found.residual = point.residual;
  found.converged = point.residual < 1e-12;
  found.paper_closure = paper_closure(bands, keep, alpha_prune);
  if (!std::isfinite(point.residual)) return found;

  const VersionSpace space = version_space(bands, A, zeta);
  found.entropy = entropy_of(A, zeta, C, space);
  found.information = -2.0 / keep * space.log_volume;
  found.identity_error = identity_error(bands, A, zeta, C);
  const double root = std::sqrt(norm);
  const Closure at_exact_R{found.R, (1.0 + zeta * zeta) / (root * (root + A))};
  found.paper_closure.information_at_exact_R =
      -2.0 / keep * at_exact_R.version_space_of(bands).log_volume;
  for (const Step& by_residual : {point.by_alpha, point.by_balance}) {
    add_errors(found.error_bound, found, -2.0 / keep * A * space.alignment,
               2.0 / keep * zeta * zeta * space.overlap, by_residual);
  }
  add_rounding(found, 0.5 * (zeta * zeta + std::log1p(variance)) - C * space.log_volume);
  return found;
}

double closure_information(const Pruning& pruning, double R) {
  check_range(R, {.name = "R", .min = 0, .max = 1, .max_open = true});
  const std::vector<Band> bands = positive_bands(pruning);
  if (R == 0.0) return std::numbers::ln2;
  const Closure at{R, 1.0 - R};
  return -2.0 / pruning.keep() * at.version_space_of(bands).log_volume;
}

}  // namespace winnow::theory
