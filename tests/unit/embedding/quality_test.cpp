#include "winnow/embedding/quality.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {
namespace {

using testing::expect_error;
using testing::matrix_of;
using testing::normal_matrix;
using testing::Threads;

/// Share of rows whose nearest other row, by cosine, is of their class.
double nearest_other_accuracy(const Matrix<float>& rows, const std::vector<std::int32_t>& labels) {
  const Matrix<float> unit = numerics::normalize_rows(rows);
  double right = 0.0;
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    std::int64_t best = -1;
    for (std::int64_t j = 0; j < rows.rows(); ++j) {
      if (j == i) continue;
      if (best < 0 ||
          numerics::dot(unit.row(i), unit.row(j)) > numerics::dot(unit.row(i), unit.row(best))) {
        best = j;
      }
    }
    right += labels[static_cast<std::size_t>(best)] == labels[static_cast<std::size_t>(i)] ? 1 : 0;
  }
  return right / static_cast<double>(rows.rows());
}

TEST(KnnQuality, AsksTheTestSplitWhereThereIsOne) {
  const Matrix<float> train = matrix_of(4, 2, {5, 0, 1, 0.1F, 0, 2, 0.1F, 1});
  const std::vector<std::int32_t> train_labels{0, 0, 1, 1};
  const Matrix<float> test = matrix_of(4, 2, {9, 1, 1, 9, 3, 1, 1, 3});
  const std::vector<std::int32_t> test_labels{0, 1, 1, 1};
  const KnnQuality quality =
      knn_quality({train, train_labels}, {test, test_labels}, {.k = 2}, Seed{0});
  EXPECT_EQ(quality.accuracy, 0.75);
  EXPECT_EQ(quality.queries, 4);
  EXPECT_EQ(quality.k, 2);
  EXPECT_FALSE(quality.leave_one_out);
}

TEST(KnnQuality, LeavesOneOutWithoutATestSplit) {
  const Matrix<float> rows = normal_matrix(300, 3, 1);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 300; ++i) labels.push_back(rows(i, 0) > 0 ? 1 : 0);
  const KnnQuality quality = knn_quality({rows, labels}, {}, {.k = 1}, Seed{0});
  EXPECT_TRUE(quality.leave_one_out);
  EXPECT_EQ(quality.queries, 300);
  EXPECT_DOUBLE_EQ(quality.accuracy, nearest_other_accuracy(rows, labels));
  EXPECT_LT(quality.accuracy, 1.0) << "a row must not vote for itself";
}

TEST(KnnQuality, NeighboursShrinkToTheReferences) {
  const Matrix<float> rows = normal_matrix(5, 3, 2);
  const std::vector<std::int32_t> labels{0, 1, 0, 1, 0};
  EXPECT_EQ(knn_quality({rows, labels}, {rows, labels}, {.k = 20}, Seed{0}).k, 5);
  EXPECT_EQ(knn_quality({rows, labels}, {}, {.k = 20}, Seed{0}).k, 4);
}

TEST(KnnQuality, SameForAnyNumberOfThreads) {
  const Matrix<float> rows = normal_matrix(800, 6, 3);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 800; ++i) labels.push_back(rows(i, 0) + rows(i, 1) > 0 ? 1 : 0);
  std::vector<double> accuracies;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    accuracies.push_back(knn_quality({rows, labels}, {}, {.k = 7}, Seed{1}).accuracy);
  }
  EXPECT_EQ(accuracies[1], accuracies[0]);
  EXPECT_EQ(accuracies[2], accuracies[0]);
}

/// A source over a matrix that counts the rows it was asked for.
LabelledSource source_of(const Matrix<float>& rows, const std::vector<std::int32_t>& labels,
                         std::int64_t& asked) {
  return {rows.rows(), rows.cols(),
          [&](std::span<const std::int64_t> ids) {
            asked += static_cast<std::int64_t>(ids.size());
            EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
            Matrix<float> chosen(static_cast<std::int64_t>(ids.size()), rows.cols());
            for (std::size_t i = 0; i < ids.size(); ++i) {
              std::ranges::copy(rows.row(ids[i]), chosen.row(static_cast<std::int64_t>(i)).begin());
            }
            return chosen;
          },
          labels};
}

TEST(KnnQuality, RowsThatFitAreAllRead) {
  const Matrix<float> rows = normal_matrix(300, 3, 1);
  const Matrix<float> test = normal_matrix(50, 3, 2);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 300; ++i) labels.push_back(rows(i, 0) > 0 ? 1 : 0);
  std::vector<std::int32_t> test_labels;
  for (std::int64_t i = 0; i < 50; ++i) test_labels.push_back(test(i, 0) > 0 ? 1 : 0);
  std::int64_t asked = 0;
  const auto whole = knn_quality(source_of(rows, labels, asked),
                                 source_of(test, test_labels, asked), {.k = 5}, Seed{0}, 350 * 3);
  const auto expected = knn_quality({rows, labels}, {test, test_labels}, {.k = 5}, Seed{0});
  EXPECT_EQ(asked, 350);
  EXPECT_EQ(whole.accuracy, expected.accuracy);
  EXPECT_EQ(whole.references, 300);
  EXPECT_EQ(whole.queries, 50);
}

TEST(KnnQuality, OfRowsThatDoNotFitASubsetIsRead) {
  // Two far classes: any sample of them is told apart, whichever rows it has.
  Matrix<float> rows(1000, 2);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 1000; ++i) {
    labels.push_back(static_cast<std::int32_t>(i % 2));
    rows(i, i % 2) = 1.0F + static_cast<float>(i);
  }
  for (const bool tested : {true, false}) {
    std::int64_t asked = 0;
    const auto source = source_of(rows, labels, asked);
    const auto some =
        knn_quality(source, tested ? source : LabelledSource{}, {.k = 3}, Seed{0}, 2 * 100);
    EXPECT_EQ(asked, 100);
    EXPECT_EQ(some.references, tested ? 50 : 100);
    EXPECT_EQ(some.queries, tested ? 50 : 100);
    EXPECT_EQ(some.leave_one_out, !tested);
    EXPECT_EQ(some.accuracy, 1.0);
  }
}

TEST(KnnQuality, RejectsWhatDoesNotFit) {
  const Matrix<float> rows = normal_matrix(5, 3, 4);
  const Matrix<float> narrow = normal_matrix(5, 2, 5);
  const std::vector<std::int32_t> labels{0, 1, 0, 1, 0};
  const std::vector<std::int32_t> few{0, 1};
  expect_error<InvalidArgument>(
      [&] {
        knn_quality({rows, labels}, {narrow, labels}, {.k = 1}, Seed{0});
      },
      {"3", "2"});
  expect_error<InvalidArgument>(
      [&] {
        knn_quality({rows, labels}, {rows, few}, {.k = 1}, Seed{0});
      },
      {"2 labels"});
  expect_error<InvalidArgument>(
      [&] {
        knn_quality({rows, few}, {rows, labels}, {.k = 1}, Seed{0});
      },
      {"2 labels", "5"});
  expect_error<InvalidArgument>(
      [&] {
        knn_quality({rows, few}, {}, {.k = 1}, Seed{0});
      },
      {"2 labels", "5"});
  Matrix<float> zero = rows;
  std::ranges::fill(zero.row(2), 0.0F);
  expect_error<InvalidArgument>(
      [&] {
        knn_quality({zero, labels}, {}, {.k = 1}, Seed{0});
      },
      {"row 2", "norm 0"});
  const std::vector<std::int32_t> one{0};
  expect_error<InvalidArgument>(
      [&] {
        knn_quality({normal_matrix(1, 3, 6), one}, {}, {.k = 1}, Seed{0});
      },
      {"at least two"});
}

}  // namespace
}  // namespace winnow::embedding
