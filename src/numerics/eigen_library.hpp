#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/matrix.hpp"

namespace winnow::numerics {

/// Eigenvalues in ascending order and, row by row, unit eigenvectors of either sign.
struct AscendingEigen {
  std::vector<double> values;
  Matrix<double> vectors;
};

/// The `count` largest of a symmetric matrix, by LAPACK, or by Eigen where it is left out. The same
/// bits for any number of threads.
AscendingEigen library_eigenpairs(MatrixView<const double> a, std::int64_t count);

}  // namespace winnow::numerics
