#pragma once

#include <cstdint>

#include "theory/kernels/line_sums.hpp"
#include "winnow/theory/pruning.hpp"

// Legend (docs/theory.md): T the teacher, tau = |T.x| of N(0, 1) given tau > 0, r = e_r.x where the
// probe is T cos theta - e_r sin theta, z = tau cos theta - r sin theta its margin; the
// student is J ~ (m_T, m_r, 1), x = kappa / s, y = x - m_T tau - m_r r.
//   <F> = 2 / f  int_{tau > 0} Dtau int Dr w(z) F

namespace winnow::theory {

/// A student's direction and margin, in units of its part outside the plane of teacher and probe.
struct Student {
  double m_teacher = 0.0;
  double m_probe = 0.0;
  double x = 0.0;

  double norm_squared() const { return 1.0 + m_teacher * m_teacher + m_probe * m_probe; }
};

/// Averages over what pruning keeps.
struct Moments {
  double psi2 = 0.0;                                                ///< <Psi2>
  double psi1 = 0.0, teacher_psi1 = 0.0, probe_psi1 = 0.0;          ///< <(1, tau, r) Psi1>
  double psi0 = 0.0, teacher_psi0 = 0.0, probe_psi0 = 0.0;          ///< <(1, tau, r) Psi0>
  double teacher2_psi0 = 0.0, cross_psi0 = 0.0, probe2_psi0 = 0.0;  ///< <(tau^2, tau r, r^2) Psi0>
};

/// What solving took.
struct Work {
  std::int32_t iterations = 0;  ///< Newton steps.
  std::int64_t nodes = 0;       ///< Of quadrature.
};

/// Relative accuracy about 1e-14 for sums of one sign, and of the largest terms for others.
Moments moments(const Pruning& pruning, const Student& student, Work& work);

/// Sums over the kept bands of teacher margins tau = shift + t > 0, without the factor 2 / f.
LineSums line_sums(const Pruning& pruning, const Line& line, Work& work);

}  // namespace winnow::theory
