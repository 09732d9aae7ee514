#include "embedding/projection.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "winnow/core/parallel.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/symmetric_eigen.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {

void Projection::apply(MatrixView<float> rows, MatrixView<float> out) const {
  constexpr std::int64_t block = 256;
  parallel_blocks((rows.rows() + block - 1) / block, silent(), [&](std::int64_t b) {
    const std::int64_t begin = b * block;
    const std::int64_t count = std::min(block, rows.rows() - begin);
    for (std::int64_t i = begin; i < begin + count; ++i) {
      const auto row = rows.row(i);
      std::transform(row.begin(), row.end(), mean.begin(), row.begin(), std::minus<>());
    }
    numerics::product(rows.block(begin, count), numerics::Transpose::no, directions,
                      numerics::Transpose::yes, out.block(begin, count));
  });
}

Matrix<float> Projection::of(MatrixView<const float> rows) const {
  auto centred = Matrix<float>::uninitialized(rows.rows(), rows.cols());
  std::copy_n(rows.data(), rows.size(), centred.data());
  auto out = Matrix<float>::uninitialized(rows.rows(), directions.rows());
  apply(centred, out);
  return out;
}

Projection fit_projection(MatrixView<const float> rows, std::int64_t dimensions, double floor,
                          Progress& progress) {
  const std::vector<double> mean = numerics::column_means(rows);
  const auto eigen =
      numerics::largest_eigenpairs(numerics::covariance(rows, mean, progress), dimensions);
  Projection projection{{mean.begin(), mean.end()}, Matrix<float>(dimensions, rows.cols())};
  const double mean_value = std::accumulate(eigen.values.begin(), eigen.values.end(), 0.0) /
                            static_cast<double>(dimensions);
  for (std::int64_t k = 0; k < dimensions; ++k) {
    const double value =
        std::max(eigen.values[static_cast<std::size_t>(k)], 0.0) + floor * mean_value;
    const double scale = value > 0.0 ? 1.0 / std::sqrt(value) : 0.0;
    for (std::int64_t j = 0; j < rows.cols(); ++j) {
      projection.directions(k, j) = static_cast<float>(eigen.vectors(k, j) * scale);
    }
  }
  return projection;
}

}  // namespace winnow::embedding
