#include "winnow/cluster/rows.hpp"

#include <algorithm>
#include <cmath>

#include "winnow/core/parallel.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {

namespace {

std::int64_t chunks_of(std::int64_t rows) { return (rows + chunk_rows - 1) / chunk_rows; }

}  // namespace

Part part_of(std::int64_t n, int rank, int ranks) {
  const std::int64_t chunks = chunks_of(n);
  const auto bound = [&](std::int64_t r) { return std::min(n, chunks * r / ranks * chunk_rows); };
  return {bound(rank), bound(rank + 1)};
}

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

LoadedRows::LoadedRows(const Rows& rows, const Part& part, Progress& progress)
    : n_(rows.rows()),
      part_(part),
      values_(Matrix<float>::uninitialized(part.size(), rows.cols())) {
  parallel_blocks(chunks_of(part.size()), progress, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * chunk_rows;
    const std::int64_t count = std::min(chunk_rows, part.size() - first);
    const MatrixView<float> place = values_.view().block(first, count);
    const auto read = rows.read(part.begin + first, count, place);
    if (read.data() != place.data()) std::copy_n(read.data(), read.size(), place.data());
    progress.advance(count);
  });
}

}  // namespace winnow::cluster
