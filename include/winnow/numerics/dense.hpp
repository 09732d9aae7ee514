#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"

/// Linear algebra of large dense matrices in double precision: Eigen, compiled once per instruction
/// set. Work is cut into blocks that depend on shapes alone and spread over the threads, so all
/// results have the same bits for any number of threads (not for any instruction set).
namespace winnow::numerics {

/// a x, [rows], for a [rows, cols] and x [cols].
std::vector<double> times(MatrixView<const double> a, std::span<const double> x);

/// a' x, [cols], for a [rows, cols] and x [rows].
std::vector<double> transposed_times(MatrixView<const double> a, std::span<const double> x);

/// The chosen rows of a, in the order given.
Matrix<double> gather_rows(MatrixView<const double> a, std::span<const std::int64_t> rows);

/// sum over the chosen rows of weight_i a_i a_i', [cols, cols]; the lower triangle, the rest is
/// undefined. O(rows cols^2) time, 1,024 rows of memory beside the result. Scalar is the precision
/// of products and sums: double, or float at half the time.
///
/// @param rows     Indices of rows of a.
/// @param weights  [rows], >= 0.
template <class Scalar>
Matrix<Scalar> weighted_gram(MatrixView<const double> a, std::span<const std::int64_t> rows,
                             std::span<const double> weights);

/// a a', [rows, rows]: dot products between all rows; the lower triangle, the rest is undefined.
Matrix<double> row_gram(MatrixView<const double> a);

/// Overwrites the lower triangle of a symmetric matrix by its Cholesky factor; false, and a
/// destroyed, when it is not positive definite. Only the lower triangle is read. One thread.
template <class Scalar>
bool cholesky(Matrix<Scalar>& a);

/// x with a x = b, in place of b, for a factor made by cholesky().
template <class Scalar>
void cholesky_solve(const Matrix<Scalar>& factor, std::span<double> b);

/// Rows of a positive semidefinite matrix that span all of them, ascending: those that a Cholesky
/// factorisation with diagonal pivoting takes before no more than rounding is left, n eps times the
/// largest diagonal entry. Only the lower triangle is read. O(n r^2) for rank r.
std::vector<std::int64_t> independent_rows(const Matrix<double>& a);

double dot(std::span<const double> a, std::span<const double> b);
double norm(std::span<const double> a);

}  // namespace winnow::numerics
