#include "winnow/numerics/vectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::numerics {

namespace {

constexpr std::int64_t block_rows = 1024;

std::int64_t block_count(std::int64_t n) { return (n + block_rows - 1) / block_rows; }

std::int64_t rows_of_block(std::int64_t block, std::int64_t n) {
  return std::min(block_rows, n - block * block_rows);
}

}  // namespace

double dot(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  return kernels().dot(a.data(), b.data(), static_cast<std::int64_t>(a.size()));
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  return kernels().squared_distance(a.data(), b.data(), static_cast<std::int64_t>(a.size()));
}

std::vector<double> row_norms(MatrixView<const float> rows) {
  std::vector<double> norms(static_cast<std::size_t>(rows.rows()));
  parallel_blocks(block_count(rows.rows()), silent(), [&](std::int64_t block) {
    const std::int64_t begin = block * block_rows;
    for (std::int64_t i = begin; i < begin + rows_of_block(block, rows.rows()); ++i) {
      norms[static_cast<std::size_t>(i)] = std::sqrt(dot(rows.row(i), rows.row(i)));
    }
  });
  return norms;
}

void throw_no_direction(std::int64_t row) {
  throw InvalidArgument(
      fmt::format("row {} has norm 0; a cosine distance needs a direction; drop the row or use "
                  "--geometry euclidean",
                  row));
}

Matrix<float> normalize_rows(MatrixView<const float> rows) {
  const std::vector<double> norms = row_norms(rows);
  const auto zero = std::find(norms.begin(), norms.end(), 0.0);
  if (zero != norms.end()) throw_no_direction(zero - norms.begin());
  Matrix<float> unit(rows.rows(), rows.cols());
  parallel_blocks(block_count(rows.rows()), silent(), [&](std::int64_t block) {
    const std::int64_t begin = block * block_rows;
    for (std::int64_t i = begin; i < begin + rows_of_block(block, rows.rows()); ++i) {
      kernels().scale(rows.row(i).data(), 1.0 / norms[static_cast<std::size_t>(i)],
                      unit.row(i).data(), rows.cols());
    }
  });
  return unit;
}

std::vector<double> column_means(MatrixView<const float> rows) {
  const std::int64_t blocks = block_count(rows.rows());
  const auto width = static_cast<std::size_t>(rows.cols());
  std::vector<std::vector<double>> sums(static_cast<std::size_t>(blocks));
  const auto add_to = kernels().add_to;
  parallel_blocks(blocks, silent(), [&](std::int64_t block) {
    std::vector<double>& sum = sums[static_cast<std::size_t>(block)];
    sum.assign(width, 0.0);
    for (std::int64_t i = 0; i < rows_of_block(block, rows.rows()); ++i) {
      add_to(rows.row(block * block_rows + i).data(), sum.data(), rows.cols());
    }
  });
  std::vector<double> mean(width, 0.0);
  for (const auto& sum : sums) {
    for (std::size_t j = 0; j < width; ++j) mean[j] += sum[j];
  }
  for (double& value : mean) value /= static_cast<double>(rows.rows());
  return mean;
}

Matrix<double> covariance(MatrixView<const float> rows, std::span<const double> mean,
                          Progress& progress) {
  const std::int64_t d = rows.cols();
  constexpr std::int64_t tile = 256;
  const std::int64_t tiles = (d + tile - 1) / tile;
  Matrix<double> result(d, d);
  // Row blocks one after the other, tiles of the result in parallel: the order of additions into
  // any entry is that of the blocks.
  Matrix<float> centred(block_rows, d);
  for (std::int64_t block = 0; block < block_count(rows.rows()); ++block) {
    const std::int64_t count = rows_of_block(block, rows.rows());
    parallel_blocks(count, silent(), [&](std::int64_t i) {
      const auto source = rows.row(block * block_rows + i);
      const auto target = centred.row(i);
      for (std::size_t j = 0; j < source.size(); ++j) {
        target[j] = static_cast<float>(source[j] - mean[j]);
      }
    });
    parallel_blocks(tiles, progress, [&](std::int64_t t) {
      // Upper triangle only: rows [begin, begin + height) against columns [begin, d).
      const std::int64_t begin = t * tile;
      const std::int64_t height = std::min(tile, d - begin);
      Matrix<float> left(count, height);
      for (std::int64_t i = 0; i < count; ++i) {
        std::copy_n(centred.row(i).data() + begin, height, left.row(i).data());
      }
      Matrix<float> partial(height, d);
      product(left, Transpose::yes, centred.view().block(0, count), Transpose::no, partial);
      for (std::int64_t i = 0; i < height; ++i) {
        for (std::int64_t j = begin + i; j < d; ++j) result(begin + i, j) += partial(i, j);
      }
    });
  }
  const double scale = 1.0 / static_cast<double>(rows.rows());
  for (std::int64_t i = 0; i < d; ++i) {
    for (std::int64_t j = i; j < d; ++j) result(i, j) = result(j, i) = result(i, j) * scale;
  }
  return result;
}

}  // namespace winnow::numerics
