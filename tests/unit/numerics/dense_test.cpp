#include "winnow/numerics/dense.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <vector>

#include "numerics/kernels/dense.hpp"
#include "unit/support.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::numerics {
namespace {

Matrix<double> random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  Matrix<double> matrix(rows, cols);
  RandomStream random(Seed{seed}, "dense-test");
  for (std::int64_t i = 0; i < rows; ++i) {
    for (double& value : matrix.row(i)) value = random.normal();
  }
  return matrix;
}

/// sum_k a(k) b(k) in long double.
double exact_dot(std::span<const double> a, std::span<const double> b) {
  long double sum = 0.0L;
  for (std::size_t k = 0; k < a.size(); ++k) sum += static_cast<long double>(a[k]) * b[k];
  return static_cast<double>(sum);
}

Matrix<double> transposed(const Matrix<double>& a) {
  Matrix<double> t(a.cols(), a.rows());
  for (std::int64_t i = 0; i < a.rows(); ++i) {
    for (std::int64_t j = 0; j < a.cols(); ++j) t(j, i) = a(i, j);
  }
  return t;
}

/// Partial sums of k products of normal numbers stay below about k; each of k additions errs by at
/// most eps / 2 of that, with random signs. Four times as much leaves room for small k.
double rounding(std::int64_t k) {
  return 2.0 * 2.3e-16 * static_cast<double>(k) * std::sqrt(static_cast<double>(k)) + 1e-14;
}

// Shapes around the widths of registers, blocks (2^19 entries), chunks (1,024 rows) and tiles
// (256).
const std::vector<std::pair<std::int64_t, std::int64_t>> shapes = {
    {1, 1}, {3, 5}, {17, 9}, {64, 64}, {1030, 33}, {700, 777}, {1100, 513}};

TEST(Dense, ProductsWithVectors) {
  for (const auto& [rows, cols] : shapes) {
    const Matrix<double> a = random_matrix(rows, cols, 1);
    const Matrix<double> x = random_matrix(1, cols, 2);
    const Matrix<double> y = random_matrix(1, rows, 3);
    const Matrix<double> t = transposed(a);
    const auto ax = times(a, x.row(0));
    const auto aty = transposed_times(a, y.row(0));
    for (std::int64_t i = 0; i < rows; ++i) {
      EXPECT_NEAR(ax[static_cast<std::size_t>(i)], exact_dot(a.row(i), x.row(0)), rounding(cols));
    }
    for (std::int64_t j = 0; j < cols; ++j) {
      EXPECT_NEAR(aty[static_cast<std::size_t>(j)], exact_dot(t.row(j), y.row(0)), rounding(rows));
    }
  }
}

TEST(Dense, GramMatrices) {
  for (const auto& [rows, cols] : shapes) {
    const Matrix<double> a = random_matrix(rows, cols, 4);
    const Matrix<double> among_rows = row_gram(a);
    for (std::int64_t i = 0; i < rows; i += 1 + rows / 40) {
      for (std::int64_t j = 0; j <= i; j += 1 + rows / 50) {
        EXPECT_NEAR(among_rows(i, j), exact_dot(a.row(i), a.row(j)), rounding(cols));
      }
    }
    // Every second row backwards, the k-th with weight k.
    std::vector<std::int64_t> chosen;
    std::vector<double> weights;
    for (std::int64_t i = rows - 1; i >= 0; i -= rows > 1050 ? 1 : 2) {
      weights.push_back(static_cast<double>(chosen.size()) / static_cast<double>(rows));
      chosen.push_back(i);
    }
    const Matrix<double> gram = weighted_gram<double>(a, chosen, weights);
    Matrix<double> weighted = gather_rows(a, chosen);
    const Matrix<double> columns = transposed(weighted);
    for (std::int64_t k = 0; k < weighted.rows(); ++k) {
      for (double& value : weighted.row(k)) value *= weights[static_cast<std::size_t>(k)];
    }
    const Matrix<double> weighted_columns = transposed(weighted);
    for (std::int64_t i = 0; i < cols; i += 1 + cols / 40) {
      for (std::int64_t j = 0; j <= i; j += 1 + cols / 50) {
        EXPECT_NEAR(gram(i, j), exact_dot(columns.row(i), weighted_columns.row(j)), rounding(rows));
      }
    }
  }
}

TEST(Dense, CholeskySolvesAndRefusesIndefiniteMatrices) {
  for (const std::int64_t n : {1, 2, 7, 130, 517}) {
    const Matrix<double> a = random_matrix(n, n + 30, 5);
    Matrix<double> factor = row_gram(a);
    ASSERT_TRUE(cholesky(factor));
    std::vector<double> x(static_cast<std::size_t>(n), 1.0);
    cholesky_solve(factor, x);
    const auto ones = times(a, transposed_times(a, x));
    for (const double one : ones) EXPECT_NEAR(one, 1.0, 1e-9);
  }
  Matrix<double> indefinite(2, 2);
  indefinite(0, 0) = 1.0;
  indefinite(1, 0) = 2.0;
  indefinite(1, 1) = 3.0;
  EXPECT_FALSE(cholesky(indefinite));
}

TEST(Dense, RowsThatSpanAllOthers) {
  Matrix<double> a = random_matrix(40, 12, 6);
  for (std::int64_t i = 12; i < 40; ++i) std::ranges::copy(a.row(i % 12), a.row(i).begin());
  const auto chosen = independent_rows(row_gram(a));
  ASSERT_EQ(chosen.size(), 12U);
  std::vector<char> seen(12, 0);
  for (const std::int64_t row : chosen) seen[static_cast<std::size_t>(row % 12)] = 1;
  EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), 12);
  EXPECT_EQ(independent_rows(row_gram(random_matrix(9, 30, 7))).size(), 9U);
  EXPECT_EQ(independent_rows(row_gram(random_matrix(30, 9, 7))).size(), 9U);
}

TEST(Dense, SameBitsForAnyThreadCount) {
  const Matrix<double> a = random_matrix(1500, 700, 8);
  std::vector<std::int64_t> rows(1500);
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  const std::vector<double> ones(1500, 1.0);
  std::vector<std::vector<double>> results;
  for (const int count : {1, 2, 3}) {
    const testing::Threads threads(count);
    std::vector<double> all = times(a, transposed_times(a, ones));
    const Matrix<double> gram = weighted_gram<double>(a, rows, ones);
    for (std::int64_t i = 0; i < 700; ++i) {
      all.insert(all.end(), gram.row(i).begin(), gram.row(i).begin() + i + 1);
    }
    results.push_back(std::move(all));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

struct Table {
  Isa isa;
  const DenseKernels& kernels;
};

std::vector<Table> tables_here() {
  std::vector<Table> found = {{Isa::scalar, scalar::dense_kernels()}};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    found.push_back({Isa::avx2, avx2::dense_kernels()});
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
    found.push_back({Isa::avx512, avx512::dense_kernels()});
  }
  return found;
}

TEST(Dense, EveryInstructionSetAgrees) {
  constexpr std::int64_t rows = 61;
  constexpr std::int64_t cols = 45;
  const Matrix<double> a = random_matrix(rows, cols, 9);
  const Matrix<double> t = transposed(a);
  const Tile tile{8, 33, 3, 29};
  for (const Table& table : tables_here()) {
    SCOPED_TRACE(enum_name(table.isa));
    std::vector<double> y(rows);
    table.kernels.times(a.data(), rows, cols, t.data(), y.data());
    for (std::int64_t i = 0; i < rows; ++i) {
      EXPECT_NEAR(y[static_cast<std::size_t>(i)],
                  exact_dot(a.row(i), std::span(t.data(), static_cast<std::size_t>(cols))),
                  rounding(cols));
    }
    Matrix<double> gram(cols, cols);
    for (double& value : std::span(gram.data(), cols * cols)) value = 1.0;
    table.kernels.in_double.add_column_products(a.data(), rows, cols, tile, gram.data());
    Matrix<double> among(rows, rows);
    table.kernels.row_products(a.data(), rows, cols, tile, among.data());
    for (std::int64_t i = 0; i < cols; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) {
        const bool inside = i >= 8 && i < 41 && j >= 3 && j < 32;
        EXPECT_NEAR(gram(i, j), 1.0 + (inside ? exact_dot(t.row(i), t.row(j)) : 0.0),
                    rounding(rows));
        EXPECT_NEAR(among(i, j), inside ? exact_dot(a.row(i), a.row(j)) : 0.0, rounding(cols));
      }
    }
    Matrix<double> factor = row_gram(t);
    ASSERT_TRUE(table.kernels.in_double.factor(factor.data(), cols));
    std::vector<double> x(cols, 1.0);
    table.kernels.in_double.solve(factor.data(), cols, x.data());
    for (const double one : times(t, transposed_times(t, x))) EXPECT_NEAR(one, 1.0, 1e-9);
  }
}

}  // namespace
}  // namespace winnow::numerics
