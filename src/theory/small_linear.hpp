#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

namespace winnow::theory {

using Vector3 = std::array<double, 3>;
using Matrix3 = std::array<Vector3, 3>;

inline double dot(const Vector3& a, const Vector3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

inline Matrix3 transposed(const Matrix3& a) {
  return {{{a[0][0], a[1][0], a[2][0]}, {a[0][1], a[1][1], a[2][1]}, {a[0][2], a[1][2], a[2][2]}}};
}

/// Gaussian elimination of `a` x = `b` with rows chosen by their size relative to the row's largest
/// entry, so that equations of any scale serve. False when singular or not finite.
inline bool solve_linear(Matrix3 a, Vector3 b, Vector3& x) {
  for (std::size_t i = 0; i < 3; ++i) {
    double scale = 0.0;
    for (const double value : a[i]) scale = std::max(scale, std::abs(value));
    if (!(scale > 0.0) || !std::isfinite(scale)) return false;
    for (double& value : a[i]) value /= scale;
    b[i] /= scale;
  }
  for (std::size_t column = 0; column < 3; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < 3; ++row) {
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    }
    if (a[pivot][column] == 0.0) return false;
    std::swap(a[pivot], a[column]);
    std::swap(b[pivot], b[column]);
    for (std::size_t row = column + 1; row < 3; ++row) {
      const double factor = a[row][column] / a[column][column];
      for (std::size_t k = column; k < 3; ++k) a[row][k] -= factor * a[column][k];
      b[row] -= factor * b[column];
    }
  }
  for (std::size_t i = 3; i > 0; --i) {
    double sum = b[i - 1];
    for (std::size_t k = i; k < 3; ++k) sum -= a[i - 1][k] * x[k];
    x[i - 1] = sum / a[i - 1][i - 1];
  }
  return std::isfinite(x[0]) && std::isfinite(x[1]) && std::isfinite(x[2]);
}

}  // namespace winnow::theory
