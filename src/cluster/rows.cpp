#include "winnow/cluster/rows.hpp"

#include <cmath>

#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {

MatrixView<const float> UnitRows::read(std::int64_t begin, std::int64_t count,
                                       MatrixView<float> buffer) const {
  const auto& kernels = numerics::kernels();
  const MatrixView<const float> rows = rows_.read(begin, count, buffer);
  for (std::int64_t i = 0; i < count; ++i) {
    const float* row = rows.row(i).data();
    const double norm = std::sqrt(kernels.dot(row, row, rows.cols()));
    if (norm == 0.0) numerics::throw_no_direction(begin + i);
    kernels.scale(row, 1.0 / norm, buffer.row(i).data(), rows.cols());
  }
  return buffer.block(0, count);
}

}  // namespace winnow::cluster
