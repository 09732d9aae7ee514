#include "winnow/selection/density.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
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
using testing::Threads;

/// Complexities whose softmax at temperature 1 has these proportions.
std::vector<double> logs(std::vector<double> parts) {
  for (double& part : parts) part = std::log(part);
  return parts;
}

TEST(ClusterBudgets, ByHand) {
  const std::vector<double> complexity = logs({6, 3, 1});
  EXPECT_EQ(cluster_budgets(complexity, Ids{10, 10, 2}, 10, 1.0), (Ids{6, 3, 1}));
  // Targets 12, 6, 2: the first is full at 10, the last at 2, so the second gets the rest.
  EXPECT_EQ(cluster_budgets(complexity, Ids{10, 10, 2}, 20, 1.0), (Ids{10, 8, 2}));
  // Targets 6.6, 3.3, 1.1: the largest remainder is the first's.
  EXPECT_EQ(cluster_budgets(complexity, Ids{10, 10, 2}, 11, 1.0), (Ids{7, 3, 1}));
  // Targets 9.8, 0.1, 0.1: one each at least, 1.8 of it from the first.
  EXPECT_EQ(cluster_budgets(logs({98, 1, 1}), Ids{10, 10, 10}, 10, 1.0), (Ids{8, 1, 1}));
  // Targets 4, 4, 2 with at most 2 of the first: one more for each of the others.
  EXPECT_EQ(cluster_budgets(logs({2, 2, 1}), Ids{2, 9, 9}, 10, 1.0), (Ids{2, 5, 3}));
  // An empty cluster takes no part, however complex: targets 6, 3, 1 as before.
  EXPECT_EQ(cluster_budgets(logs({6, 90, 3, 1}), Ids{10, 0, 10, 2}, 10, 1.0), (Ids{6, 0, 3, 1}));
}

TEST(ClusterBudgets, TemperatureEvensOut) {
  const std::vector<double> complexity = {0.1, 0.2};
  // P = 1 / (1 + e^(0.1 / tau)): 0.269, then 0.4975.
  EXPECT_EQ(cluster_budgets(complexity, Ids{900, 900}, 1000, 0.1), (Ids{269, 731}));
  EXPECT_EQ(cluster_budgets(complexity, Ids{900, 900}, 1000, 10.0), (Ids{498, 502}));
  // So cold that the softmax over- and underflows: all that bounds allow to the second.
  EXPECT_EQ(cluster_budgets(complexity, Ids{900, 900}, 1000, 1e-300), (Ids{100, 900}));
}

TEST(ClusterBudgets, EqualRemaindersGoToTheLowestCluster) {
  EXPECT_EQ(cluster_budgets(logs({1, 1, 1}), Ids{9, 9, 9}, 11, 1.0), (Ids{4, 4, 3}));
}

/// The least cost of whole numbers within their bounds, by trying all of them.
double least_cost(const std::vector<double>& targets, const Ids& sizes, std::size_t j,
                  std::int64_t left) {
  if (j == sizes.size()) return left == 0 ? 0.0 : std::numeric_limits<double>::infinity();
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t x = std::min<std::int64_t>(1, sizes[j]); x <= std::min(sizes[j], left); ++x) {
    const double miss = static_cast<double>(x) - targets[j];
    least = std::min(least, miss * miss + least_cost(targets, sizes, j + 1, left - x));
  }
  return least;
}

TEST(ClusterBudgets, NoWholeNumbersAreBetter) {
  RandomStream stream(Seed{4}, "density-test");
  for (int trial = 0; trial < 400; ++trial) {
    const std::size_t clusters = 1 + stream.below(4);
    std::vector<double> complexity;
    Ids sizes;
    for (std::size_t j = 0; j < clusters; ++j) {
      complexity.push_back(stream.uniform());
      sizes.push_back(1 + static_cast<std::int64_t>(stream.below(8)));
    }
    const double temperature = 0.05 + stream.uniform();
    const std::int64_t total = std::reduce(sizes.begin(), sizes.end());
    std::vector<double> weights = complexity;
    for (double& weight : weights) weight = std::exp(weight / temperature);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (auto k = static_cast<std::int64_t>(clusters); k <= total; ++k) {
      std::vector<double> targets = weights;
      for (double& target : targets) target *= static_cast<double>(k) / sum;
      const Ids budgets = cluster_budgets(complexity, sizes, k, temperature);
      ASSERT_EQ(std::reduce(budgets.begin(), budgets.end()), k);
      double cost = 0.0;
      for (std::size_t j = 0; j < clusters; ++j) {
        ASSERT_GE(budgets[j], 1);
        ASSERT_LE(budgets[j], sizes[j]);
        const double miss = static_cast<double>(budgets[j]) - targets[j];
        cost += miss * miss;
      }
      // Costs are up to some hundreds, so that rounding is far below 1e-9.
      ASSERT_NEAR(cost, least_cost(targets, sizes, 0, k), 1e-9) << trial << ", " << k;
    }
  }
}

TEST(ClusterBudgets, ManyClustersMeetTheOptimalityConditions) {
  // x = clamp(target + lambda, 1, M) up to one: the lambdas that each budget allows must overlap.
  RandomStream stream(Seed{8}, "density-many");
  constexpr std::size_t clusters = 3000;
  std::vector<double> complexity;
  Ids sizes;
  for (std::size_t j = 0; j < clusters; ++j) {
    complexity.push_back(0.3 * stream.uniform());
    sizes.push_back(1 + static_cast<std::int64_t>(stream.below(500)));
  }
  double sum = 0.0;
  for (const double c : complexity) sum += std::exp(c / 0.1);
  constexpr std::int64_t k = 300'000;
  const Ids budgets = cluster_budgets(complexity, sizes, k, 0.1);
  ASSERT_EQ(std::reduce(budgets.begin(), budgets.end()), k);
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < clusters; ++j) {
    const double miss = static_cast<double>(budgets[j]) -
                        static_cast<double>(k) * std::exp(complexity[j] / 0.1) / sum;
    if (budgets[j] > 1) low = std::max(low, miss - 1.0);
    if (budgets[j] < sizes[j]) high = std::min(high, miss + 1.0);
  }
  EXPECT_LE(low, high + 1e-9);
}

TEST(ClusterBudgets, Refusals) {
  const std::vector<double> complexity = {1, 2, 3};
  expect_error<InvalidArgument>(
      [&] {
        cluster_budgets(complexity, Ids{5, 5, 5}, 2, 1.0);
      },
      {"2 examples to keep", "[3, 15]", "fewer clusters"});
  expect_error<InvalidArgument>(
      [&] {
        cluster_budgets(complexity, Ids{5, 5, 5}, 16, 1.0);
      },
      {"16 examples to keep", "[3, 15]"});
  EXPECT_EQ(cluster_budgets(complexity, Ids{5, 0, 5}, 2, 1.0), (Ids{1, 0, 1}));
  expect_error<InvalidArgument>(
      [&] {
        cluster_budgets(complexity, Ids{5, 5, 5}, 5, 0.0);
      },
      {"temperature = 0", "(0, inf)"});
  expect_error<DatasetMismatch>([&] { cluster_budgets(complexity, Ids{5, 5}, 5, 1.0); }, {"3"});
  const std::vector<double> hole = {1, std::nan(""), 3};
  expect_error<NonFiniteInput>(
      [&] {
        cluster_budgets(hole, Ids{5, 5, 5}, 5, 1.0);
      },
      {"cluster 1 has nan"});
}

/// Unit centroids at 0, 90 and 180 degrees with 2, 1 and 3 examples, and an empty one at 10.
struct Circle {
  Matrix<float> centroids =
      matrix_of(4, 2, {1, 0, 0, 1, -1, 0, std::cos(0.1745F), std::sin(0.1745F)});
  std::vector<std::int32_t> assignment = {0, 2, 1, 2, 0, 2};
  std::vector<double> distance = {0.1, 0.2, 0.5, 0.6, 0.3, 0.1};
  Clusters view(Geometry geometry = Geometry::spherical) const {
    return {centroids, assignment, distance, geometry};
  }
};

TEST(ClusterComplexity, ByHand) {
  const Circle circle;
  // d_intra 0.2, 0.5, 0.3. One neighbour: 1 - cos 90 = 1 for all. Two: 1 and 2 for the outer ones.
  const auto one = cluster_complexity(circle.view(), {.centroid_neighbours = 1});
  const auto two = cluster_complexity(circle.view(), {.centroid_neighbours = 2});
  const auto more = cluster_complexity(circle.view());
  const auto straight =
      cluster_complexity(circle.view(Geometry::euclidean), {.centroid_neighbours = 2});
  const std::vector<double> expected_one = {0.2, 0.5, 0.3, 0.0};
  const std::vector<double> expected_two = {0.3, 0.5, 0.45, 0.0};
  for (std::size_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(one[j], expected_one[j], 1e-15);
    EXPECT_NEAR(two[j], expected_two[j], 1e-15);
    EXPECT_EQ(more[j], two[j]);
    EXPECT_NEAR(straight[j], 2.0 * expected_two[j], 1e-15);  // 2 and 4 squared
  }
}

TEST(ClusterComplexity, OneClusterHasNoNeighbours) {
  Circle circle;
  std::fill(circle.assignment.begin(), circle.assignment.end(), 1);
  EXPECT_EQ(cluster_complexity(circle.view()), (std::vector<double>{0, 0, 0, 0}));
}

TEST(ClusterComplexity, Refusals) {
  Circle circle;
  circle.assignment[3] = 4;
  expect_error<InvalidArgument>([&] { cluster_complexity(circle.view()); },
                                {"row 3 is 4", "[0, 4)"});
  circle.assignment[3] = 0;
  circle.distance[2] = std::nan("");
  expect_error<NonFiniteInput>([&] { cluster_complexity(circle.view()); }, {"row 2 is nan"});
  circle.distance[2] = 0.0;
  circle.centroids(1, 1) = std::numeric_limits<float>::infinity();
  expect_error<NonFiniteInput>([&] { cluster_complexity(circle.view()); },
                               {"centroids: row 1 column 1 is inf"});
  circle.centroids(1, 1) = 0.0F;
  circle.distance.pop_back();
  expect_error<DatasetMismatch>([&] { cluster_complexity(circle.view()); }, {"6", "5"});
  expect_error<InvalidArgument>([] { cluster_complexity({}); }, {"no centroids"});
}

SelectOptions density(std::int64_t k, double temperature) {
  return {.keep_count = k, .policy = Policy::density, .density = {.temperature = temperature}};
}

TEST(SelectDensity, KeepsTheHardestOfEachCluster) {
  // Complexities 0.3, 0.5, 0.45, so hot that targets are 5 / 3 each: the second cluster has one
  // example only, the other two share the rest.
  const Circle circle;
  const std::vector<double> scores = {1, 7, 9, 8, 2, 6};
  const Selection chosen = select({.scores = scores, .clusters = circle.view()}, density(5, 1e6));
  EXPECT_EQ(chosen.details["cluster_sizes"], Json::array({2, 1, 3, 0}));
  EXPECT_EQ(chosen.details["cluster_budgets"], Json::array({2, 1, 2, 0}));
  EXPECT_EQ(chosen.ids, (Ids{0, 1, 2, 3, 4}));
  EXPECT_FALSE(chosen.cut.has_value());
  // Colder, complex clusters get more: targets 4 (0.08, 0.57, 0.35) leave 1, 1, 2.
  const Selection colder = select({.scores = scores, .clusters = circle.view()}, density(4, 0.1));
  EXPECT_EQ(colder.details["cluster_budgets"], Json::array({1, 1, 2, 0}));
  EXPECT_EQ(colder.ids, (Ids{1, 2, 3, 4}));
}

/// Random rows assigned to random centroids; the distances are what they are.
struct Scattered {
  Matrix<float> centroids = testing::normal_matrix(40, 6, 1);
  std::vector<std::int32_t> assignment;
  std::vector<double> distance;
  std::vector<double> scores;

  explicit Scattered(std::size_t n) {
    RandomStream stream(Seed{2}, "scattered");
    for (std::size_t i = 0; i < n; ++i) {
      const auto cluster = static_cast<std::int32_t>(stream.below(40) * stream.below(40) / 40);
      assignment.push_back(cluster);
      distance.push_back((1.0 + cluster) * stream.uniform());
      scores.push_back(static_cast<double>(stream.below(100)));
    }
  }
  Examples view() const {
    return {.scores = scores, .clusters = {centroids, assignment, distance, Geometry::euclidean}};
  }
};

TEST(SelectDensity, BudgetsAreFilledByScoreThenId) {
  const Scattered data(3000);
  const Selection chosen = select(data.view(), density(700, 200.0));
  const auto budgets = chosen.details["cluster_budgets"].get<Ids>();
  EXPECT_GT(*std::max_element(budgets.begin(), budgets.end()), 20);  // not all at a bound
  std::vector<Ids> members(40);
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    members[data.assignment[i]].push_back(static_cast<std::int64_t>(i));
  }
  Ids expected;
  for (std::size_t j = 0; j < 40; ++j) {
    std::stable_sort(members[j].begin(), members[j].end(),
                     [&](auto a, auto b) { return data.scores[a] > data.scores[b]; });
    expected.insert(expected.end(), members[j].begin(), members[j].begin() + budgets[j]);
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(chosen.ids, expected);
}

TEST(SelectDensity, SameForAnyNumberOfThreads) {
  const Scattered data(2000);
  const auto run = [&](int threads) {
    const Threads use(threads);
    return select(data.view(), density(500, 200.0));
  };
  const Selection one = run(1);
  const Selection three = run(3);
  EXPECT_EQ(one.outcomes, three.outcomes);
  EXPECT_EQ(one.details, three.details);
}

}  // namespace
}  // namespace winnow::selection
