// Included by dense_<isa>.cpp inside an anonymous namespace, after Eigen.

using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

void times(const double* a, std::int64_t rows, std::int64_t cols, const double* x, double* y) {
  Eigen::Map<Vector>(y, rows).noalias() =
      Eigen::Map<const Dense>(a, rows, cols) * Eigen::Map<const Vector>(x, cols);
}

void transposed_times(const double* a, std::int64_t rows, std::int64_t cols, const double* x,
                      double* y) {
  Eigen::Map<Vector>(y, cols).noalias() =
      Eigen::Map<const Dense>(a, rows, cols).transpose() * Eigen::Map<const Vector>(x, rows);
}

void add_column_products(const double* a, std::int64_t rows, std::int64_t cols, const Tile& tile,
                         double* gram) {
  const Eigen::Map<const Dense> all(a, rows, cols);
  Eigen::Map<Dense>(gram, cols, cols).block(tile.row, tile.col, tile.rows, tile.cols).noalias() +=
      all.middleCols(tile.row, tile.rows).transpose() * all.middleCols(tile.col, tile.cols);
}

void row_products(const double* a, std::int64_t rows, std::int64_t cols, const Tile& tile,
                  double* gram) {
  const Eigen::Map<const Dense> all(a, rows, cols);
  Eigen::Map<Dense>(gram, rows, rows).block(tile.row, tile.col, tile.rows, tile.cols).noalias() =
      all.middleRows(tile.row, tile.rows) * all.middleRows(tile.col, tile.cols).transpose();
}

bool cholesky(double* a, std::int64_t n) {
  Eigen::Map<Dense> matrix(a, n, n);
  const Eigen::LLT<Eigen::Ref<Dense>, Eigen::Lower> factored(matrix);
  return factored.info() == Eigen::Success;
}

void cholesky_solve(const double* factor, std::int64_t n, double* b) {
  const Eigen::Map<const Dense> lower(factor, n, n);
  Eigen::Map<Vector> x(b, n);
  lower.triangularView<Eigen::Lower>().solveInPlace(x);
  lower.triangularView<Eigen::Lower>().transpose().solveInPlace(x);
}

constexpr DenseKernels table{times,        transposed_times, add_column_products,
                             row_products, cholesky,         cholesky_solve};
