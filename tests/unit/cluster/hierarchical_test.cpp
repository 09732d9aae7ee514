#include "winnow/cluster/hierarchical.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {
namespace {

using winnow::testing::expect_error;
using winnow::testing::matrix_of;
using winnow::testing::normal_matrix;
using winnow::testing::StoppingProgress;
using winnow::testing::Threads;
using winnow::testing::values_of;

using Counts = std::vector<std::int64_t>;

std::int64_t sum_of(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

TEST(DivideEvenly, ByHand) {
  EXPECT_EQ(divide_evenly(Counts{10, 10, 10}, 9), (Counts{3, 3, 3}));
  EXPECT_EQ(divide_evenly(Counts{10, 10, 10}, 11), (Counts{4, 4, 3}));
  // The cap is 4, 4 + 1 for one of the two above it: 1 + 2 + 5 + 4.
  EXPECT_EQ(divide_evenly(Counts{1, 2, 30, 7}, 12), (Counts{1, 2, 5, 4}));
  EXPECT_EQ(divide_evenly(Counts{5, 1, 0, 3}, 9), (Counts{5, 1, 0, 3}));
  EXPECT_EQ(divide_evenly(Counts{5, 1, 0, 3}, 8), (Counts{4, 1, 0, 3}));
  EXPECT_EQ(divide_evenly(Counts{5, 1, 9, 3}, 2), (Counts{1, 0, 1, 0}));
  EXPECT_EQ(divide_evenly(Counts{5, 1}, 0), (Counts{0, 0}));
  EXPECT_EQ(divide_evenly(Counts{}, 0), (Counts{}));
}

/// The least sum of squares, by giving one place after the other to who has least.
TEST(DivideEvenly, IsTheMostEvenDivision) {
  RandomStream random(Seed{4}, "divide-test");
  for (int trial = 0; trial < 300; ++trial) {
    Counts sizes(1 + random.below(12));
    for (auto& size : sizes)
      size = static_cast<std::int64_t>(random.below(trial % 2 == 0 ? 6 : 60));
    const auto places =
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(sum_of(sizes)) + 1));
    const Counts shares = divide_evenly(sizes, places);
    Counts greedy(sizes.size());
    for (std::int64_t place = 0; place < places; ++place) {
      std::size_t best = sizes.size();
      for (std::size_t j = 0; j < sizes.size(); ++j) {
        if (greedy[j] < sizes[j] && (best == sizes.size() || greedy[j] < greedy[best])) best = j;
      }
      ++greedy[best];
    }
    const auto squares = [](const Counts& counts) {
      return std::inner_product(counts.begin(), counts.end(), counts.begin(), std::int64_t{0});
    };
    ASSERT_EQ(sum_of(shares), places);
    ASSERT_EQ(squares(shares), squares(greedy));
    for (std::size_t j = 0; j < sizes.size(); ++j) {
      ASSERT_LE(shares[j], sizes[j]);
      ASSERT_GE(shares[j], 0);
    }
  }
}

TEST(DivideEvenly, RefusesWhatCannotBe) {
  expect_error<InvalidArgument>([] { divide_evenly(Counts{2, 3}, 6); }, {"6 places", "5 rows"});
  expect_error<InvalidArgument>([] { divide_evenly(Counts{2, 3}, -1); }, {"-1 places"});
  expect_error<InvalidArgument>([] { divide_evenly(Counts{2, -3}, 0); }, {"smallest of -3"});
}

/// 12 rows in four clusters of 1, 2, 3 and 6, of which {0, 1} and {2, 3} are two above.
struct Small {
  std::vector<std::int32_t> rows = {0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3};
  std::vector<std::int32_t> above = {0, 0, 1, 1};
  std::vector<double> distance = {0.1, 0.2, 0.1, 0.3, 0.1, 0.2, 0.6, 0.5, 0.4, 0.3, 0.2, 0.3};

  HierarchyView view() const { return {{rows, above}, {4, 2}, distance}; }
};

TEST(BalancedSample, ByHand) {
  const Small small;
  const auto nearest = balanced_sample(small.view(), 8, LeafOrder::nearest);
  // 3 + 5 from above, as the first has 3 rows only; its 1 + 2, and 5 in 3 + 2 by size: 6 gets more.
  EXPECT_EQ(nearest.budgets, (std::vector<Counts>{{1, 2, 2, 3}, {3, 5}}));
  EXPECT_EQ(nearest.ids, (Counts{0, 1, 2, 4, 5, 9, 10, 11}));
  const auto farthest = balanced_sample(small.view(), 8, LeafOrder::farthest);
  EXPECT_EQ(farthest.budgets, nearest.budgets);
  EXPECT_EQ(farthest.ids, (Counts{0, 1, 2, 3, 5, 6, 7, 8}));
  EXPECT_EQ(balanced_sample(small.view(), 12).ids.size(), 12U);
  EXPECT_TRUE(balanced_sample(small.view(), 0).ids.empty());
}

TEST(BalancedSample, RandomLeavesDependOnTheSeedAlone) {
  const Small small;
  const auto ids = [&](std::uint64_t seed) {
    return balanced_sample(small.view(), 6, LeafOrder::random, Seed{seed}).ids;
  };
  std::set<Counts> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(ids(seed), ids(seed));
    different.insert(ids(seed));
  }
  EXPECT_GT(different.size(), 5U);
}

TEST(BalancedSample, InvariantsOfRandomHierarchies) {
  RandomStream random(Seed{9}, "hierarchy-test");
  const auto assign_randomly = [&](std::size_t n, std::uint64_t k) {
    std::vector<std::int32_t> assignment(n);
    for (auto& value : assignment) {  // clusters of many sizes, some empty
      const double u = random.uniform();
      value = static_cast<std::int32_t>(static_cast<double>(k) * u * u);
    }
    return assignment;
  };
  for (int trial = 0; trial < 60; ++trial) {
    const auto a = assign_randomly(500, 40);
    const auto b = assign_randomly(40, 9);
    const auto c = assign_randomly(9, 3);
    const std::vector<double> distance(500, 0.0);
    const HierarchyView view{{a, b, c}, {40, 9, 3}, distance};
    const auto count = static_cast<std::int64_t>(random.below(501));
    const auto sample = balanced_sample(view, count, LeafOrder::random, Seed{1});
    ASSERT_EQ(std::ssize(sample.ids), count);
    ASSERT_TRUE(std::ranges::adjacent_find(sample.ids, std::greater_equal<>{}) == sample.ids.end());
    Counts found(40);
    for (const auto id : sample.ids)
      ++found[static_cast<std::size_t>(a[static_cast<std::size_t>(id)])];
    ASSERT_EQ(found, sample.budgets[0]);
    Counts sizes(40);
    for (const auto j : a) ++sizes[static_cast<std::size_t>(j)];
    for (std::size_t i = 0; i < 40; ++i) {
      ASSERT_LE(found[i], sizes[i]);
      for (std::size_t j = 0; j < 40; ++j) {  // siblings with room left differ by one at most
        if (b[i] == b[j] && found[i] < sizes[i]) {
          ASSERT_LE(found[j], found[i] + 1);
        }
      }
    }
    for (std::size_t level = 1; level < 3; ++level) {
      ASSERT_EQ(sum_of(sample.budgets[level]), count);
    }
  }
}

TEST(BalancedSample, RefusesLevelsThatDoNotFit) {
  Small small;
  const auto refuse = [](const HierarchyView& view, std::int64_t count,
                         const std::vector<std::string>& parts) {
    expect_error<InvalidArgument>([&] { balanced_sample(view, count, LeafOrder::nearest); }, parts);
  };
  refuse(small.view(), 13, {"keep-count = 13", "[0, 12]"});
  refuse({}, 0, {"at least one"});
  refuse({{small.rows}, {4}, {}}, 2, {"0 distances of 12 rows"});
  refuse({{small.rows, small.above}, {5, 2}, small.distance}, 2,
         {"level 1 assigns 4 clusters", "5 below"});
  small.above[2] = 2;
  refuse(small.view(), 2, {"level 1 assigns 2 to cluster 2", "[0, 2)"});
}

HierarchyOptions options_of(std::vector<std::int64_t> clusters) {
  HierarchyOptions options{.clusters = std::move(clusters)};
  options.kmeans.iterations = 5;
  options.kmeans.geometry = Geometry::euclidean;
  return options;
}

TEST(HierarchicalKMeans, EachLevelClustersTheCentroidsBelow) {
  const Matrix<float> rows = normal_matrix(600, 6, 3);
  for (const auto geometry : {Geometry::euclidean, Geometry::spherical}) {
    auto options = options_of({60, 12, 3});
    options.kmeans.geometry = geometry;
    const Matrix<float> points =
        geometry == Geometry::spherical ? numerics::normalize_rows(rows) : rows;
    const Hierarchy hierarchy = hierarchical_kmeans(points, options);
    ASSERT_EQ(hierarchy.levels.size(), 3U);
    MatrixView<const float> below = points;
    for (std::size_t level = 0; level < 3; ++level) {
      const KMeansResult& found = hierarchy.levels[level];
      EXPECT_EQ(found.centroids.rows(), options.clusters[level]);
      const KMeansResult nearest = assign(below, found.centroids, geometry);
      EXPECT_EQ(found.assignment, nearest.assignment);
      EXPECT_EQ(found.distance, nearest.distance);
      below = found.centroids;
    }
  }
}

TEST(HierarchicalKMeans, TheFinestLevelIsKMeans) {
  const Matrix<float> rows = normal_matrix(300, 5, 8);
  const auto options = options_of({30, 5});
  KMeansOptions plain = options.kmeans;
  plain.n_clusters = 30;
  EXPECT_EQ(values_of(hierarchical_kmeans(rows, options).levels[0].centroids),
            values_of(kmeans(rows, plain).centroids));
}

/// With one point of each cluster, the clusters of a resampling step are these points.
TEST(HierarchicalKMeans, AResamplingStepTakesTheNearestPoints) {
  const Matrix<float> rows = normal_matrix(200, 3, 5);
  auto options = options_of({10});
  options.points_per_cluster = 1;
  const KMeansResult before = hierarchical_kmeans(rows, options).levels[0];
  options.finest_resampling_steps = 1;
  const KMeansResult after = hierarchical_kmeans(rows, options).levels[0];
  std::set<std::vector<float>> nearest;
  for (std::int32_t j = 0; j < 10; ++j) {
    std::size_t best = rows.rows();
    for (std::size_t i = 0; i < before.assignment.size(); ++i) {
      const bool closer = best == static_cast<std::size_t>(rows.rows()) ||
                          before.distance[i] < before.distance[best];
      if (before.assignment[i] == j && closer) best = i;
    }
    const auto row = rows.row(static_cast<std::int64_t>(best));
    nearest.emplace(row.begin(), row.end());
  }
  std::set<std::vector<float>> centroids;
  for (std::int64_t j = 0; j < 10; ++j) {
    const auto row = after.centroids.row(j);
    centroids.emplace(row.begin(), row.end());
  }
  EXPECT_EQ(centroids, nearest);
}

/// 2,000 points on [0, 1] and 200 on [1, 11]: the more levels are resampled, the more centroids lie
/// where the points are few.
TEST(HierarchicalKMeans, ResamplingFlattens) {
  Matrix<float> rows(2200, 1);
  RandomStream random(Seed{6}, "hierarchy-test");
  for (std::int64_t i = 0; i < 2200; ++i) {
    rows(i, 0) = static_cast<float>(i < 2000 ? random.uniform() : 1.0 + 10.0 * random.uniform());
  }
  const auto sparse = [&](std::int64_t steps) {
    auto options = options_of({100});
    options.kmeans.iterations = 20;
    options.finest_resampling_steps = steps;
    const Matrix<float> centroids = hierarchical_kmeans(rows, options).levels[0].centroids;
    std::int64_t count = 0;
    for (std::int64_t j = 0; j < centroids.rows(); ++j) count += centroids(j, 0) > 1.0F ? 1 : 0;
    return count;
  };
  EXPECT_GT(sparse(3), sparse(0) + 5);
}

TEST(HierarchicalKMeans, SameBitsForAnyThreads) {
  const Matrix<float> rows = normal_matrix(3000, 8, 2);
  auto options = options_of({100, 10});
  options.finest_resampling_steps = 2;
  std::vector<std::vector<float>> tops;
  for (const int threads : {1, 2, 5}) {
    const Threads used(threads);
    tops.push_back(values_of(hierarchical_kmeans(rows, options).levels[1].centroids));
    EXPECT_EQ(tops.back(), tops.front());
  }
}

TEST(HierarchicalKMeans, EqualRowsLeaveClustersEmpty) {
  Matrix<float> rows(40, 2);
  for (std::int64_t i = 0; i < 40; ++i) rows(i, 0) = static_cast<float>(i % 3);
  const Hierarchy hierarchy = hierarchical_kmeans(rows, options_of({8, 4}));
  EXPECT_EQ(hierarchy.levels[0].empty_clusters, 5);
  const auto sample = balanced_sample(view_of(hierarchy), 9);
  EXPECT_EQ(sample.ids.size(), 9U);
}

TEST(HierarchicalKMeans, RefusesBadOptions) {
  const Matrix<float> rows = normal_matrix(20, 2, 2);
  const auto refuse = [&](const HierarchyOptions& options, const std::vector<std::string>& parts) {
    expect_error<InvalidArgument>([&] { hierarchical_kmeans(rows, options); }, parts);
  };
  refuse({}, {"no levels"});
  refuse(options_of({4, 5}), {"5 after 4", "finest"});
  refuse(options_of({4, 0}), {"clusters = 0"});
  refuse(options_of({21}), {"clusters = 21", "at most 20"});
  auto options = options_of({4});
  options.resampling_steps = -1;
  refuse(options, {"resampling-steps = -1"});
  StoppingProgress progress(10);
  EXPECT_THROW(hierarchical_kmeans(rows, options_of({4, 2}), progress), Interrupted);
}

}  // namespace
}  // namespace winnow::cluster
