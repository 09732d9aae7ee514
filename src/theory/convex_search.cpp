#include "theory/convex_search.hpp"

#include <algorithm>
#include <cmath>

#include "theory/gaussian.hpp"
#include "theory/small_linear.hpp"

namespace winnow::theory {

namespace {

Student student_of(const Vector3& p) { return {p[0] / p[2], p[1] / p[2], 1.0 / p[2]}; }
Vector3 point_of(const Student& student) {
  return {student.m_teacher / student.x, student.m_probe / student.x, 1.0 / student.x};
}

/// The convex problem at one point: G = N - s with its derivatives.
struct Constraint {
  double value = 0.0;
  Vector3 gradient{};
  Matrix3 hessian{};  ///< Of N (s is linear).
};

Constraint constraint_at(const Vector3& p, const Moments& m, double a) {
  const Student at = student_of(p);
  const double s = p[2];
  const double norm = s * std::sqrt(a * m.psi2);
  const Vector3 half_gradient = {-a * s * m.teacher_psi1, -a * s * m.probe_psi1, a * s * m.psi0};
  // phi = Psi1 - y Psi0, and E xi^2 [xi < y] = Psi0 - y phi.
  const double teacher_phi = m.teacher_psi1 - at.x * m.teacher_psi0 +
                             at.m_teacher * m.teacher2_psi0 + at.m_probe * m.cross_psi0;
  const double probe_phi =
      m.probe_psi1 - at.x * m.probe_psi0 + at.m_teacher * m.cross_psi0 + at.m_probe * m.probe2_psi0;
  const double y_psi1 = at.x * m.psi1 - at.m_teacher * m.teacher_psi1 - at.m_probe * m.probe_psi1;
  const double y2_psi0 =
      at.x *
          (at.x * m.psi0 - 2.0 * at.m_teacher * m.teacher_psi0 - 2.0 * at.m_probe * m.probe_psi0) +
      at.m_teacher * at.m_teacher * m.teacher2_psi0 +
      2.0 * at.m_teacher * at.m_probe * m.cross_psi0 + at.m_probe * at.m_probe * m.probe2_psi0;
  const Matrix3 second = {{{m.teacher2_psi0, m.cross_psi0, -teacher_phi},
                           {m.cross_psi0, m.probe2_psi0, -probe_phi},
                           {-teacher_phi, -probe_phi, m.psi0 - y_psi1 + y2_psi0}}};
  Constraint found;
  found.value = norm - s;
  for (std::size_t i = 0; i < 3; ++i) {
    found.gradient[i] = half_gradient[i] / norm - (i == 2 ? 1.0 : 0.0);
    for (std::size_t j = 0; j < 3; ++j) {
      found.hessian[i][j] =
          (a * second[i][j] - half_gradient[i] * half_gradient[j] / (norm * norm)) / norm;
    }
  }
  return found;
}

/// Share of the teacher's boundary, tau = 0, that pruning keeps.
double boundary_keep(const Pruning& pruning) {
  const auto below = [&](double margin) {
    if (pruning.sine() == 0.0) return margin > 0.0 ? 1.0 : 0.0;
    return Phi(margin / pruning.sine());
  };
  double sum = 0.0;
  for (const Band& band : pruning.bands()) {
    sum += band.weight * (below(band.high) - below(band.low));
  }
  return sum;
}

/// Where a search may start when nothing better is known: Hebb's direction for little data, then
/// the teacher's with the length that the density of examples at its boundary gives.
Vector3 first_point(const Pruning& pruning, double a, Work& work) {
  const Moments flat = moments(pruning, {0.0, 0.0, 8.0}, work);  // Psi0 is 1 there
  const double share = std::max(boundary_keep(pruning) / pruning.keep(), 0.5);
  Student start{flat.teacher_psi0 * std::sqrt(a) + 0.64 * share * a,
                a < 2.0 ? flat.probe_psi0 * std::sqrt(a) : 0.0, 0.0};
  start.x =
      start.m_teacher * flat.teacher_psi0 + start.m_probe * flat.probe_psi0 + 1.0 / std::sqrt(a);
  // Newton's method for N = s along x, where N is convex.
  for (int i = 0; i < 8; ++i) {
    const Moments m = moments(pruning, start, work);
    const double norm = std::sqrt(a * m.psi2);
    if (!(norm > 0.0)) break;
    start.x = std::max(start.x - (norm - 1.0) * norm / (a * m.psi1), 0.3);
    if (std::abs(norm - 1.0) < 0.2 || start.x == 0.3) break;
  }
  return point_of(start);
}

/// Sequential quadratic programming. Every step is Newton's for the Lagrangian, shortened until the
/// merit |p|^2 / 2 + mu |G| falls.
class ConvexSearch {
 public:
  ConvexSearch(const Pruning& pruning, double a, Work& work)
      : pruning_(pruning), a_(a), work_(work) {}

  /// Stops when the steps are small enough for Newton's method on the equations.
  Vector3 run(Vector3 p) {
    constexpr int most = 200;
    Constraint here = constraint(p);
    // Exact at the solution: p = -lambda G'.
    double multiplier = dot(p, p) / std::max(-dot(p, here.gradient), 0.1 * p[2]);
    for (int i = 0; i < most; ++i, ++work_.iterations) {
      const Step step = newton_step(p, here, std::max(multiplier, 0.0));
      if (!step.solved) break;
      multiplier = step.multiplier;
      penalty_ = 1.5 * std::abs(multiplier);
      const double size = std::sqrt(dot(step.direction, step.direction) / dot(p, p));
      if (!advance(p, here, step.direction)) break;
      if (size < 1e-3 && std::abs(here.value) < 1e-3 * p[2]) break;
    }
    return p;
  }

 private:
  struct Step {
    Vector3 direction{};
    double multiplier = 0.0;
    bool solved = false;
  };

  Constraint constraint(const Vector3& p) const {
    return constraint_at(p, moments(pruning_, student_of(p), work_), a_);
  }
  double merit(const Vector3& p, const Constraint& at) const {
    return 0.5 * dot(p, p) + penalty_ * std::abs(at.value);
  }

  /// minimise p.d + d.H.d / 2, H = 1 + lambda N'',  subject to G + G'.d = 0
  static Step newton_step(const Vector3& p, const Constraint& at, double multiplier) {
    Matrix3 h{};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        h[i][j] = (i == j ? 1.0 : 0.0) + multiplier * at.hessian[i][j];
      }
    }
    Step step;
    Vector3 by_gradient{};
    Vector3 by_point{};
    if (!solve_linear(h, at.gradient, by_gradient) || !solve_linear(h, p, by_point)) return step;
    const double curvature = dot(at.gradient, by_gradient);
    if (!(curvature > 0.0)) return step;
    step.multiplier = (at.value - dot(at.gradient, by_point)) / curvature;
    for (std::size_t i = 0; i < 3; ++i) {
      step.direction[i] = -by_point[i] - step.multiplier * by_gradient[i];
    }
    step.solved = std::isfinite(step.multiplier);
    return step;
  }

  bool advance(Vector3& p, Constraint& here, const Vector3& direction) const {
    const double before = merit(p, here);
    const double slope = dot(p, direction) - penalty_ * std::abs(here.value);
    double length = 1.0;
    // s stays positive.
    if (direction[2] < 0.0) length = std::min(length, 0.9 * p[2] / -direction[2]);
    for (int halvings = 0; halvings < 50; ++halvings, length *= 0.5) {
      Vector3 next{};
      for (std::size_t i = 0; i < 3; ++i) next[i] = p[i] + length * direction[i];
      const Constraint there = constraint(next);
      if (merit(next, there) <= before + 1e-4 * length * slope + 1e-13 * before) {
        p = next;
        here = there;
        return true;
      }
    }
    return false;
  }

  const Pruning& pruning_;
  double a_;
  Work& work_;
  double penalty_ = 0.0;
};

}  // namespace

Student convex_search(const Pruning& pruning, double alpha_prune, const Student* start,
                      Work& work) {
  const Vector3 from =
      start == nullptr ? first_point(pruning, alpha_prune, work) : point_of(*start);
  return student_of(ConvexSearch(pruning, alpha_prune, work).run(from));
}

}  // namespace winnow::theory
