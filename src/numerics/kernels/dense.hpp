#pragma once

#include <cstdint>
#include <type_traits>

namespace winnow::numerics {

/// Position of a tile of a square matrix.
struct Tile {
  std::int64_t row = 0, rows = 0, col = 0, cols = 0;
};

/// Gram matrices and their Cholesky factors, in single or double precision.
template <class Scalar>
struct CholeskyKernels {
  /// The tile of gram [cols, cols] += that of a' a, a [rows, cols].
  void (*add_column_products)(const Scalar* a, std::int64_t rows, std::int64_t cols,
                              const Tile& tile, Scalar* gram);
  bool (*factor)(Scalar* a, std::int64_t n);
  void (*solve)(const Scalar* factor, std::int64_t n, Scalar* b);
};

/// c = alpha op(a) op(b) + beta c, row-major.
struct ProductOperands {
  const float* a;  ///< [m, k], or [k, m] when transposed
  const float* b;  ///< [k, n], or [n, k] when transposed
  float* c;        ///< [m, n]; not read when beta is 0
  bool transpose_a, transpose_b;
  std::int64_t m, n, k;
  float alpha, beta;
};

/// Blocks of dense linear algebra, compiled once per instruction set; matrices are row-major and
/// contiguous, each call runs on the calling thread.
struct DenseKernels {
  /// y = a x for a [rows, cols].
  void (*times)(const double* a, std::int64_t rows, std::int64_t cols, const double* x, double* y);
  /// y = a' x for a [rows, cols].
  void (*transposed_times)(const double* a, std::int64_t rows, std::int64_t cols, const double* x,
                           double* y);
  /// The tile of gram [rows, rows] = that of a a', a [rows, cols].
  void (*row_products)(const double* a, std::int64_t rows, std::int64_t cols, const Tile& tile,
                       double* gram);
  /// The tile of c.
  void (*product)(const ProductOperands& operands, const Tile& tile);
  CholeskyKernels<double> in_double;
  CholeskyKernels<float> in_single;

  template <class Scalar>
  const CholeskyKernels<Scalar>& of() const {
    if constexpr (std::is_same_v<Scalar, double>) {
      return in_double;
    } else {
      return in_single;
    }
  }
};

namespace scalar {
const DenseKernels& dense_kernels();
}
namespace avx2 {
const DenseKernels& dense_kernels();
}
namespace avx512 {
const DenseKernels& dense_kernels();
}

/// The table for the instruction set in force.
const DenseKernels& dense_kernels();

}  // namespace winnow::numerics
