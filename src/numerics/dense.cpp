#include "winnow/numerics/dense.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "numerics/kernels/dense.hpp"
#include "numerics/product_library.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::numerics {

namespace {

constexpr std::int64_t entries_per_block = 1 << 19;  // of a matrix-vector product
constexpr std::int64_t rows_per_chunk = 1024;        // gathered at once for a Gram matrix
constexpr std::int64_t tile_edge = 256;              // of a Gram matrix or product
constexpr std::int64_t untiled = 512;                // smaller ones are not worth a second thread

/// Blocks of rows that depend on the matrix's shape alone.
class RowBlocks {
 public:
  explicit RowBlocks(MatrixView<const double> a)
      : rows_(a.rows()),
        size_(std::max<std::int64_t>(1, entries_per_block / std::max<std::int64_t>(1, a.cols()))) {}
  std::int64_t count() const { return (rows_ + size_ - 1) / size_; }
  /// work(first, rows, block)
  template <class Work>
  void each(const Work& work) const {
    parallel_blocks(count(), silent(), [&](std::int64_t block) {
      work(block * size_, std::min(size_, rows_ - block * size_), block);
    });
  }

 private:
  std::int64_t rows_, size_;
};

/// work(tile) for the tiles on and below the diagonal of an [n, n] matrix.
template <class Work>
void for_lower_tiles(std::int64_t n, const Work& work) {
  const std::int64_t edge = n <= untiled ? n : tile_edge;
  const std::int64_t side = n == 0 ? 0 : (n + edge - 1) / edge;
  parallel_blocks(side * (side + 1) / 2, silent(), [&](std::int64_t index) {
    std::int64_t i = 0;
    while ((i + 1) * (i + 2) / 2 <= index) ++i;
    const std::int64_t j = index - i * (i + 1) / 2;
    work(Tile{i * edge, std::min(edge, n - i * edge), j * edge, std::min(edge, n - j * edge)});
  });
}

}  // namespace

std::vector<double> times(MatrixView<const double> a, std::span<const double> x) {
  assert(static_cast<std::int64_t>(x.size()) == a.cols());
  std::vector<double> y(static_cast<std::size_t>(a.rows()));
  RowBlocks(a).each([&](std::int64_t first, std::int64_t rows, std::int64_t) {
    dense_kernels().times(a.row(first).data(), rows, a.cols(), x.data(), y.data() + first);
  });
  return y;
}

std::vector<double> transposed_times(MatrixView<const double> a, std::span<const double> x) {
  assert(static_cast<std::int64_t>(x.size()) == a.rows());
  const RowBlocks blocks(a);
  Matrix<double> partial(blocks.count(), a.cols());
  blocks.each([&](std::int64_t first, std::int64_t rows, std::int64_t block) {
    dense_kernels().transposed_times(a.row(first).data(), rows, a.cols(), x.data() + first,
                                     partial.row(block).data());
  });
  std::vector<double> y(static_cast<std::size_t>(a.cols()), 0.0);
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    const auto part = partial.row(block);
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += part[j];
  }
  return y;
}

Matrix<double> gather_rows(MatrixView<const double> a, std::span<const std::int64_t> rows) {
  auto gathered = Matrix<double>::uninitialized(static_cast<std::int64_t>(rows.size()), a.cols());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    std::ranges::copy(a.row(rows[k]), gathered.row(static_cast<std::int64_t>(k)).begin());
  }
  return gathered;
}

template <class Scalar>
Matrix<Scalar> weighted_gram(MatrixView<const double> a, std::span<const std::int64_t> rows,
                             std::span<const double> weights) {
  assert(rows.size() == weights.size());
  Matrix<Scalar> gram(a.cols(), a.cols());
  const auto total = static_cast<std::int64_t>(rows.size());
  auto chunk = Matrix<Scalar>::uninitialized(std::min(rows_per_chunk, total), a.cols());
  for (std::int64_t first = 0; first < total; first += rows_per_chunk) {
    const std::int64_t count = std::min(rows_per_chunk, total - first);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto index = static_cast<std::size_t>(first + k);
      const double root = std::sqrt(weights[index]);
      std::ranges::transform(a.row(rows[index]), chunk.row(k).begin(),
                             [&](double value) { return static_cast<Scalar>(root * value); });
    }
    for_lower_tiles(a.cols(), [&](const Tile& tile) {
      dense_kernels().of<Scalar>().add_column_products(chunk.data(), count, a.cols(), tile,
                                                       gram.data());
    });
  }
  return gram;
}

Matrix<double> row_gram(MatrixView<const double> a) {
  auto gram = Matrix<double>::uninitialized(a.rows(), a.rows());
  for_lower_tiles(a.rows(), [&](const Tile& tile) {
    dense_kernels().row_products(a.data(), a.rows(), a.cols(), tile, gram.data());
  });
  return gram;
}

void dense_product(MatrixView<const float> a, Transpose transpose_a, MatrixView<const float> b,
                   Transpose transpose_b, MatrixView<float> c, float alpha, float beta) {
  const bool turned = transpose_a == Transpose::yes;
  const ProductOperands operands{.a = a.data(),
                                 .b = b.data(),
                                 .c = c.data(),
                                 .transpose_a = turned,
                                 .transpose_b = transpose_b == Transpose::yes,
                                 .m = c.rows(),
                                 .n = c.cols(),
                                 .k = turned ? a.rows() : a.cols(),
                                 .alpha = alpha,
                                 .beta = beta};
  const std::int64_t down = (c.rows() + tile_edge - 1) / tile_edge;
  const std::int64_t across = (c.cols() + tile_edge - 1) / tile_edge;
  parallel_blocks(down * across, silent(), [&](std::int64_t index) {
    const std::int64_t row = index / across * tile_edge;
    const std::int64_t col = index % across * tile_edge;
    dense_kernels().product(operands, Tile{row, std::min(tile_edge, c.rows() - row), col,
                                           std::min(tile_edge, c.cols() - col)});
  });
}

template <class Scalar>
bool cholesky(Matrix<Scalar>& a) {
  assert(a.rows() == a.cols());
  return dense_kernels().of<Scalar>().factor(a.data(), a.rows());
}

template <class Scalar>
void cholesky_solve(const Matrix<Scalar>& factor, std::span<double> b) {
  assert(static_cast<std::int64_t>(b.size()) == factor.rows());
  if constexpr (std::is_same_v<Scalar, double>) {
    dense_kernels().in_double.solve(factor.data(), factor.rows(), b.data());
  } else {
    std::vector<Scalar> x(b.begin(), b.end());
    dense_kernels().of<Scalar>().solve(factor.data(), factor.rows(), x.data());
    std::ranges::copy(x, b.begin());
  }
}

template Matrix<float> weighted_gram(MatrixView<const double> a, std::span<const std::int64_t> rows,
                                     std::span<const double> weights);
template Matrix<double> weighted_gram(MatrixView<const double> a,
                                      std::span<const std::int64_t> rows,
                                      std::span<const double> weights);
template bool cholesky(Matrix<float>& a);
template bool cholesky(Matrix<double>& a);
template void cholesky_solve(const Matrix<float>& factor, std::span<double> b);
template void cholesky_solve(const Matrix<double>& factor, std::span<double> b);

// By hand because Eigen's LDLT pivots on diagonals that it has not updated, and LAPACK's dpstrf has
// other bits for other numbers of threads.
std::vector<std::int64_t> independent_rows(const Matrix<double>& a) {
  assert(a.rows() == a.cols());
  const std::int64_t n = a.rows();
  Matrix<double> factor(n, n);
  std::vector<double> left;  // of the diagonal
  for (std::int64_t i = 0; i < n; ++i) left.push_back(a(i, i));
  const double rounding = static_cast<double>(n) * std::numeric_limits<double>::epsilon() *
                          (n > 0 ? *std::max_element(left.begin(), left.end()) : 0.0);
  std::vector<std::int64_t> chosen;
  for (std::int64_t k = 0; k < n; ++k) {
    const auto largest = std::max_element(left.begin(), left.end());
    if (!(*largest > rounding)) break;
    const std::int64_t pivot = largest - left.begin();
    const double root = std::sqrt(*largest);
    const auto known = factor.row(pivot).first(static_cast<std::size_t>(k));
    for (std::int64_t i = 0; i < n; ++i) {
      const double entry =
          a(std::max(i, pivot), std::min(i, pivot)) - dot(known, factor.row(i).first(known.size()));
      factor(i, k) = entry / root;
      left[static_cast<std::size_t>(i)] -= factor(i, k) * factor(i, k);
    }
    left[static_cast<std::size_t>(pivot)] = 0.0;
    chosen.push_back(pivot);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

double dot(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double norm(std::span<const double> a) { return std::sqrt(dot(a, a)); }

}  // namespace winnow::numerics
