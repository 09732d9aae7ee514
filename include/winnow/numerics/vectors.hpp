#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::numerics {

/// sum_i a_i b_i in double; a and b of equal length. The same bits for every instruction set.
double dot(std::span<const float> a, std::span<const float> b);

/// |a - b|^2 in double; a and b of equal length. The same bits for every instruction set.
double squared_distance(std::span<const float> a, std::span<const float> b);

/// [n] Euclidean norms of the rows of an [n, d] matrix.
std::vector<double> row_norms(MatrixView<const float> rows);

/// Rows divided by their Euclidean norms.
///
/// @param rows  [n, d], finite.
/// @throws InvalidArgument naming the first row whose norm is zero: it has no direction.
/// Same bits for any number of threads. O(n d).
Matrix<float> normalize_rows(MatrixView<const float> rows);

/// @throws InvalidArgument that this row's norm is zero: what normalize_rows() throws.
[[noreturn]] void throw_no_direction(std::int64_t row);

/// Column means [d], summed in double in row order within fixed blocks.
std::vector<double> column_means(MatrixView<const float> rows);

/// Covariance (1/n) sum_i (x_i - mean)(x_i - mean)^T, [d, d], symmetric.
///
/// Products run in float32 over blocks of 1,024 centred rows, blocks are added in double.
/// Same bits for any number of threads. O(n d^2) time, O(d^2 + 1024 d) memory.
Matrix<double> covariance(MatrixView<const float> rows, std::span<const double> mean,
                          Progress& progress = silent());

}  // namespace winnow::numerics
