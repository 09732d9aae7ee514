#include "numerics/eigen_library.hpp"
#include "winnow/core/error.hpp"

// In a namespace of its own, as in kernels/dense_scalar.cpp.
#define Eigen winnow_eigen_symmetric
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Eigenvalues>

namespace winnow::numerics {

AscendingEigen library_eigenpairs(MatrixView<const double> a, std::int64_t count) {
  using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Dense> matrix(a.data(), a.rows(), a.cols());
  // It reads the lower triangle; LAPACK is given the upper.
  const Eigen::SelfAdjointEigenSolver<Dense> solved(matrix.transpose());
  if (solved.info() != Eigen::Success) throw WorkFailed("Eigen found no eigenvalues");
  AscendingEigen result{{}, Matrix<double>(count, a.rows())};
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t source = a.rows() - count + k;
    result.values.push_back(solved.eigenvalues()[source]);
    Eigen::Map<Eigen::VectorXd>(result.vectors.row(k).data(), a.rows()) =
        solved.eigenvectors().col(source);
  }
  return result;
}

}  // namespace winnow::numerics
