#include "winnow/numerics/product.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <tuple>

#include "numerics/product_library.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::numerics {
namespace {

using testing::expect_error;
using testing::normal_matrix;
using testing::Threads;
using testing::values_of;

struct Shape {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
};

class Products : public ::testing::TestWithParam<std::tuple<Shape, Transpose, Transpose>> {
 protected:
  Shape shape() const { return std::get<0>(GetParam()); }
  Transpose left() const { return std::get<1>(GetParam()); }
  Transpose right() const { return std::get<2>(GetParam()); }
  Matrix<float> a() const {
    return left() == Transpose::no ? normal_matrix(shape().m, shape().k, 1)
                                   : normal_matrix(shape().k, shape().m, 1);
  }
  Matrix<float> b() const {
    return right() == Transpose::no ? normal_matrix(shape().k, shape().n, 2)
                                    : normal_matrix(shape().n, shape().k, 2);
  }
};

/// |entry|, for bounds.
Matrix<float> absolute(Matrix<float> matrix) {
  for (float& value : std::span(matrix.data(), static_cast<std::size_t>(matrix.size()))) {
    value = std::abs(value);
  }
  return matrix;
}

TEST_P(Products, AgreeWithTheReference) {
  constexpr float alpha = 1.5F;
  constexpr float beta = -0.25F;
  const Matrix<float> start = normal_matrix(shape().m, shape().n, 3);
  Matrix<float> c = start;
  Matrix<float> dense = start;
  Matrix<float> expected = start;
  Matrix<float> sizes(shape().m, shape().n);
  product(a(), left(), b(), right(), c, alpha, beta);
  dense_product(a(), left(), b(), right(), dense, alpha, beta);
  product_reference(a(), left(), b(), right(), expected, alpha, beta);
  product_reference(absolute(a()), left(), absolute(b()), right(), sizes);
  for (std::int64_t i = 0; i < c.rows(); ++i) {
    for (std::int64_t j = 0; j < c.cols(); ++j) {
      // A sum of k float32 products in any order errs by at most k eps sum |a||b|, eps = 2^-24;
      // alpha, beta, their sum and the reference's own rounding add three more roundings.
      const double bound = 0x1p-24 * (static_cast<double>(shape().k + 4) * alpha * sizes(i, j) +
                                      std::abs(beta * start(i, j)));
      ASSERT_NEAR(c(i, j), expected(i, j), bound) << i << ", " << j;
      ASSERT_NEAR(dense(i, j), expected(i, j), bound) << i << ", " << j;
    }
  }
}

TEST_P(Products, ReferenceIsTheTextbookSum) {
  const Matrix<float> x = a();
  const Matrix<float> y = b();
  Matrix<float> c(shape().m, shape().n);
  product_reference(x, left(), y, right(), c, 2.0F);
  const std::int64_t i = shape().m - 1;
  const std::int64_t j = shape().n / 2;
  double sum = 0.0;
  for (std::int64_t l = 0; l < shape().k; ++l) {
    sum += static_cast<double>(left() == Transpose::no ? x(i, l) : x(l, i)) *
           static_cast<double>(right() == Transpose::no ? y(l, j) : y(j, l));
  }
  EXPECT_FLOAT_EQ(c(i, j), static_cast<float>(2.0 * sum));
}

TEST_P(Products, ResultIsNotReadWithoutBeta) {
  Matrix<float> c(shape().m, shape().n);
  std::fill_n(c.data(), c.size(), std::numeric_limits<float>::quiet_NaN());
  Matrix<float> dense = c;
  Matrix<float> reference = c;
  product(a(), left(), b(), right(), c);
  dense_product(a(), left(), b(), right(), dense, 1.0F, 0.0F);
  product_reference(a(), left(), b(), right(), reference);
  for (std::int64_t i = 0; i < c.size(); ++i) {
    ASSERT_TRUE(std::isfinite(c.data()[i]));
    ASSERT_TRUE(std::isfinite(dense.data()[i]));
    ASSERT_TRUE(std::isfinite(reference.data()[i]));
  }
}

std::string shape_name(const ::testing::TestParamInfo<Products::ParamType>& test) {
  const auto& [shape, left, right] = test.param;
  return std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" + std::to_string(shape.k) +
         (left == Transpose::yes ? "T" : "N") + (right == Transpose::yes ? "T" : "N");
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Products,
    ::testing::Combine(::testing::Values(Shape{1, 1, 1}, Shape{1, 7, 3}, Shape{5, 1, 17},
                                         Shape{3, 5, 1}, Shape{17, 33, 65}, Shape{31, 16, 127},
                                         Shape{129, 67, 255}, Shape{257, 513, 9}),
                       ::testing::Values(Transpose::no, Transpose::yes),
                       ::testing::Values(Transpose::no, Transpose::yes)),
    shape_name);

TEST(Product, NothingIsDoneForAnEmptyResult) {
  Matrix<float> c(0, 4);
  product(Matrix<float>(0, 3), Transpose::no, normal_matrix(3, 4, 1), Transpose::no, c);
  EXPECT_TRUE(c.empty());
}

TEST(Product, SameBitsInsideParallelBlocksWhateverTheThreads) {
  const Matrix<float> a = normal_matrix(300, 77, 1);
  const Matrix<float> b = normal_matrix(55, 77, 2);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    Matrix<float> c(300, 55);
    parallel_blocks(3, silent(), [&](std::int64_t block) {
      product(a.view().block(100 * block, 100), Transpose::no, b, Transpose::yes,
              c.view().block(100 * block, 100));
    });
    results.push_back(values_of(c));
  }
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

TEST(Product, DenseKernelsGiveTheSameBitsWhateverTheThreads) {
  const Matrix<float> a = normal_matrix(700, 77, 1);
  const Matrix<float> b = normal_matrix(77, 300, 2);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    Matrix<float> c(700, 300);
    dense_product(a, Transpose::no, b, Transpose::no, c, 1.0F, 0.0F);
    results.push_back(values_of(c));
  }
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

/// Puts the process back to the instruction set it chose itself.
class IsaTest : public ::testing::Test {
 protected:
  void TearDown() override { set_isa(Isa::automatic); }
};

TEST_F(IsaTest, ScalarRunsTheReference) {
  const Matrix<float> a = normal_matrix(19, 301, 1);
  const Matrix<float> b = normal_matrix(301, 23, 2);
  Matrix<float> c(19, 23);
  Matrix<float> expected(19, 23);
  set_isa(Isa::scalar);
  EXPECT_EQ(isa(), Isa::scalar);
  product(a, Transpose::no, b, Transpose::no, c);
  product_reference(a, Transpose::no, b, Transpose::no, expected);
  EXPECT_EQ(values_of(c), values_of(expected));
}

TEST_F(IsaTest, IsLeftAloneWhereItCannotBeSet) {
  Matrix<float> c(1, 1);
  product(normal_matrix(1, 1, 1), Transpose::no, normal_matrix(1, 1, 1), Transpose::no, c);
  // Too late, or this machine or build has none of it: an error either way.
  expect_error<Error>([] { set_isa(Isa::amx); }, {"isa"});
  EXPECT_EQ(isa(), Isa::automatic);
}

/// In a fresh process: sets the cap before the first product. Exits 0 when it took hold, or when
/// the machine or the build lacks it and that is what the error says.
[[noreturn]] void set_first(Isa wanted) {
  Matrix<float> c(1, 1);
  bool right = false;
  try {
    set_isa(wanted);
    product(normal_matrix(1, 5, 1), Transpose::no, normal_matrix(5, 1, 2), Transpose::no, c);
    right = isa() == wanted;
  } catch (const InvalidArgument& error) {
    const std::string message = error.what();
    right = isa() == Isa::automatic && message.find("this machine") != std::string::npos;
  } catch (const NotAvailable&) {
    right = isa() == Isa::automatic && wanted == Isa::amx;
  }
  std::exit(right ? 0 : 1);
}

class FreshIsaDeathTest : public ::testing::TestWithParam<Isa> {};

TEST_P(FreshIsaDeathTest, TakesHoldBeforeTheFirstProduct) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(set_first(GetParam()), ::testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(All, FreshIsaDeathTest,
                         ::testing::Values(Isa::automatic, Isa::scalar, Isa::avx2, Isa::avx512,
                                           Isa::amx),
                         [](const auto& test) { return enum_name(test.param); });

}  // namespace
}  // namespace winnow::numerics
