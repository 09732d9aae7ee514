#include "numerics/kernels/dense.hpp"

// Eigen's inline functions differ by instruction set: each has its own namespace, lest the linker
// take one for another.
#define Eigen winnow_eigen_avx512
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Cholesky>
#include <Eigen/Core>

namespace winnow::numerics::avx512 {
namespace {
// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "numerics/kernels/dense.inl"
}  // namespace

const DenseKernels& dense_kernels() { return table; }

}  // namespace winnow::numerics::avx512
