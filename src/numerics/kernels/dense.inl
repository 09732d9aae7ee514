// Included by dense_<isa>.cpp inside an anonymous namespace, after Eigen.

template <class Scalar>
using DenseOf = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Dense = DenseOf<double>;
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

template <class Scalar>
void add_column_products(const Scalar* a, std::int64_t rows, std::int64_t cols, const Tile& tile,
                         Scalar* gram) {
  const Eigen::Map<const DenseOf<Scalar>> all(a, rows, cols);
  Eigen::Map<DenseOf<Scalar>>(gram, cols, cols)
      .block(tile.row, tile.col, tile.rows, tile.cols)
      .noalias() +=
      all.middleCols(tile.row, tile.rows).transpose() * all.middleCols(tile.col, tile.cols);
}

void row_products(const double* a, std::int64_t rows, std::int64_t cols, const Tile& tile,
                  double* gram) {
  const Eigen::Map<const Dense> all(a, rows, cols);
  Eigen::Map<Dense>(gram, rows, rows).block(tile.row, tile.col, tile.rows, tile.cols).noalias() =
      all.middleRows(tile.row, tile.rows) * all.middleRows(tile.col, tile.cols).transpose();
}

template <bool transpose_a, bool transpose_b>
void product_as(const ProductOperands& p, const Tile& tile) {
  using Single = DenseOf<float>;
  const Eigen::Map<const Single> a(p.a, transpose_a ? p.k : p.m, transpose_a ? p.m : p.k);
  const Eigen::Map<const Single> b(p.b, transpose_b ? p.n : p.k, transpose_b ? p.k : p.n);
  auto c = Eigen::Map<Single>(p.c, p.m, p.n).block(tile.row, tile.col, tile.rows, tile.cols);
  if (p.beta == 0.0F) {
    c.setZero();
  } else if (p.beta != 1.0F) {
    c *= p.beta;
  }
  const auto add = [&](const auto& left, const auto& right) {
    c.noalias() += p.alpha * (left * right);
  };
  if constexpr (transpose_a && transpose_b) {
    add(a.middleCols(tile.row, tile.rows).transpose(),
        b.middleRows(tile.col, tile.cols).transpose());
  } else if constexpr (transpose_a) {
    add(a.middleCols(tile.row, tile.rows).transpose(), b.middleCols(tile.col, tile.cols));
  } else if constexpr (transpose_b) {
    add(a.middleRows(tile.row, tile.rows), b.middleRows(tile.col, tile.cols).transpose());
  } else {
    add(a.middleRows(tile.row, tile.rows), b.middleCols(tile.col, tile.cols));
  }
}

void product(const ProductOperands& p, const Tile& tile) {
  const auto run = p.transpose_a ? (p.transpose_b ? product_as<true, true> : product_as<true, false>)
                                 : (p.transpose_b ? product_as<false, true> : product_as<false, false>);
  run(p, tile);
}

template <class Scalar>
bool cholesky(Scalar* a, std::int64_t n) {
  Eigen::Map<DenseOf<Scalar>> matrix(a, n, n);
  const Eigen::LLT<Eigen::Ref<DenseOf<Scalar>>, Eigen::Lower> factored(matrix);
  return factored.info() == Eigen::Success;
}

template <class Scalar>
void cholesky_solve(const Scalar* factor, std::int64_t n, Scalar* b) {
  const Eigen::Map<const DenseOf<Scalar>> matrix(factor, n, n);
  Eigen::Map<Eigen::Matrix<Scalar, Eigen::Dynamic, 1>> x(b, n);
  const auto lower = matrix.template triangularView<Eigen::Lower>();
  lower.solveInPlace(x);
  lower.transpose().solveInPlace(x);
}

template <class Scalar>
constexpr CholeskyKernels<Scalar> cholesky_table{add_column_products<Scalar>, cholesky<Scalar>,
                                                 cholesky_solve<Scalar>};

constexpr DenseKernels table{times,   transposed_times,       row_products,
                             product, cholesky_table<double>, cholesky_table<float>};
