#pragma once

#include <vector>

#include "winnow/core/matrix.hpp"

namespace winnow::numerics {

/// Eigenpairs of a real symmetric matrix, largest eigenvalue first.
struct SymmetricEigen {
  std::vector<double> values;  ///< [count], descending.
  Matrix<double> vectors;      ///< [count, n], unit rows; the largest entry of each is positive.
};

/// The `count` largest eigenpairs of a symmetric matrix, by LAPACK's dsyevr on one thread.
///
/// @param a      [n, n], symmetric (the upper triangle is read), finite, n >= 1.
/// @param count  1 <= count <= n.
/// @throws InvalidArgument  not square, or count out of range; WorkFailed when LAPACK fails.
///
/// Same bits for any number of threads. O(n^3).
/// Dhillon and Parlett, "Multiple representations ...", LAA 387, 2004 (the MRRR algorithm).
SymmetricEigen largest_eigenpairs(MatrixView<const double> a, std::int64_t count);

}  // namespace winnow::numerics
