#include "winnow/selection/d2.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {
namespace {

using Ids = std::vector<std::int64_t>;
using testing::expect_error;
using testing::matrix_of;
using testing::normal_matrix;
using testing::Threads;

/// At 0, 60 and -90 degrees, and not of length one. With one neighbour: 0 ~ 1 at d^2 = 2 - 2 cos 60
/// = 1, and 0 ~ 2 at d^2 = 2. Gammas of ln 2 make their weights 1/2 and 1/4.
Matrix<float> three_rows() { return matrix_of(3, 2, {3, 0, 1, std::sqrt(3.0F), 0, -0.5F}); }
const D2Options halves{
    .neighbours = 1, .forward_gamma = std::numbers::ln2, .reverse_gamma = std::numbers::ln2};

TEST(D2, ByHand) {
  // Forward: 2 + 0.95 + 0.45 = 3.4, 1.9 + 1 = 2.9, 1.8 + 0.5 = 2.3. Keeping 0 leaves 2.9 - 1.7
  // = 1.2 and 2.3 - 0.85 = 1.45, so that 2 comes before 1, which is harder but nearer.
  EXPECT_EQ(d2_order(std::vector<double>{2, 1.9, 1.8}, three_rows(), halves), (Ids{0, 2, 1}));
  // Forward 2.85, 2.9, 2.2 with 1.9 in the middle: keeping 1 leaves 2.85 - 1.45 = 1.4 of 0.
  EXPECT_EQ(d2_order(std::vector<double>{1.45, 2.175, 1.25}, three_rows(), halves), (Ids{1, 2, 0}));
}

TEST(D2, NoForwardOrReverseMessagesIsByScore) {
  // Weights e^-1000 and e^-2000 are nothing.
  const D2Options apart{.neighbours = 1, .forward_gamma = 1e3, .reverse_gamma = 1e3};
  EXPECT_EQ(d2_order(std::vector<double>{2, 1.9, 3}, three_rows(), apart), (Ids{2, 0, 1}));
}

TEST(D2, NegativeScoresStartAtZero) {
  EXPECT_EQ(d2_order(std::vector<double>{0, -0.125, -0.25}, three_rows(), halves),
            d2_order(std::vector<double>{0.25, 0.125, 0}, three_rows(), halves));
  // As they stand, scores would lend less than nothing: 0 would end below 1.
  EXPECT_EQ(d2_order(std::vector<double>{-1, -1.5, -5}, three_rows(), halves).front(), 0);
}

TEST(D2, TiesGoToTheLowerId) {
  // All rows alike: every one is everyone's nearest, and lends the same.
  const Matrix<float> rows = matrix_of(4, 1, {1, 2, 3, 4});
  const std::vector<double> scores(4, 1.0);
  EXPECT_EQ(d2_order(scores, rows, {.neighbours = 3}), (Ids{0, 1, 2, 3}));
}

TEST(D2, SizeOfScoresDoesNotMatter) {
  const std::vector<double> scores = {2, 1.9, 1.8};
  for (const double factor : {0x1p-1040, 0x1p1022}) {
    std::vector<double> scaled = scores;
    for (double& score : scaled) score *= factor;
    EXPECT_EQ(d2_order(scaled, three_rows(), halves), (Ids{0, 2, 1})) << factor;
  }
  const double huge = std::numeric_limits<double>::max();
  EXPECT_EQ(d2_order(std::vector<double>{huge, -huge, huge}, three_rows(), halves).front(), 0);
}

/// The definition, with full matrices and a search for the maximum at every step.
Ids plain_d2(const std::vector<double>& scores, const Matrix<float>& rows,
             const D2Options& options) {
  const auto n = rows.rows();
  Matrix<double> unit(n, rows.cols());
  for (std::int64_t i = 0; i < n; ++i) {
    double norm = 0.0;
    for (const float x : rows.row(i)) norm += static_cast<double>(x) * x;
    for (std::int64_t j = 0; j < rows.cols(); ++j) unit(i, j) = rows(i, j) / std::sqrt(norm);
  }
  Matrix<double> squared(n, n);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t d = 0; d < rows.cols(); ++d) {
        squared(i, j) += (unit(i, d) - unit(j, d)) * (unit(i, d) - unit(j, d));
      }
    }
  }
  std::vector<std::vector<bool>> joined(n, std::vector<bool>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    Ids others;
    for (std::int64_t j = 0; j < n; ++j) {
      if (j != i) others.push_back(j);
    }
    std::stable_sort(others.begin(), others.end(),
                     [&](auto a, auto b) { return squared(i, a) < squared(i, b); });
    for (std::int64_t place = 0; place < options.neighbours; ++place) {
      joined[i][others[place]] = joined[others[place]][i] = true;
    }
  }
  const double zero = std::min(0.0, *std::min_element(scores.begin(), scores.end()));
  std::vector<double> values(n);
  for (std::int64_t i = 0; i < n; ++i) {
    values[i] = scores[i] - zero;
    for (std::int64_t j = 0; j < n; ++j) {
      if (joined[i][j]) {
        values[i] += std::exp(-options.forward_gamma * squared(i, j)) * (scores[j] - zero);
      }
    }
  }
  Ids order;
  std::vector<bool> taken(n);
  for (std::int64_t step = 0; step < n; ++step) {
    std::int64_t best = -1;
    for (std::int64_t i = 0; i < n; ++i) {
      if (!taken[i] && (best < 0 || values[i] > values[best])) best = i;
    }
    taken[best] = true;
    order.push_back(best);
    for (std::int64_t j = 0; j < n; ++j) {
      if (joined[best][j] && !taken[j]) {
        values[j] -= std::exp(-options.reverse_gamma * squared(best, j)) * values[best];
      }
    }
  }
  return order;
}

TEST(D2, AgreesWithTheDefinition) {
  // Small reverse gammas take values far below zero, so that late choices raise their neighbours.
  for (const std::int64_t neighbours : {1, 5, 40}) {
    for (const double reverse : {0.0, 0.1, 1.0, 5.0}) {
      const Matrix<float> rows = normal_matrix(150, 4, static_cast<std::uint64_t>(neighbours));
      RandomStream stream(Seed{7}, "d2-test");
      std::vector<double> scores(150);
      for (double& score : scores) score = stream.normal();
      const D2Options options{.neighbours = neighbours, .reverse_gamma = reverse};
      EXPECT_EQ(d2_order(scores, rows, options), plain_d2(scores, rows, options))
          << neighbours << ", " << reverse;
    }
  }
}

TEST(D2, SameForAnyNumberOfThreads) {
  const Matrix<float> rows = normal_matrix(9000, 8, 3);  // more than one piece of the graph
  std::vector<double> scores(9000);
  RandomStream stream(Seed{9}, "d2-threads");
  for (double& score : scores) score = stream.uniform();
  const auto run = [&](int threads) {
    const Threads use(threads);
    return d2_order(scores, rows);
  };
  EXPECT_EQ(run(1), run(3));
}

TEST(D2, Refusals) {
  const std::vector<double> scores = {1, 2, 3};
  const Matrix<float> rows = three_rows();
  expect_error<InvalidArgument>([&] { d2_order(scores, rows); }, {"neighbours = 10", "[1, 2]"});
  expect_error<InvalidArgument>([&] { d2_order(scores, rows, {.neighbours = 0}); },
                                {"neighbours = 0"});
  expect_error<InvalidArgument>(
      [&] { d2_order(scores, rows, {.neighbours = 1, .forward_gamma = -1}); },
      {"forward-gamma = -1"});
  expect_error<InvalidArgument>(
      [&] { d2_order(scores, rows, {.neighbours = 1, .reverse_gamma = std::nan("")}); },
      {"reverse-gamma = nan"});
  expect_error<DatasetMismatch>(
      [&] {
        d2_order(std::vector<double>{1, 2}, rows, halves);
      },
      {"2", "3"});
  const std::vector<double> holes = {1, std::nan(""), 3};
  expect_error<NonFiniteInput>([&] { d2_order(holes, rows, halves); }, {"row 1 is nan"});
  Matrix<float> bad = three_rows();
  bad(2, 1) = std::numeric_limits<float>::infinity();
  expect_error<NonFiniteInput>([&] { d2_order(scores, bad, halves); }, {"row 2 column 1 is inf"});
  bad(2, 1) = 0.0F;
  expect_error<InvalidArgument>([&] { d2_order(scores, bad, halves); },
                                {"embeddings: row 2 has norm 0"});
}

TEST(D2, CanBeStopped) {
  const Matrix<float> rows = normal_matrix(3000, 4, 1);
  const std::vector<double> scores(3000, 1.0);
  testing::StoppingProgress progress(1000);
  EXPECT_THROW(d2_order(scores, rows, {}, progress), Interrupted);
}

TEST(SelectD2, KeepsTheFirstOfTheOrder) {
  const Matrix<float> rows = normal_matrix(300, 5, 2);
  std::vector<double> scores(300);
  RandomStream stream(Seed{1}, "select-d2");
  for (double& score : scores) score = stream.uniform();
  Ids expected = d2_order(scores, rows, {.neighbours = 4});
  expected.resize(90);
  std::sort(expected.begin(), expected.end());
  const Selection chosen = select({.scores = scores, .embeddings = rows},
                                  {.keep = 0.3, .policy = Policy::d2, .d2 = {.neighbours = 4}});
  EXPECT_EQ(chosen.ids, expected);
  EXPECT_FALSE(chosen.cut.has_value());
}

}  // namespace
}  // namespace winnow::selection
