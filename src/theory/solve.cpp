#include "winnow/theory/solve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "theory/convex_search.hpp"
#include "theory/moments.hpp"
#include "theory/small_linear.hpp"
#include "winnow/core/options.hpp"

// Legend: as in moments.hpp; a = alpha_prune. The saddle point, docs/theory.md:
//   (A) a <Psi2> = 1,  (B) x m_T <Psi1> = n^2 <tau Psi1>,  (C) x m_r <Psi1> = n^2 <r Psi1>

namespace winnow::theory {

namespace {

/// The unknowns (m_T, m_r, delta): delta = x - m_T edge is y at the edge of the kept teacher
/// margins, which does not cancel where x and m_T are large. edge = 0 unless the probe is exact.
struct Unknowns {
  Vector3 values{};
  double edge = 0.0;

  double m_teacher() const { return values[0]; }
  double m_probe() const { return values[1]; }
  double delta() const { return values[2]; }
  Student student() const { return {m_teacher(), m_probe(), delta() + m_teacher() * edge}; }
};

/// The equations, each divided by its largest term, and their derivatives by the unknowns.
struct Equations {
  Vector3 residual{};
  Matrix3 jacobian{};
  double identity_error = 0.0;  ///< |a (kappa <s Psi1> + <Phi>) - 1|
};

/// With an exact probe (C) is empty and (B) becomes m <y Psi1> = <tau Psi1>, free of n^2.
Equations line_equations(const Pruning& pruning, double a, const Unknowns& at, Work& work) {
  const double m = at.m_teacher();
  const LineSums sum = line_sums(pruning, {at.delta(), m, at.edge}, work);
  const double weight = 2.0 * a / pruning.keep();
  const double y_psi1 = at.delta() * sum.psi1 - m * sum.t_psi1;
  const double y_psi0 = at.delta() * sum.psi0 - m * sum.t_psi0;
  const double ty_psi0 = at.delta() * sum.t_psi0 - m * sum.t2_psi0;
  const double tau_psi1 = at.edge * sum.psi1 + sum.t_psi1;
  const double largest_term = m * (std::abs(at.delta()) * sum.psi1 + m * sum.t_psi1) + tau_psi1;
  Equations e;
  e.residual = {weight * sum.psi2 - 1.0, (m * y_psi1 - tau_psi1) / largest_term, 0.0};
  e.jacobian[0] = {-2.0 * weight * sum.t_psi1, 0.0, 2.0 * weight * sum.psi1};
  e.jacobian[1] = {
      (y_psi1 - m * (sum.t_psi1 + ty_psi0) + at.edge * sum.t_psi0 + sum.t2_psi0) / largest_term,
      0.0, (m * (sum.psi1 + y_psi0) - at.edge * sum.psi0 - sum.t_psi0) / largest_term};
  e.jacobian[2] = {0.0, 1.0, 0.0};
  const double x = at.student().x;
  e.identity_error = std::abs(weight * (x / (1.0 + m * m) * sum.psi1 + sum.psi0) - 1.0);
  return e;
}

Equations plane_equations(const Pruning& pruning, double a, const Unknowns& unknowns, Work& work) {
  const Student at = unknowns.student();
  const Moments m = moments(pruning, at, work);
  const double n2 = at.norm_squared();
  const double ratio = at.x / n2;
  Equations e;
  e.residual[0] = a * m.psi2 - 1.0;
  e.jacobian[0] = {-2.0 * a * m.teacher_psi1, -2.0 * a * m.probe_psi1, 2.0 * a * m.psi1};
  const Vector3 direction = {at.m_teacher, at.m_probe, 0.0};
  const Vector3 psi1 = {m.teacher_psi1, m.probe_psi1, 0.0};
  const Vector3 psi0 = {m.teacher_psi0, m.probe_psi0, 0.0};
  const Matrix3 second = {
      {{m.teacher2_psi0, m.cross_psi0, 0.0}, {m.cross_psi0, m.probe2_psi0, 0.0}, {0.0, 0.0, 0.0}}};
  // <r Psi1> may vanish by symmetry; |r| is of order one.
  const Vector3 scale = {m.teacher_psi1, std::max(std::abs(m.probe_psi1), 0.25 * m.psi1), 1.0};
  for (std::size_t i = 0; i < 2; ++i) {
    e.residual[i + 1] = (ratio * direction[i] * m.psi1 - psi1[i]) / scale[i];
    for (std::size_t j = 0; j < 2; ++j) {
      const double own = i == j ? ratio * m.psi1 : 0.0;
      e.jacobian[i + 1][j] = (own - 2.0 * ratio * direction[i] * direction[j] * m.psi1 / n2 -
                              ratio * direction[i] * psi0[j] + second[i][j]) /
                             scale[i];
    }
    e.jacobian[i + 1][2] =
        (direction[i] * m.psi1 / n2 + ratio * direction[i] * m.psi0 - psi0[i]) / scale[i];
  }
  e.identity_error = std::abs(a * (ratio * m.psi1 + m.psi0) - 1.0);
  return e;
}

double largest(const Vector3& v) {
  return std::max({std::abs(v[0]), std::abs(v[1]), std::abs(v[2])});
}

/// Newton's method on the equations, as long as they get better.
class Polish {
 public:
  Polish(const Pruning& pruning, double a, Work& work) : pruning_(pruning), a_(a), work_(work) {}

  struct Result {
    Unknowns at;
    Equations equations;
  };

  Result run(const Student& start) const {
    constexpr int most = 12;
    Result best;
    if (pruning_.is_exact()) best.at.edge = std::max(pruning_.bands().front().low, 0.0);
    best.at.values = {start.m_teacher, start.m_probe, start.x - start.m_teacher * best.at.edge};
    best.equations = equations(best.at);
    for (int i = 0; i < most; ++i, ++work_.iterations) {
      Vector3 step{};
      if (!solve_linear(best.equations.jacobian, best.equations.residual, step)) break;
      Result next = best;
      for (std::size_t k = 0; k < 3; ++k) next.at.values[k] -= step[k];
      if (!(next.at.student().x > 0.0)) break;
      next.equations = equations(next.at);
      if (!(largest(next.equations.residual) < largest(best.equations.residual))) break;
      best = next;
    }
    return best;
  }

  /// Relative rounding of the equations: of their sums, and in the plane of
  /// y = x - m_T tau - m_r r where these cancel.
  double rounding(const Unknowns& at) const {
    return pruning_.is_exact() ? 1e-14 : 1e-14 + 1e-15 * at.student().x;
  }

 private:
  Equations equations(const Unknowns& at) const {
    return pruning_.is_exact() ? line_equations(pruning_, a_, at, work_)
                               : plane_equations(pruning_, a_, at, work_);
  }

  const Pruning& pruning_;
  double a_;
  Work& work_;
};

/// What an error `rounding` of the equations does to the result, through the inverse Jacobian.
Solution::Errors error_bound(const Polish::Result& solved, const Solution& found,
                             const Pruning& pruning, double rounding) {
  const Student s = solved.at.student();
  const double n2 = s.norm_squared();
  const double n = std::sqrt(n2);
  const double perpendicular = std::sqrt(1.0 + s.m_probe * s.m_probe);
  // Gradients by (m_T, m_r, delta).
  const double angle_scale = 1.0 / (n2 * std::numbers::pi);
  const Vector3 epsilon = {-perpendicular * angle_scale,
                           s.m_teacher * s.m_probe / perpendicular * angle_scale, 0.0};
  const double edge_term =
      solved.at.edge * perpendicular * perpendicular - solved.at.delta() * s.m_teacher;
  const Vector3 kappa = {edge_term / (n2 * n), -s.x * s.m_probe / (n2 * n), 1.0 / n};
  const Vector3 rho = {(pruning.cosine() - found.rho * s.m_teacher / n) / n,
                       (-pruning.sine() - found.rho * s.m_probe / n) / n, 0.0};
  const Vector3 cosine = {perpendicular * perpendicular / (n2 * n),
                          -s.m_teacher * s.m_probe / (n2 * n), 0.0};
  const auto bound = [&](const Vector3& gradient, double value) {
    Vector3 weights{};
    if (!solve_linear(transposed(solved.equations.jacobian), gradient, weights)) return 1.0;
    double sum = std::numeric_limits<double>::epsilon() * std::abs(value);
    for (std::size_t i = 0; i < 3; ++i) {
      sum += std::abs(weights[i]) * (rounding + std::abs(solved.equations.residual[i]));
    }
    return sum;
  };
  return {bound(cosine, found.R), bound(rho, found.rho), bound(kappa, found.kappa),
          bound(epsilon, found.epsilon)};
}

Solution solution_of(const Polish::Result& solved, const Pruning& pruning, double a,
                     double rounding) {
  const Student s = solved.at.student();
  const double n = std::sqrt(s.norm_squared());
  Solution found;
  found.alpha_prune = a;
  found.keep = pruning.keep();
  found.alpha_tot = a / found.keep;
  found.m_teacher = s.m_teacher;
  found.m_probe = s.m_probe;
  found.x = s.x;
  found.R = s.m_teacher / n;
  found.rho = (s.m_teacher * pruning.cosine() - s.m_probe * pruning.sine()) / n;
  found.kappa = s.x / n;
  found.epsilon =
      std::atan2(std::sqrt(1.0 + s.m_probe * s.m_probe), s.m_teacher) / std::numbers::pi;
  found.residual = largest(solved.equations.residual);
  found.identity_error = solved.equations.identity_error;
  found.error_bound = error_bound(solved, found, pruning, rounding);
  found.converged = found.residual <= 1e3 * rounding && s.x > 0.0;
  return found;
}

}  // namespace

Solution solve(const Pruning& pruning, double alpha_prune, const Solution* guess) {
  check_range(alpha_prune, {.name = "alpha-prune", .min = 1e-4, .max = 1e7});
  Work work;
  const auto from = [&](const Student* start) {
    const Student near = convex_search(pruning, alpha_prune, start, work);
    const Polish polish(pruning, alpha_prune, work);
    const auto solved = polish.run(near);
    return solution_of(solved, pruning, alpha_prune, polish.rounding(solved.at));
  };
  Solution found;
  if (guess != nullptr && guess->converged) {
    const Student start{guess->m_teacher, guess->m_probe, guess->x};
    found = from(&start);
  }
  if (!found.converged) found = from(nullptr);
  found.iterations = work.iterations;
  found.nodes = work.nodes;
  return found;
}

}  // namespace winnow::theory
