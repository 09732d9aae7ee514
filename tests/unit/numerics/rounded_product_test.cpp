#include "winnow/numerics/rounded_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "unit/support.hpp"
#include "winnow/numerics/kernels.hpp"

namespace winnow::numerics {
namespace {

using testing::normal_matrix;

class RoundedProducts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RoundedProduct::pays(64)) GTEST_SKIP() << "needs AMX";
  }
};

std::vector<const float*> starts_of(MatrixView<const float> rows) {
  std::vector<const float*> starts;
  for (std::int64_t i = 0; i < rows.rows(); ++i) starts.push_back(rows.row(i).data());
  return starts;
}

double exact(std::span<const float> a, std::span<const float> b) {
  long double sum = 0.0L;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<long double>(a[i]) * b[i];
  return static_cast<double>(sum);
}

/// At odd sizes, in whole and in partial blocks, for numbers of very different sizes.
TEST_F(RoundedProducts, ErrWithinTheirBounds) {
  for (const std::int64_t d : {1, 7, 64, 515}) {
    for (const float scale : {1.0F, 1e-25F, 1e15F}) {
      Matrix<float> rows = normal_matrix(37, d, 1);
      Matrix<float> columns = normal_matrix(70, d, 2);
      for (std::int64_t i = 0; i < rows.size(); ++i) rows.data()[i] *= scale;
      for (std::int64_t j = 0; j < 70; ++j) {
        for (float& value : columns.row(j)) value *= std::ldexp(1.0F, static_cast<int>(j % 9) - 4);
      }
      const RoundedProduct product(columns);
      double most_of_bound = 0.0;
      for (const std::int64_t begin : {0, 20}) {
        const std::int64_t count = std::min<std::int64_t>(20, 37 - begin);
        Matrix<float> out(count, 70);
        std::vector<double> errors(static_cast<std::size_t>(count));
        product.apply(starts_of(rows.view().block(begin, count)), out, errors);
        for (std::int64_t i = 0; i < count; ++i) {
          const double bound = errors[static_cast<std::size_t>(i)];
          for (std::int64_t j = 0; j < 70; ++j) {
            const double error = std::abs(out(i, j) - exact(rows.row(begin + i), columns.row(j)));
            ASSERT_LE(error, bound) << "row " << begin + i << " column " << j << " of " << d;
            most_of_bound = std::max(most_of_bound, error / bound);
          }
        }
      }
      EXPECT_GT(most_of_bound, 0.01) << "a bound that tells something";
    }
  }
}

TEST_F(RoundedProducts, NumbersThatBfloat16RoundsToInfinityHaveNoBound) {
  Matrix<float> rows(2, 3);
  rows(0, 1) = std::numeric_limits<float>::max();
  rows(1, 1) = 1.0F;
  Matrix<float> columns(64, 3);
  columns(5, 1) = 1.0F;
  const RoundedProduct product(columns);
  Matrix<float> out(2, 64);
  std::vector<double> errors(2);
  product.apply(starts_of(rows), out, errors);
  EXPECT_FALSE(std::isfinite(errors[0]));
  EXPECT_LT(errors[1], 1e-3);
  EXPECT_EQ(out(1, 5), 1.0F);
}

/// Squares that float32 cannot hold, and those whose sums it rounds most.
TEST(RoundBf16, SquaresAreNeverTooSmall) {
  for (const Kernels* table : {&scalar::kernels(), &kernels()}) {
    for (const float scale : {1e-38F, 1e-25F, 1e-12F, 1.0F, 1e12F, 1e20F, 1e38F}) {
      for (const std::int64_t n : {1, 31, 1000, 5000}) {
        Matrix<float> x = normal_matrix(1, n, 9);
        for (float& value : x.row(0)) value = std::clamp(value, -3.0F, 3.0F) * scale;
        std::vector<std::uint16_t> rounded(static_cast<std::size_t>(n));
        const RoundedSquares squares = table->round_bf16(x.data(), rounded.data(), n);
        long double all = 0.0L;
        long double residual = 0.0L;
        for (std::int64_t i = 0; i < n; ++i) {
          const auto bits = static_cast<std::uint32_t>(rounded[static_cast<std::size_t>(i)]) << 16U;
          const long double value = x(0, i);
          const long double lost = value - static_cast<long double>(std::bit_cast<float>(bits));
          all += value * value;
          residual += lost * lost;
        }
        const double most = 1.0 + static_cast<double>(n + 4) * 0x1p-22;
        // Sums in double may be too small by their own rounding, which who uses them allows for.
        EXPECT_GE(squares.all, static_cast<double>(all) * (1.0 - 1e-12));
        EXPECT_LE(squares.all, static_cast<double>(all) * most);
        EXPECT_GE(squares.residual, static_cast<double>(residual) * (1.0 - 1e-12));
        EXPECT_LE(squares.residual, static_cast<double>(residual) * most);
      }
    }
  }
}

TEST(RoundBf16, TiesGoToEvenAndSquaresAreThoseOfTheParts) {
  for (const Kernels* table : {&scalar::kernels(), &kernels()}) {
    // 1, 1 + 2^-8 (a tie, down), 1 + 3 2^-8 (a tie, up), just above a tie, a negative.
    const std::vector<float> values{1.0F, 1.00390625F, 1.01171875F, 1.00390637F, -2.5F};
    const std::vector<std::uint16_t> expected{0x3F80, 0x3F80, 0x3F82, 0x3F81, 0xC020};
    std::vector<std::uint16_t> rounded(values.size());
    const RoundedSquares squares = table->round_bf16(values.data(), rounded.data(), 5);
    EXPECT_EQ(rounded, expected);
    double residual = 0.0;
    const std::vector<double> after{1.0, 1.0, 1.015625, 1.0078125, -2.5};
    for (std::size_t i = 0; i < after.size(); ++i) {
      const auto before = static_cast<double>(values[i]);
      residual += (before - after[i]) * (before - after[i]);
    }
    EXPECT_GE(squares.residual, residual);
    EXPECT_LE(squares.residual, residual * (1.0 + 7 * 0x1p-22));
    EXPECT_GE(squares.all, exact(values, values));
    EXPECT_LE(squares.all, exact(values, values) * (1.0 + 7 * 0x1p-22));
  }
}

}  // namespace
}  // namespace winnow::numerics
