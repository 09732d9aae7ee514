#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"

/// Double precision products of the maximum-margin solver: OpenBLAS on one thread per block, blocks
/// of fixed size spread over winnow's threads, so the bits do not depend on their number.
namespace winnow::theory::dense {

/// One OpenBLAS thread while any of these is alive; its results depend on the number of threads.
class SingleThreadedBlas {
 public:
  SingleThreadedBlas();
  ~SingleThreadedBlas();
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;
};

/// z w, [rows].
std::vector<double> product(MatrixView<const double> z, std::span<const double> w);

/// z' a, [cols].
std::vector<double> transposed_product(MatrixView<const double> z, std::span<const double> a);

/// The chosen rows, one after the other.
Matrix<double> gather(MatrixView<const double> z, std::span<const std::int64_t> rows);

/// sum over the chosen rows i of weight_i z_i z_i', [cols, cols]; only the lower triangle is set.
/// `weights` >= 0 belong to `rows` one by one.
Matrix<double> weighted_gram(MatrixView<const double> z, std::span<const std::int64_t> rows,
                             std::span<const double> weights);

/// Dot products between all rows, [rows, rows]; only the lower triangle is set.
Matrix<double> row_gram(MatrixView<const double> rows);

/// Overwrites the lower triangle of `a` by its Cholesky factor; false when a is not positive
/// definite.
bool cholesky(Matrix<double>& a);

/// Rows of a positive semidefinite Gram matrix that span all of them, ascending: those that a
/// Cholesky factorisation with diagonal pivoting takes before what is left is rounding.
std::vector<std::int64_t> independent_rows(Matrix<double> gram);

/// Solves a x = b for x in place, given a's Cholesky factor.
void cholesky_solve(const Matrix<double>& factor, std::span<double> b);

double dot(std::span<const double> a, std::span<const double> b);
double norm(std::span<const double> a);

}  // namespace winnow::theory::dense
