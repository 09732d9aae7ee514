#include "winnow/numerics/neighbours.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::numerics {
namespace {

using testing::expect_error;
using testing::matrix_of;
using testing::normal_matrix;
using testing::StoppingProgress;
using testing::Threads;
using testing::values_of;

/// Small integers: their dot products are exact in float32, so ties are exact too.
Matrix<float> integers(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  Matrix<float> matrix(rows, cols);
  RandomStream random(Seed{seed}, "integers");
  for (float& value : std::span(matrix.data(), static_cast<std::size_t>(matrix.size()))) {
    value = static_cast<float>(random.below(7)) - 3.0F;
  }
  return matrix;
}

/// All references of one query, best first, by a plain sort.
std::vector<std::int64_t> sorted_references(std::span<const float> query,
                                            MatrixView<const float> references,
                                            std::int64_t skip = -1) {
  std::vector<double> similarity;
  for (std::int64_t j = 0; j < references.rows(); ++j) {
    similarity.push_back(
        std::inner_product(query.begin(), query.end(), references.row(j).begin(), 0.0));
  }
  std::vector<std::int64_t> order(similarity.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return similarity[static_cast<std::size_t>(a)] > similarity[static_cast<std::size_t>(b)];
  });
  std::erase(order, skip);
  return order;
}

void expect_brute_force(const Matrix<float>& queries, const Matrix<float>& references,
                        std::int64_t k, std::span<const std::int64_t> exclude = {}) {
  const Neighbours found = nearest_neighbours(queries, references, {.k = k}, silent(), exclude);
  ASSERT_EQ(found.index.rows(), queries.rows());
  ASSERT_EQ(found.index.cols(), k);
  for (std::int64_t i = 0; i < queries.rows(); ++i) {
    auto expected = sorted_references(queries.row(i), references,
                                      exclude.empty() ? -1 : exclude[static_cast<std::size_t>(i)]);
    expected.resize(static_cast<std::size_t>(k));
    const auto row = found.index.row(i);
    ASSERT_EQ(std::vector<std::int64_t>(row.begin(), row.end()), expected) << "query " << i;
    for (std::int64_t j = 0; j < k; ++j) {
      const auto reference = references.row(found.index(i, j));
      ASSERT_EQ(found.similarity(i, j), std::inner_product(reference.begin(), reference.end(),
                                                           queries.row(i).begin(), 0.0F));
    }
  }
}

TEST(Neighbours, AreThoseOfAFullSort) {
  // More queries than a block of 256, more references than two blocks of 2,048.
  expect_brute_force(integers(301, 5, 1), integers(4500, 5, 2), 20);
  expect_brute_force(integers(3, 9, 3), integers(40, 9, 4), 1);
}

TEST(Neighbours, MayBeAllReferences) {
  expect_brute_force(integers(5, 3, 5), integers(33, 3, 6), 33);
}

TEST(Neighbours, TiesGoToTheLowestIndex) {
  const Matrix<float> query = matrix_of(1, 1, {1});
  const Matrix<float> references = matrix_of(6, 1, {1, 2, 2, 1, 2, 0});
  const Neighbours found = nearest_neighbours(query, references, {.k = 5});
  const auto row = found.index.row(0);
  EXPECT_EQ(std::vector<std::int64_t>(row.begin(), row.end()),
            (std::vector<std::int64_t>{1, 2, 4, 0, 3}));
}

TEST(Neighbours, LeaveOutWhatIsExcluded) {
  const Matrix<float> rows = integers(2500, 4, 7);
  const Matrix<float> queries = matrix_of(3, 4, values_of(rows.view().block(2045, 3)));
  const std::vector<std::int64_t> own{2045, 2046, 2047};
  expect_brute_force(queries, rows, 15, own);
  const Matrix<float> few = integers(4, 4, 8);
  expect_brute_force(few, few, 3, std::vector<std::int64_t>{0, 1, 2, 3});
}

RC_GTEST_PROP(NeighboursProperty, AreThoseOfAFullSort, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 60);
  const auto m = *rc::gen::inRange<std::int64_t>(1, 6);
  const auto d = *rc::gen::inRange<std::int64_t>(1, 6);
  const auto k = *rc::gen::inRange<std::int64_t>(1, n + 1);
  const auto seed = *rc::gen::inRange<std::uint64_t>(0, 1'000'000);
  const Matrix<float> queries = integers(m, d, seed);
  const Matrix<float> references = integers(n, d, seed + 1);
  const Neighbours found = nearest_neighbours(queries, references, {.k = k});
  for (std::int64_t i = 0; i < m; ++i) {
    const auto expected = sorted_references(queries.row(i), references);
    RC_ASSERT(std::equal(found.index.row(i).begin(), found.index.row(i).end(), expected.begin()));
  }
}

TEST(Neighbours, HoldHugeAndNegativeSimilarities) {
  const Matrix<float> query = matrix_of(1, 1, {1e19F});
  const Matrix<float> references = matrix_of(3, 1, {-3e19F, -2e19F, -3.2e19F});
  const Neighbours found = nearest_neighbours(query, references, {.k = 3});
  const auto row = found.index.row(0);
  EXPECT_EQ(std::vector<std::int64_t>(row.begin(), row.end()),
            (std::vector<std::int64_t>{1, 0, 2}));
}

TEST(Neighbours, SameBitsForAnyNumberOfThreads) {
  const Matrix<float> rows = normal_matrix(3000, 19, 9);
  std::vector<Neighbours> results;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    results.push_back(nearest_neighbours(rows, rows, {.k = 7}));
  }
  for (const auto& result : results) {
    EXPECT_TRUE(std::equal(result.index.data(), result.index.data() + result.index.size(),
                           results.front().index.data()));
    EXPECT_EQ(values_of(result.similarity), values_of(results.front().similarity));
  }
}

TEST(Neighbours, RejectWhatDoesNotFit) {
  const Matrix<float> rows = normal_matrix(5, 3, 10);
  const Matrix<float> narrow = normal_matrix(5, 2, 11);
  const std::vector<std::int64_t> own{0, 1, 2, 3, 4};
  expect_error<InvalidArgument>([&] { nearest_neighbours(rows, rows, {.k = 6}); },
                                {"neighbours = 6", "at most 5"});
  expect_error<InvalidArgument>([&] { nearest_neighbours(rows, rows, {.k = 0}); },
                                {"neighbours = 0", "[1, inf)"});
  expect_error<InvalidArgument>([&] { nearest_neighbours(rows, rows, {.k = 5}, silent(), own); },
                                {"neighbours = 5", "at most 4"});
  expect_error<InvalidArgument>([&] { nearest_neighbours(rows, narrow, {.k = 1}); },
                                {"3 columns", "2"});
  expect_error<InvalidArgument>(
      [&] { nearest_neighbours(rows, rows, {.k = 1}, silent(), std::span(own).first(4)); },
      {"4 rows", "5 queries"});
}

TEST(Neighbours, CanBeCancelled) {
  const Matrix<float> rows = normal_matrix(2000, 3, 12);
  StoppingProgress progress(300);
  EXPECT_THROW(nearest_neighbours(rows, rows, {.k = 1}, progress), Interrupted);
  EXPECT_LT(progress.count(), 2000);
}

/// One query, its neighbours 0, 1, ... with these similarities.
Neighbours neighbours_of(const std::vector<float>& similarities) {
  const auto k = static_cast<std::int64_t>(similarities.size());
  Neighbours neighbours{Matrix<std::int64_t>(1, k), matrix_of(1, k, similarities)};
  for (std::int64_t j = 0; j < k; ++j) neighbours.index(0, j) = j;
  return neighbours;
}

/// The class that wins the vote, by asking for each in turn.
std::int32_t vote(const std::vector<float>& similarities, const std::vector<std::int32_t>& labels) {
  for (std::int32_t c = 0; c < 10; ++c) {
    const std::vector<std::int32_t> query{c};
    if (knn_accuracy(neighbours_of(similarities), query, labels) == 1.0) return c;
  }
  return -1;
}

TEST(KnnAccuracy, TheMajorityWins) {
  EXPECT_EQ(vote({0.9F, 0.5F, 0.4F}, {7, 2, 2}), 2) << "two votes beat one closer neighbour";
  EXPECT_EQ(vote({0.9F}, {3}), 3);
}

TEST(KnnAccuracy, TiesGoToTheCloserClassThenToTheLower) {
  EXPECT_EQ(vote({0.9F, 0.8F, 0.7F, 0.1F}, {5, 1, 1, 5}), 1) << "1.5 beats 1.0";
  EXPECT_EQ(vote({0.9F, 0.2F, 0.2F, 0.1F}, {5, 1, 1, 5}), 5) << "1.0 beats 0.4";
  EXPECT_EQ(vote({0.5F, 0.5F}, {4, 2}), 2) << "equal in all: the lower class";
  EXPECT_EQ(vote({-0.1F, -0.2F}, {4, 2}), 4) << "classes without a vote do not win";
}

TEST(KnnAccuracy, IsTheShareOfRightQueries) {
  const Matrix<float> references = matrix_of(4, 2, {1, 0, 1, 0.1F, 0, 1, 0.1F, 1});
  const std::vector<std::int32_t> classes{0, 0, 1, 1};
  const Matrix<float> queries = matrix_of(4, 2, {2, 0, 0, 2, 3, 1, 1, 3});
  const std::vector<std::int32_t> truth{0, 1, 1, 1};
  EXPECT_EQ(knn_accuracy(nearest_neighbours(queries, references, {.k = 2}), truth, classes), 0.75);
  expect_error<InvalidArgument>(
      [&] {
        knn_accuracy(nearest_neighbours(queries, references, {.k = 2}), std::span(truth).first(3),
                     classes);
      },
      {"3 labels", "4 queries"});
}

}  // namespace
}  // namespace winnow::numerics
