#include "theory/max_margin_dense.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "winnow/core/parallel.hpp"

// NOLINTBEGIN(readability-identifier-naming): BLAS' and LAPACK's names.
extern "C" {
void dgemv_(const char* transpose, const int* m, const int* n, const double* alpha, const double* a,
            const int* lda, const double* x, const int* incx, const double* beta, double* y,
            const int* incy);
void dgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n,
            const int* k, const double* alpha, const double* a, const int* lda, const double* b,
            const int* ldb, const double* beta, double* c, const int* ldc);
void dsyrk_(const char* triangle, const char* transpose, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* beta, double* c,
            const int* ldc);
void dpotrf_(const char* triangle, const int* n, double* a, const int* lda, int* info);
void dpotrs_(const char* triangle, const int* n, const int* nrhs, const double* a, const int* lda,
             double* b, const int* ldb, int* info);
void dpstrf_(const char* triangle, const int* n, double* a, const int* lda, int* pivots, int* rank,
             const double* tolerance, double* work, int* info);
void openblas_set_num_threads(int count);
int openblas_get_num_threads();
}
// NOLINTEND(readability-identifier-naming)

namespace winnow::theory::dense {

namespace {

constexpr std::int64_t entries_per_block = 1 << 19;  // of a matrix-vector product
constexpr std::int64_t rows_per_chunk = 1024;        // gathered at once for a Gram matrix
constexpr std::int64_t tile = 256;                   // of a Gram matrix
constexpr std::int64_t untiled = 512;                // smaller ones are not worth a second thread

const double one = 1.0;
const double zero = 0.0;
const int unit_stride = 1;

std::mutex blas_mutex;
int blas_users = 0;
int blas_threads_before = 1;

/// Blocks of rows that depend on the matrix's shape alone.
struct RowBlocks {
  std::int64_t rows, size, count;

  RowBlocks(std::int64_t n_rows, std::int64_t n_cols)
      : rows(n_rows),
        size(std::max<std::int64_t>(1, entries_per_block / n_cols)),
        count((n_rows + size - 1) / size) {}
  /// work(first, rows, block)
  template <class Work>
  void each(const Work& work) const {
    parallel_blocks(count, silent(), [&](std::int64_t block) {
      work(block * size, std::min(size, rows - block * size), block);
    });
  }
};

/// work(i, rows, j, cols) for the tiles on and below the diagonal of an [n, n] matrix.
template <class Work>
void for_lower_tiles(std::int64_t n, const Work& work) {
  const std::int64_t edge = n <= untiled ? n : tile;
  const std::int64_t side = (n + edge - 1) / edge;
  parallel_blocks(side * (side + 1) / 2, silent(), [&](std::int64_t index) {
    std::int64_t row = 0;
    while ((row + 1) * (row + 2) / 2 <= index) ++row;
    const std::int64_t i = row * edge;
    const std::int64_t j = (index - row * (row + 1) / 2) * edge;
    work(i, static_cast<int>(std::min(edge, n - i)), j, static_cast<int>(std::min(edge, n - j)));
  });
}

}  // namespace

SingleThreadedBlas::SingleThreadedBlas() {
  const std::lock_guard lock(blas_mutex);
  if (blas_users++ > 0) return;
  blas_threads_before = openblas_get_num_threads();
  openblas_set_num_threads(1);
}

SingleThreadedBlas::~SingleThreadedBlas() {
  const std::lock_guard lock(blas_mutex);
  if (--blas_users == 0) openblas_set_num_threads(blas_threads_before);
}

// Row-major [r, c] is BLAS' column-major c x r throughout.

std::vector<double> product(MatrixView<const double> z, std::span<const double> w) {
  std::vector<double> result(static_cast<std::size_t>(z.rows()));
  const int n = static_cast<int>(z.cols());
  RowBlocks(z.rows(), z.cols()).each([&](std::int64_t first, std::int64_t count, std::int64_t) {
    const int m = static_cast<int>(count);
    dgemv_("T", &n, &m, &one, z.row(first).data(), &n, w.data(), &unit_stride, &zero,
           result.data() + first, &unit_stride);
  });
  return result;
}

std::vector<double> transposed_product(MatrixView<const double> z, std::span<const double> a) {
  const int n = static_cast<int>(z.cols());
  const RowBlocks blocks(z.rows(), z.cols());
  Matrix<double> partial(blocks.count, z.cols());
  blocks.each([&](std::int64_t first, std::int64_t count, std::int64_t block) {
    const int m = static_cast<int>(count);
    dgemv_("N", &n, &m, &one, z.row(first).data(), &n, a.data() + first, &unit_stride, &zero,
           partial.row(block).data(), &unit_stride);
  });
  std::vector<double> result(static_cast<std::size_t>(z.cols()), 0.0);
  for (std::int64_t block = 0; block < blocks.count; ++block) {
    const auto row = partial.row(block);
    for (std::size_t j = 0; j < result.size(); ++j) result[j] += row[j];
  }
  return result;
}

Matrix<double> gather(MatrixView<const double> z, std::span<const std::int64_t> rows) {
  auto gathered = Matrix<double>::uninitialized(static_cast<std::int64_t>(rows.size()), z.cols());
  RowBlocks(gathered.rows(), gathered.cols())
      .each([&](std::int64_t first, std::int64_t count, std::int64_t) {
        for (std::int64_t i = first; i < first + count; ++i) {
          std::ranges::copy(z.row(rows[static_cast<std::size_t>(i)]), gathered.row(i).begin());
        }
      });
  return gathered;
}

Matrix<double> weighted_gram(MatrixView<const double> z, std::span<const std::int64_t> rows,
                             std::span<const double> weights) {
  Matrix<double> gram(z.cols(), z.cols());
  const int n = static_cast<int>(z.cols());
  for (std::size_t first = 0; first < rows.size(); first += rows_per_chunk) {
    const auto chunk_rows =
        rows.subspan(first, std::min<std::size_t>(rows_per_chunk, rows.size() - first));
    Matrix<double> chunk = gather(z, chunk_rows);
    for (std::int64_t i = 0; i < chunk.rows(); ++i) {
      const double root = std::sqrt(weights[first + static_cast<std::size_t>(i)]);
      for (double& value : chunk.row(i)) value *= root;
    }
    const int k = static_cast<int>(chunk.rows());
    for_lower_tiles(z.cols(), [&](std::int64_t i, int height, std::int64_t j, int width) {
      double* target = gram.data() + i * n + j;
      if (i == j) {
        dsyrk_("U", "N", &height, &k, &one, chunk.data() + i, &n, &one, target, &n);
      } else {
        dgemm_("N", "T", &width, &height, &k, &one, chunk.data() + j, &n, chunk.data() + i, &n,
               &one, target, &n);
      }
    });
  }
  return gram;
}

Matrix<double> row_gram(MatrixView<const double> rows) {
  Matrix<double> gram(rows.rows(), rows.rows());
  const int size = static_cast<int>(rows.rows());
  const int k = static_cast<int>(rows.cols());
  for_lower_tiles(rows.rows(), [&](std::int64_t i, int height, std::int64_t j, int width) {
    double* target = gram.data() + i * size + j;
    if (i == j) {
      dsyrk_("U", "T", &height, &k, &one, rows.row(i).data(), &k, &zero, target, &size);
    } else {
      dgemm_("T", "N", &width, &height, &k, &one, rows.row(j).data(), &k, rows.row(i).data(), &k,
             &zero, target, &size);
    }
  });
  return gram;
}

bool cholesky(Matrix<double>& a) {
  const int n = static_cast<int>(a.rows());
  int info = 0;
  dpotrf_("U", &n, a.data(), &n, &info);
  return info == 0;
}

std::vector<std::int64_t> independent_rows(Matrix<double> gram) {
  const int n = static_cast<int>(gram.rows());
  const double tolerance = -1.0;  // LAPACK's own: n eps times the largest diagonal entry
  std::vector<int> pivots(static_cast<std::size_t>(n));
  std::vector<double> work(2 * static_cast<std::size_t>(n));
  int rank = 0;
  int info = 0;
  dpstrf_("U", &n, gram.data(), &n, pivots.data(), &rank, &tolerance, work.data(), &info);
  std::vector<std::int64_t> chosen;
  for (int i = 0; i < rank; ++i) chosen.push_back(pivots[static_cast<std::size_t>(i)] - 1);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void cholesky_solve(const Matrix<double>& factor, std::span<double> b) {
  const int n = static_cast<int>(factor.rows());
  int info = 0;
  dpotrs_("U", &n, &unit_stride, factor.data(), &n, b.data(), &n, &info);
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double norm(std::span<const double> a) { return std::sqrt(dot(a, a)); }

}  // namespace winnow::theory::dense
