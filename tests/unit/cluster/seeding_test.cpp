#include "winnow/cluster/kmeans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "unit/support.hpp"

namespace winnow::cluster {
namespace {

using testing::matrix_of;
using testing::normal_matrix;
using testing::values_of;

/// Centroids before the first update.
Matrix<float> seeds_of(const Matrix<float>& points, std::int64_t k, Seed seed,
                       Init init = Init::plus_plus) {
  return kmeans(points, {.n_clusters = k,
                         .iterations = 0,
                         .geometry = Geometry::euclidean,
                         .init = init,
                         .seed = seed})
      .centroids;
}

std::set<std::vector<float>> distinct_rows(const Matrix<float>& matrix) {
  std::set<std::vector<float>> rows;
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    rows.emplace(matrix.row(i).begin(), matrix.row(i).end());
  }
  return rows;
}

TEST(Seeding, TakesDifferentRowsOfTheData) {
  const Matrix<float> points = normal_matrix(3000, 4, 1);
  const auto rows = distinct_rows(points);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto seeds = distinct_rows(seeds_of(points, 50, Seed{seed}));
    EXPECT_EQ(seeds.size(), 50U);
    for (const auto& centroid : seeds) EXPECT_TRUE(rows.contains(centroid));
  }
}

TEST(Seeding, TakesEveryDistinctRowBeforeItRepeats) {
  // 4,100 rows, three of them distinct, the rare one in the last block.
  Matrix<float> points(4100, 1);
  for (std::int64_t i = 0; i < 4100; ++i) points(i, 0) = i % 2 == 0 ? 1.0F : 2.0F;
  points(4099, 0) = 1000.0F;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Matrix<float> seeds = seeds_of(points, 5, Seed{seed});
    EXPECT_EQ(distinct_rows(seeds), (std::set<std::vector<float>>{{1.0F}, {2.0F}, {1000.0F}}));
    EXPECT_EQ(seeds(3, 0), seeds(0, 0)) << "surplus centroids repeat the first";
    EXPECT_EQ(seeds(4, 0), seeds(0, 0));
  }
}

TEST(Seeding, DrawsInProportionToTheSquaredDistance) {
  // After 0 was drawn, 1 and 3 follow with probability 1/10 and 9/10; after 1: 0 with 1/5, 3 with
  // 4/5; after 3: 0 with 9/13, 1 with 4/13. The first is each with 1/3.
  const Matrix<float> points = matrix_of(3, 1, {0, 1, 3});
  std::map<std::pair<float, float>, double> expected{{{0, 1}, 1.0 / 30}, {{0, 3}, 9.0 / 30},
                                                     {{1, 0}, 1.0 / 15}, {{1, 3}, 4.0 / 15},
                                                     {{3, 0}, 9.0 / 39}, {{3, 1}, 4.0 / 39}};
  constexpr int draws = 20'000;
  std::map<std::pair<float, float>, int> counts;
  for (std::uint64_t seed = 0; seed < draws; ++seed) {
    const Matrix<float> seeds = seeds_of(points, 2, Seed{seed});
    ++counts[{seeds(0, 0), seeds(1, 0)}];
  }
  EXPECT_EQ(counts.size(), expected.size());
  double chi_square = 0.0;
  for (const auto& [pair, probability] : expected) {
    const double difference = counts[pair] - draws * probability;
    chi_square += difference * difference / (draws * probability);
  }
  // 99.99 % point of chi-square with 5 degrees of freedom.
  EXPECT_LT(chi_square, 25.7);
}

/// The third and fourth are drawn in one batch, the fourth by rejection.
TEST(Seeding, BatchesKeepTheDistribution) {
  const std::vector<float> places{0, 1, 3, 7, 12};
  const Matrix<float> points = matrix_of(5, 1, places);
  std::map<std::vector<float>, double> expected;
  std::map<std::vector<float>, int> counts;
  const std::function<void(std::vector<float>, double)> extend = [&](std::vector<float> taken,
                                                                     double probability) {
    if (taken.size() == 4) {
      expected[taken] = probability;
      return;
    }
    std::vector<double> weights;
    for (const float place : places) {
      double least = taken.empty() ? 1.0 : 1e9;
      for (const float other : taken) {
        least = std::min(least, std::pow(static_cast<double>(place - other), 2.0));
      }
      weights.push_back(least);
    }
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (weights[i] == 0.0) continue;
      std::vector<float> longer = taken;
      longer.push_back(places[i]);
      extend(longer, probability * weights[i] / total);
    }
  };
  extend({}, 1.0);
  constexpr int draws = 40'000;
  for (std::uint64_t seed = 0; seed < draws; ++seed) {
    ++counts[values_of(seeds_of(points, 4, Seed{seed}))];
  }
  double chi_square = 0.0;
  int cells = 0;
  double rare = 0.0;
  int rare_count = 0;
  for (const auto& [order, probability] : expected) {
    if (draws * probability < 10.0) {
      rare += draws * probability;
      rare_count += counts[order];
      continue;
    }
    const double difference = counts[order] - draws * probability;
    chi_square += difference * difference / (draws * probability);
    ++cells;
  }
  chi_square += (rare_count - rare) * (rare_count - rare) / rare;
  // The mean and 4.5 standard deviations of chi-square with as many degrees of freedom.
  EXPECT_LT(chi_square, cells + 4.5 * std::sqrt(2.0 * cells));
  EXPECT_GT(cells, 60);
}

TEST(Seeding, AtRandomEveryRowIsAsLikelyAndNoneComesTwice) {
  const Matrix<float> points = matrix_of(6, 1, {0, 1, 2, 3, 4, 5});
  std::vector<int> counts(6);
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const Matrix<float> seeds = seeds_of(points, 3, Seed{seed}, Init::random);
    EXPECT_EQ(distinct_rows(seeds).size(), 3U);
    for (const float value : values_of(seeds)) ++counts[static_cast<std::size_t>(value)];
  }
  // 3,000 each, with a standard deviation of 39.
  for (const int count : counts) EXPECT_NEAR(count, 3000, 180);
}

TEST(Seeding, ReachesRowsOfEveryBlock) {
  // One row far from all the others in each block of 2,048.
  Matrix<float> points(3 * 2048, 3);
  for (std::int64_t block = 0; block < 3; ++block) points(block * 2048 + 100, block) = 1e6F;
  const auto seeds = distinct_rows(seeds_of(points, 4, Seed{0}));
  EXPECT_EQ(seeds, distinct_rows(matrix_of(4, 3, {0, 0, 0, 1e6F, 0, 0, 0, 1e6F, 0, 0, 0, 1e6F})));
}

}  // namespace
}  // namespace winnow::cluster
