#pragma once

#include "theory/moments.hpp"

namespace winnow::theory {

/// A student near the saddle point, from anywhere: good enough for Newton's method on the
/// equations.
///
///     minimise |p|^2 / 2  subject to  N(p) <= s,   p = (J_T, J_r, s) = (m_T, m_r, 1) / x,
///     N(p)^2 = a E (1 - J_T tau - J_r r - s xi)_+^2 = a s^2 <Psi2>
///
/// by sequential quadratic programming. N is convex, so there is one solution and it has x > 0:
/// the spurious roots of the equations, x < 0, are out of reach.
///
/// @param start  Where to begin; null: where little data or plenty of it suggest.
/// @param work   What it took is added.
Student convex_search(const Pruning& pruning, double alpha_prune, const Student* start, Work& work);

}  // namespace winnow::theory
