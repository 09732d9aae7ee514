#include "winnow/core/matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

namespace winnow {
namespace {

TEST(Matrix, StartsAtZeroOnACacheLine) {
  const Matrix<float> matrix(3, 5);
  EXPECT_EQ(matrix.rows(), 3);
  EXPECT_EQ(matrix.cols(), 5);
  EXPECT_EQ(matrix.size(), 15);
  for (std::int64_t i = 0; i < 15; ++i) EXPECT_EQ(matrix.data()[i], 0.0F);
  EXPECT_EQ(std::bit_cast<std::uintptr_t>(matrix.data()) % 64, 0U);
  EXPECT_TRUE(Matrix<float>().empty());
  EXPECT_TRUE(Matrix<float>(0, 5).empty());
}

TEST(Matrix, LargeOnesStartAtZeroToo) {
  for (int i = 0; i < 3; ++i) {  // the second may get the memory of the first
    Matrix<float> matrix(1 << 12, 1 << 10);
    EXPECT_TRUE(std::all_of(matrix.data(), matrix.data() + matrix.size(),
                            [](float value) { return value == 0.0F; }));
    std::fill_n(matrix.data(), matrix.size(), 1.0F);
  }
}

TEST(Matrix, UninitializedOnesHaveShapeAndAlignment) {
  auto matrix = Matrix<float>::uninitialized(3, 5);
  EXPECT_EQ(matrix.rows(), 3);
  EXPECT_EQ(matrix.cols(), 5);
  EXPECT_EQ(std::bit_cast<std::uintptr_t>(matrix.data()) % 64, 0U);
  matrix(2, 4) = 1.0F;
  EXPECT_EQ(matrix.size(), 15);
}

TEST(Matrix, RowsAreContiguous) {
  Matrix<int> matrix(3, 4);
  for (int i = 0; i < 12; ++i) matrix.data()[i] = i;
  EXPECT_EQ(matrix(2, 1), 9);
  EXPECT_EQ(matrix.row(1).front(), 4);
  EXPECT_EQ(matrix.row(1).size(), 4U);
  const MatrixView<const int> block = matrix.view().block(1, 2);
  EXPECT_EQ(block.rows(), 2);
  EXPECT_EQ(block(0, 0), 4);
  EXPECT_EQ(block(1, 3), 11);
}

TEST(Matrix, ViewsWriteIntoIt) {
  Matrix<float> matrix(2, 2);
  const MatrixView<float> view = matrix;
  view(1, 0) = 7.0F;
  EXPECT_EQ(matrix(1, 0), 7.0F);
  Matrix<float> copy = matrix;
  copy(1, 0) = 8.0F;
  EXPECT_EQ(matrix(1, 0), 7.0F);
}

}  // namespace
}  // namespace winnow
