#include "winnow/cluster/kmeans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "unit/cluster/reference.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {
namespace {

using testing::expect_error;
using testing::matrix_of;
using testing::normal_matrix;
using testing::StoppingProgress;
using testing::Threads;
using testing::values_of;

/// `per_cloud` rows around each of k corners that are 20 standard deviations apart.
Matrix<float> clouds(std::int64_t k, std::int64_t per_cloud, std::int64_t d, std::uint64_t seed) {
  Matrix<float> rows = normal_matrix(k * per_cloud, d, seed);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const std::int64_t corner = i % k;
    const std::int64_t turn = 1 + corner / d;
    rows(i, corner % d) += static_cast<float>(20 * turn);
  }
  return rows;
}

Matrix<float> first_rows(const Matrix<float>& rows, std::int64_t count) {
  return matrix_of(count, rows.cols(), values_of(rows.view().block(0, count)));
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

class BothGeometries : public ::testing::TestWithParam<Geometry> {
 protected:
  /// Unit rows where the geometry asks for them.
  Matrix<float> fit(Matrix<float> rows) const {
    return GetParam() == Geometry::spherical ? numerics::normalize_rows(rows) : std::move(rows);
  }
  KMeansOptions options(std::int64_t k, std::int64_t iterations = 10) const {
    return {.n_clusters = k, .iterations = iterations, .geometry = GetParam(), .seed = Seed{3}};
  }
  /// Everything that must hold of any result.
  void expect_consistent(const Matrix<float>& points, const KMeansResult& result) const {
    const auto n = static_cast<std::size_t>(points.rows());
    const auto k = static_cast<std::size_t>(result.centroids.rows());
    ASSERT_EQ(result.assignment.size(), n);
    ASSERT_EQ(result.distance.size(), n);
    ASSERT_EQ(result.sizes.size(), k);
    ASSERT_EQ(result.objective.size(), static_cast<std::size_t>(result.iterations + 1));
    std::vector<std::int64_t> sizes(k);
    for (const auto j : result.assignment) ++sizes.at(static_cast<std::size_t>(j));
    EXPECT_EQ(result.sizes, sizes);
    EXPECT_EQ(result.empty_clusters, std::ranges::count(sizes, 0));
    EXPECT_DOUBLE_EQ(result.objective.back(), mean(result.distance));
    const SlowKMeans slow(points, result.centroids, GetParam(), 0);
    for (std::size_t i = 0; i < n; ++i) {
      const double size = numerics::dot(points.row(static_cast<std::int64_t>(i)),
                                        points.row(static_cast<std::int64_t>(i)));
      ASSERT_NEAR(result.distance[i], slow.distance[i], 1e-6 * size) << "row " << i;
    }
    if (GetParam() == Geometry::spherical) {
      for (const double norm : numerics::row_norms(result.centroids)) EXPECT_NEAR(norm, 1.0, 1e-6);
    }
  }
};

// Centroids are rounded to float32: a length of 1 errs by up to 2^-24, and so does a cosine. The
// products that decide err by about d * 2^-24 times the lengths, so rows whose two nearest
// centroids are closer together than `rounding` may go either way.
void expect_equal_to_slow(const Matrix<float>& points, const Matrix<float>& initial,
                          const KMeansOptions& options) {
  const KMeansResult result = kmeans(points, options, silent(), initial.view());
  const SlowKMeans slow(points, initial, options.geometry, options.iterations);
  ASSERT_EQ(result.objective.size(), slow.objective.size());
  for (std::size_t step = 0; step < slow.objective.size(); ++step) {
    EXPECT_NEAR(result.objective[step], slow.objective[step], 1e-6 * slow.objective[step] + 0x1p-24)
        << "after " << step << " updates";
  }
  constexpr double rounding = 1e-4;
  std::int64_t clear = 0;
  for (std::size_t i = 0; i < slow.assignment.size(); ++i) {
    if (slow.margin[i] < rounding) continue;
    ++clear;
    ASSERT_EQ(result.assignment[i], static_cast<std::int32_t>(slow.assignment[i])) << "row " << i;
  }
  EXPECT_GT(clear, points.rows() * 9 / 10);
}

TEST_P(BothGeometries, AgreeWithASlowLloydOnClouds) {
  const Matrix<float> points = fit(clouds(6, 40, 5, 1));
  expect_equal_to_slow(points, first_rows(points, 6), options(6));
}

TEST_P(BothGeometries, AgreeWithASlowLloydOnNoise) {
  // More rows than two blocks of 512, and a width and a k that fill no vector register.
  const Matrix<float> points = fit(normal_matrix(1237, 13, 2));
  expect_equal_to_slow(points, first_rows(points, 9), options(9));
}

/// Centroids in twos and threes that float32 products cannot tell apart, some of them equal, at
/// every scale that a float32 square has: the nearest is still that of the distances, the first of
/// equals.
TEST_P(BothGeometries, TheNearestIsThatOfTheDistances) {
  for (const std::int64_t d : {1, 3, 17, 130}) {
    for (const float scale : {1.0F, 1e-30F, 1e-12F, 3e7F, 1e30F}) {
      Matrix<float> points = normal_matrix(700, d, 21);
      Matrix<float> centroids = normal_matrix(30, d, 22);
      RandomStream random(Seed{23}, "nudges");
      for (std::int64_t j = 3; j < 30; ++j) {
        if (j % 3 == 0) continue;
        for (std::int64_t c = 0; c < d; ++c) {
          const double nudge = j % 3 == 1 && j % 2 == 0 ? 0.0 : 1e-7 * random.normal();
          centroids(j, c) = static_cast<float>(centroids(j / 3 * 3, c) * (1.0 + nudge));
        }
      }
      for (std::int64_t i = 0; i < points.size(); ++i) points.data()[i] *= scale;
      for (std::int64_t i = 0; i < centroids.size(); ++i) centroids.data()[i] *= scale;
      points = fit(points);
      centroids = fit(centroids);
      const KMeansResult result = assign(points, centroids, GetParam());
      EXPECT_GT(result.close_rows, 400) << "the products had to be checked";
      for (std::int64_t i = 0; i < points.rows(); ++i) {
        std::int32_t nearest = 0;
        double least = std::numeric_limits<double>::infinity();
        for (std::int32_t j = 0; j < 30; ++j) {
          const double distance =
              GetParam() == Geometry::euclidean
                  ? numerics::squared_distance(points.row(i), centroids.row(j))
                  : std::clamp(1.0 - numerics::dot(points.row(i), centroids.row(j)), 0.0, 2.0);
          if (distance >= least) continue;
          least = distance;
          nearest = j;
        }
        ASSERT_EQ(result.assignment[static_cast<std::size_t>(i)], nearest)
            << "row " << i << " of " << d << " numbers at " << scale;
        ASSERT_EQ(result.distance[static_cast<std::size_t>(i)], least);
      }
    }
  }
}

/// Enough centroids that a machine with AMX decides by products in bfloat16.
TEST_P(BothGeometries, TheNearestOfManyIsThatOfTheDistances) {
  const Matrix<float> points = fit(normal_matrix(1100, 40, 31));
  const Matrix<float> centroids = fit(normal_matrix(90, 40, 32));
  const KMeansResult result = assign(points, centroids, GetParam());
  EXPECT_LT(result.close_rows, 600);
  const SlowKMeans slow(points, centroids, GetParam(), 0);
  for (std::size_t i = 0; i < slow.assignment.size(); ++i) {
    if (slow.margin[i] < 1e-6) continue;
    ASSERT_EQ(result.assignment[i], static_cast<std::int32_t>(slow.assignment[i])) << "row " << i;
  }
}

/// Rows far from the origin and close to each other, as features above 0 are: rounded products
/// cannot tell any centroids apart, float32 ones can.
TEST_P(BothGeometries, ProductsThatAreTooCoarseAreDoneAgain) {
  Matrix<float> points = normal_matrix(1100, 40, 33);
  for (std::int64_t i = 0; i < points.size(); ++i) points.data()[i] += 30.0F;
  points = fit(points);
  const KMeansResult result = assign(points, first_rows(points, 90), GetParam());
  EXPECT_LT(result.close_rows, 1000);
  for (std::int64_t i = 0; i < 90; ++i) {
    ASSERT_EQ(result.assignment[static_cast<std::size_t>(i)], i) << "each centroid is a row";
  }
  const SlowKMeans slow(points, first_rows(points, 90), GetParam(), 0);
  for (std::size_t i = 0; i < slow.assignment.size(); ++i) {
    if (slow.margin[i] < 1e-9) continue;
    ASSERT_EQ(result.assignment[i], static_cast<std::int32_t>(slow.assignment[i])) << "row " << i;
  }
}

TEST_P(BothGeometries, ProductsDecideAlmostAllRowsOfClouds) {
  const Matrix<float> points = fit(clouds(6, 200, 30, 5));
  const KMeansResult result = assign(points, first_rows(points, 6), GetParam());
  EXPECT_LE(result.close_rows, 12);
}

/// Two seeds fall into one cloud with a probability of a few percent.
TEST_P(BothGeometries, FindCloudsThatAreFarApart) {
  const Matrix<float> points = fit(clouds(5, 30, 5, 4));
  int found = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    KMeansOptions chosen = options(5);
    chosen.seed = Seed{seed};
    const KMeansResult result = kmeans(points, chosen);
    expect_consistent(points, result);
    EXPECT_TRUE(result.converged);
    if (result.sizes != std::vector<std::int64_t>(5, 30)) continue;
    ++found;
    for (std::size_t i = 0; i < result.assignment.size(); ++i) {
      EXPECT_EQ(result.assignment[i], result.assignment[i % 5]) << "row " << i;
    }
  }
  EXPECT_GE(found, 36);
}

TEST_P(BothGeometries, NeverRaiseTheObjective) {
  const Matrix<float> points = fit(normal_matrix(700, 6, 5));
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    KMeansOptions chosen = options(40, 15);
    chosen.seed = Seed{seed};
    const KMeansResult result = kmeans(points, chosen);
    expect_consistent(points, result);
    for (std::size_t step = 1; step < result.objective.size(); ++step) {
      EXPECT_LE(result.objective[step], result.objective[step - 1] * (1 + 1e-6));
    }
    EXPECT_LT(result.objective.back(), 0.99 * result.objective.front());
  }
}

TEST_P(BothGeometries, OneClusterIsTheMean) {
  const Matrix<float> points = fit(clouds(2, 50, 4, 6));
  const KMeansResult result = kmeans(points, options(1, 1));
  expect_consistent(points, result);
  std::vector<double> expected = numerics::column_means(points);
  if (GetParam() == Geometry::spherical) {
    const double norm =
        std::sqrt(std::inner_product(expected.begin(), expected.end(), expected.begin(), 0.0));
    for (double& value : expected) value /= norm;
  }
  for (std::int64_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(result.centroids(0, j), expected[static_cast<std::size_t>(j)], 1e-5);
  }
}

TEST_P(BothGeometries, AsManyClustersAsRowsLeaveNoDistance) {
  const Matrix<float> points = fit(normal_matrix(60, 5, 7));
  const KMeansResult result = kmeans(points, options(60, 2));
  expect_consistent(points, result);
  EXPECT_NEAR(result.objective.back(), 0.0, 1e-7);
  EXPECT_EQ(result.empty_clusters, 0);
  EXPECT_EQ(result.sizes, std::vector<std::int64_t>(60, 1));
}

TEST_P(BothGeometries, MoreClustersThanDistinctRowsStayEmptyAndAreCounted) {
  Matrix<float> points = fit(clouds(3, 8, 3, 8));
  for (std::int64_t i = 3; i < points.rows(); ++i) {
    std::ranges::copy(points.row(i % 3), points.row(i).begin());
  }
  const KMeansResult result = kmeans(points, options(10, 4));
  expect_consistent(points, result);
  EXPECT_EQ(result.empty_clusters, 7);
  EXPECT_NEAR(result.objective.back(), 0.0, 1e-7);
}

TEST_P(BothGeometries, EqualRowsMakeOneCluster) {
  Matrix<float> points(20, 3);
  for (std::int64_t i = 0; i < 20; ++i) points(i, 1) = 1.0F;
  const KMeansResult result = kmeans(points, options(4, 3));
  expect_consistent(points, result);
  EXPECT_EQ(result.assignment, std::vector<std::int32_t>(20, 0)) << "ties go to the lowest index";
  EXPECT_EQ(result.empty_clusters, 3);
  EXPECT_EQ(result.objective.back(), 0.0);
}

TEST_P(BothGeometries, EmptyClustersMoveToTheFarthestRow) {
  const Matrix<float> points = fit(clouds(4, 20, 4, 9));
  Matrix<float> initial(4, 4);
  for (std::int64_t j = 0; j < 4; ++j) std::ranges::copy(points.row(0), initial.row(j).begin());
  const KMeansResult start = assign(points, initial, GetParam());
  EXPECT_EQ(start.empty_clusters, 3);
  const KMeansResult result = kmeans(points, options(4, 10), silent(), initial.view());
  expect_consistent(points, result);
  EXPECT_EQ(result.empty_clusters, 0);
}

TEST_P(BothGeometries, SameBitsForAnyNumberOfThreads) {
  const Matrix<float> points = fit(normal_matrix(5000, 7, 10));
  std::vector<KMeansResult> results;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    results.push_back(kmeans(points, options(33, 6)));
  }
  for (const auto& result : results) {
    EXPECT_EQ(values_of(result.centroids), values_of(results.front().centroids));
    EXPECT_EQ(result.assignment, results.front().assignment);
    EXPECT_EQ(result.distance, results.front().distance);
    EXPECT_EQ(result.objective, results.front().objective);
  }
}

TEST_P(BothGeometries, TheSeedDecides) {
  const Matrix<float> points = fit(normal_matrix(300, 4, 11));
  KMeansOptions chosen = options(12, 2);
  const KMeansResult first = kmeans(points, chosen);
  EXPECT_EQ(values_of(kmeans(points, chosen).centroids), values_of(first.centroids));
  chosen.seed = Seed{4};
  EXPECT_NE(values_of(kmeans(points, chosen).centroids), values_of(first.centroids));
}

TEST_P(BothGeometries, MakeExactlyTheUpdatesAskedFor) {
  // Converged after one update, and yet ten are made.
  const Matrix<float> points = fit(clouds(3, 10, 3, 12));
  for (const std::int64_t iterations : {0, 1, 10}) {
    const KMeansResult result = kmeans(points, options(3, iterations));
    EXPECT_EQ(result.iterations, iterations);
    expect_consistent(points, result);
  }
}

TEST_P(BothGeometries, StopEarlyOnceTheToleranceIsMet) {
  const Matrix<float> points = fit(normal_matrix(600, 5, 13));
  KMeansOptions chosen = options(8, 200);
  chosen.tolerance = 1e-3;
  const KMeansResult result = kmeans(points, chosen);
  expect_consistent(points, result);
  EXPECT_TRUE(result.converged);
  EXPECT_LT(result.iterations, 200);
  const auto& objective = result.objective;
  for (std::size_t step = 1; step + 1 < objective.size(); ++step) {
    EXPECT_GT(objective[step - 1] - objective[step], 1e-3 * objective[step - 1]);
  }
  EXPECT_LE(objective.end()[-2] - objective.back(), 1e-3 * objective.end()[-2]);
}

TEST_P(BothGeometries, AssignRefersToTheCentroidsGiven) {
  const Matrix<float> points = fit(normal_matrix(515, 6, 14));
  const Matrix<float> centroids = fit(normal_matrix(7, 6, 15));
  const KMeansResult result = assign(points, centroids, GetParam());
  EXPECT_EQ(values_of(result.centroids), values_of(centroids));
  EXPECT_EQ(result.iterations, 0);
  expect_consistent(points, result);
  const SlowKMeans slow(points, centroids, GetParam(), 0);
  for (std::size_t i = 0; i < slow.assignment.size(); ++i) {
    if (slow.margin[i] < 1e-4) continue;
    EXPECT_EQ(result.assignment[i], static_cast<std::int32_t>(slow.assignment[i])) << "row " << i;
  }
}

TEST_P(BothGeometries, TheLastScoresReferToTheCentroidsReturned) {
  const Matrix<float> points = fit(normal_matrix(400, 6, 16));
  const KMeansResult result = kmeans(points, options(10, 3));
  const KMeansResult again = assign(points, result.centroids, GetParam());
  EXPECT_EQ(again.distance, result.distance);
  EXPECT_EQ(again.assignment, result.assignment);
}

TEST_P(BothGeometries, CanBeCancelled) {
  const Matrix<float> points = fit(normal_matrix(2000, 4, 17));
  StoppingProgress progress(3000);
  EXPECT_THROW(kmeans(points, options(5, 1000), progress), Interrupted);
  EXPECT_LT(progress.count(), 8000);
}

INSTANTIATE_TEST_SUITE_P(KMeans, BothGeometries,
                         ::testing::Values(Geometry::spherical, Geometry::euclidean),
                         [](const auto& test) { return enum_name(test.param); });

TEST(KMeans, MoreCentroidsThanRowsCanBeGiven) {
  const KMeansResult result =
      assign(matrix_of(1, 1, {2.2F}), matrix_of(3, 1, {1, 2, 3}), Geometry::euclidean);
  EXPECT_EQ(result.assignment, std::vector<std::int32_t>{1});
  EXPECT_EQ(result.sizes, (std::vector<std::int64_t>{0, 1, 0}));
  EXPECT_NEAR(result.distance[0], 0.04, 1e-6);
}

TEST(KMeans, OneColumn) {
  const Matrix<float> points = matrix_of(6, 1, {1, 2, 3, 11, 12, 13});
  const KMeansResult result =
      kmeans(points, {.n_clusters = 2, .iterations = 5, .geometry = Geometry::euclidean});
  std::vector<float> centroids = values_of(result.centroids);
  std::ranges::sort(centroids);
  EXPECT_EQ(centroids, (std::vector<float>{2, 12}));
  EXPECT_DOUBLE_EQ(result.objective.back(), 4.0 / 6.0);
}

TEST(KMeans, SphericalAndEuclideanAgreeOnUnitCentroids) {
  const Matrix<float> points = numerics::normalize_rows(normal_matrix(800, 8, 18));
  const Matrix<float> centroids = numerics::normalize_rows(normal_matrix(11, 8, 19));
  const KMeansResult angle = assign(points, centroids, Geometry::spherical);
  const KMeansResult straight = assign(points, centroids, Geometry::euclidean);
  for (std::size_t i = 0; i < angle.distance.size(); ++i) {
    // |x - c|^2 = 2 (1 - x.c) for unit vectors; theirs are of unit length to 2^-24.
    ASSERT_NEAR(straight.distance[i], 2.0 * angle.distance[i], 1e-6) << "row " << i;
  }
}

/// The same clouds at every scale that float32 can hold: nothing may overflow or vanish.
class Scales : public ::testing::TestWithParam<int> {};

TEST_P(Scales, DoNotChangeTheAssignment) {
  const Matrix<float> points = clouds(6, 20, 4, 20);
  Matrix<float> scaled = points;
  for (float& value : std::span(scaled.data(), static_cast<std::size_t>(scaled.size()))) {
    value = std::ldexp(value, GetParam());
  }
  const KMeansOptions options{
      .n_clusters = 6, .iterations = 5, .geometry = Geometry::euclidean, .seed = Seed{1}};
  const KMeansResult expected = kmeans(points, options);
  const KMeansResult result = kmeans(scaled, options);
  EXPECT_EQ(result.assignment, expected.assignment);
  for (std::size_t step = 0; step < expected.objective.size(); ++step) {
    EXPECT_DOUBLE_EQ(result.objective[step], std::ldexp(expected.objective[step], 2 * GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(KMeans, Scales, ::testing::Values(-100, -70, -10, 10, 70, 110),
                         [](const auto& test) {
                           return (test.param < 0 ? "minus" : "plus") +
                                  std::to_string(std::abs(test.param));
                         });

TEST(KMeans, EmptyClustersFarFromTheOriginAreRepairedToo) {
  // Distances of 1 between rows of length 2000: small beside the norm, large beside its rounding.
  const Matrix<float> points = matrix_of(4, 1, {2000, 2000, 2001, 2001});
  const Matrix<float> initial = matrix_of(2, 1, {2000, 2000});
  const KMeansResult result =
      kmeans(points, {.n_clusters = 2, .iterations = 2, .geometry = Geometry::euclidean}, silent(),
             initial.view());
  EXPECT_EQ(result.empty_clusters, 0);
  EXPECT_EQ(result.objective.back(), 0.0);
}

TEST(KMeans, DirectionsThatCancelOutKeepTheirCentroid) {
  const Matrix<float> points = matrix_of(2, 2, {1, 0, -1, 0});
  const Matrix<float> initial = matrix_of(1, 2, {0, 1});
  const KMeansResult result =
      kmeans(points, {.n_clusters = 1, .iterations = 3}, silent(), initial.view());
  EXPECT_EQ(values_of(result.centroids), (std::vector<float>{0, 1}));
  EXPECT_EQ(result.distance, (std::vector<double>{1, 1}));
}

TEST(KMeans, RejectsWhatItCannotDo) {
  const Matrix<float> points = normal_matrix(5, 3, 21);
  const auto with = [&](KMeansOptions options) {
    return [&points, options] { kmeans(points, options); };
  };
  expect_error<InvalidArgument>(with({.n_clusters = 6}), {"clusters = 6", "at most 5"});
  expect_error<InvalidArgument>(with({.n_clusters = 0}), {"clusters = 0", "[1, inf)"});
  expect_error<InvalidArgument>(with({.n_clusters = 2, .iterations = -1}), {"iterations = -1"});
  expect_error<InvalidArgument>(with({.n_clusters = 2, .tolerance = 1.0}),
                                {"tolerance = 1", "[0, 1)"});
  expect_error<InvalidArgument>(with({.n_clusters = 2, .tolerance = std::nan("")}),
                                {"tolerance = nan"});
  const KMeansOptions two{.n_clusters = 2};
  expect_error<InvalidArgument>([&] { kmeans(Matrix<float>(0, 3), two); }, {"[0, 3]"});
  expect_error<InvalidArgument>([&] { kmeans(Matrix<float>(3, 0), two); }, {"[3, 0]"});
  const Matrix<float> narrow = normal_matrix(2, 2, 22);
  expect_error<InvalidArgument>([&] { kmeans(points, two, silent(), narrow.view()); },
                                {"[2, 2]", "expected [2, 3]"});
  expect_error<InvalidArgument>([&] { assign(points, narrow, Geometry::euclidean); },
                                {"[2, 2]", "3 columns"});
  expect_error<InvalidArgument>([&] { assign(points, Matrix<float>(0, 3), Geometry::euclidean); },
                                {"[0, 3]"});
}

}  // namespace
}  // namespace winnow::cluster
