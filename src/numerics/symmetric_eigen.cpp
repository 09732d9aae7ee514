#include "winnow/numerics/symmetric_eigen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "numerics/eigen_library.hpp"
#include "winnow/core/error.hpp"

namespace winnow::numerics {

SymmetricEigen largest_eigenpairs(MatrixView<const double> a, std::int64_t count) {
  if (a.rows() != a.cols() || a.rows() < 1 || count < 1 || count > a.rows()) {
    throw InvalidArgument(fmt::format(
        "largest_eigenpairs: {} pairs of a [{}, {}] matrix; expected a square matrix and 1 to n",
        count, a.rows(), a.cols()));
  }
  const std::int64_t n = a.rows();
  const auto [values, vectors] = library_eigenpairs(a, count);
  SymmetricEigen result{std::vector<double>(static_cast<std::size_t>(count)),
                        Matrix<double>(count, n)};
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t source = count - 1 - k;
    result.values[static_cast<std::size_t>(k)] = values[static_cast<std::size_t>(source)];
    const double* vector = vectors.row(source).data();
    const double* largest = std::max_element(
        vector, vector + n, [](double x, double y) { return std::abs(x) < std::abs(y); });
    const double sign = *largest < 0.0 ? -1.0 : 1.0;
    for (std::int64_t i = 0; i < n; ++i) result.vectors(k, i) = sign * vector[i];
  }
  return result;
}

}  // namespace winnow::numerics
