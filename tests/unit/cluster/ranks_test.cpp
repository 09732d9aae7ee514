// What must not change any bit: threads, ranks, where rows lie, bounds, interruptions.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "unit/support.hpp"
#include "unit/thread_comm.hpp"
#include "winnow/cluster/kmeans.hpp"
#include "winnow/cluster/shard_rows.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {
namespace {

using testing::normal_matrix;
using testing::run_ranks;
using testing::TempFolder;
using testing::Threads;
using testing::values_of;

/// Rows around `centres` points, of very different spread, some of them equal.
Matrix<float> clustered(std::int64_t n, std::int64_t d, std::int64_t centres, std::uint64_t seed) {
  const Matrix<float> means = normal_matrix(centres, d, seed);
  Matrix<float> rows = normal_matrix(n, d, seed + 1);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t c = i * i % centres;
    const float spread = 0.05F * static_cast<float>(1 + c % 10);
    for (std::int64_t j = 0; j < d; ++j) rows(i, j) = 2.0F * means(c, j) + spread * rows(i, j);
  }
  for (std::int64_t i = 0; i + 7 < n; i += 50) {
    std::ranges::copy(rows.row(i), rows.row(i + 7).begin());
  }
  return rows;
}

/// The parts of all ranks together.
struct Whole {
  std::vector<float> centroids;
  std::vector<std::int32_t> assignment;
  std::vector<double> distance;
  std::vector<double> objective;
  std::vector<std::int64_t> sizes;
  bool operator==(const Whole&) const = default;
};

void include(Whole& whole, const KMeansResult& part) {
  whole.centroids = values_of(part.centroids);
  whole.objective = part.objective;
  whole.sizes = part.sizes;
  const auto end = static_cast<std::size_t>(part.first_row) + part.assignment.size();
  whole.assignment.resize(std::max(whole.assignment.size(), end), -1);
  whole.distance.resize(whole.assignment.size(), -1.0);
  std::ranges::copy(part.assignment, whole.assignment.begin() + part.first_row);
  std::ranges::copy(part.distance, whole.distance.begin() + part.first_row);
}

Whole whole_of(const KMeansResult& result) {
  Whole whole;
  include(whole, result);
  return whole;
}

Whole on_ranks(int ranks, const Rows& rows, const KMeansOptions& options) {
  std::vector<KMeansResult> results(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](comm::Communicator& communicator) {
    results[static_cast<std::size_t>(communicator.rank())] =
        kmeans(rows, options, {.communicator = communicator});
  });
  Whole whole;
  for (const KMeansResult& result : results) {
    EXPECT_EQ(values_of(result.centroids), values_of(results.front().centroids));
    EXPECT_EQ(result.objective, results.front().objective);
    include(whole, result);
  }
  return whole;
}

class SameBits : public ::testing::TestWithParam<Geometry> {
 protected:
  Matrix<float> fit(const Matrix<float>& rows) const {
    return GetParam() == Geometry::spherical ? numerics::normalize_rows(rows) : rows;
  }
  KMeansOptions options(std::int64_t k, std::int64_t iterations) const {
    return {.n_clusters = k, .iterations = iterations, .geometry = GetParam(), .seed = Seed{5}};
  }
};

TEST_P(SameBits, ForAnyNumberOfRanksAndThreads) {
  const Matrix<float> points = fit(clustered(9001, 24, 90, 1));
  const MatrixRows rows(points);
  for (const Init init : {Init::plus_plus, Init::random}) {
    KMeansOptions chosen = options(150, 6);
    chosen.init = init;
    const Whole expected = whole_of(kmeans(points, chosen));
    for (const int ranks : {2, 3, 4, 7}) {
      const Threads threads(ranks % 2 + 1);
      EXPECT_TRUE(on_ranks(ranks, rows, chosen) == expected) << ranks << " ranks";
    }
  }
}

TEST_P(SameBits, WhenEmptyClustersAreRepaired) {
  // Two thirds of the seeds are never nearest: they all are the same row.
  const Matrix<float> points = fit(clustered(5000, 6, 40, 2));
  Matrix<float> initial(30, 6);
  for (std::int64_t j = 0; j < 30; ++j) {
    std::ranges::copy(points.row(j < 10 ? j : 0), initial.row(j).begin());
  }
  const MatrixRows rows(points);
  const auto run = [&](comm::Communicator& communicator) {
    return kmeans(rows, options(30, 3), {.communicator = communicator, .initial = initial.view()});
  };
  const KMeansResult expected = run(comm::self());
  EXPECT_EQ(expected.empty_clusters, 0);
  Whole whole;
  std::vector<KMeansResult> results(3);
  run_ranks(3, [&](comm::Communicator& communicator) {
    results[static_cast<std::size_t>(communicator.rank())] = run(communicator);
  });
  for (const auto& result : results) include(whole, result);
  EXPECT_TRUE(whole == whole_of(expected));
}

TEST_P(SameBits, StreamedFromShardsOfAnySize) {
  const TempFolder folder;
  const Matrix<float> points = clustered(5003, 16, 50, 3);
  std::int64_t first = 0;
  int number = 0;
  for (const std::int64_t size : {1, 700, 2048, 1300, 954}) {
    io::write_npy(folder / ("part-" + std::to_string(number++) + ".npy"),
                  points.view().block(first, size));
    first += size;
  }
  ASSERT_EQ(first, points.rows());
  const io::EmbeddingShards shards(folder.text());
  const ShardRows on_disk(shards);
  const UnitRows unit(on_disk);
  const Rows& rows = GetParam() == Geometry::spherical ? static_cast<const Rows&>(unit) : on_disk;
  const Whole expected = whole_of(kmeans(fit(points), options(80, 5)));
  EXPECT_TRUE(whole_of(kmeans(rows, options(80, 5), {})) == expected);
  EXPECT_TRUE(on_ranks(2, rows, options(80, 5)) == expected);
  EXPECT_EQ(shards.inputs().size(), 5U);
}

/// Runs of one iteration know no bounds from earlier ones; together they are the long run.
TEST_P(SameBits, WithBoundsAsWithout) {
  for (const std::int64_t k : {7, 130, 500}) {
    const Matrix<float> points = fit(clustered(3000, 20, 200, 4));
    const KMeansResult result = kmeans(points, options(k, 8));
    EXPECT_LT(result.computed, result.comparisons * 9 / 10) << "the bounds were of use";
    KMeansResult step = kmeans(points, options(k, 0));
    for (int i = 0; i < 8; ++i) {
      const Matrix<float> before = step.centroids;
      step = kmeans(points, options(k, 1), silent(), before.view());
      ASSERT_EQ(step.objective.back(), result.objective[static_cast<std::size_t>(i) + 1])
          << "after update " << i << " of " << k << " clusters";
    }
    EXPECT_EQ(values_of(step.centroids), values_of(result.centroids));
    EXPECT_EQ(step.assignment, result.assignment);
    EXPECT_EQ(step.distance, result.distance);
  }
}

TEST_P(SameBits, SeedsLeaveTheNearest) {
  const Matrix<float> points = fit(clustered(4500, 12, 60, 5));
  for (const std::int64_t k : {1, 2, 3, 65, 500}) {
    const KMeansResult seeded = kmeans(points, options(k, 0));
    const KMeansResult assigned = assign(points, seeded.centroids, GetParam());
    EXPECT_EQ(seeded.assignment, assigned.assignment) << k;
    EXPECT_EQ(seeded.distance, assigned.distance);
    EXPECT_EQ(seeded.objective, assigned.objective);
  }
}

TEST_P(SameBits, WhenResumedAfterAnyIteration) {
  const Matrix<float> points = fit(clustered(4200, 8, 30, 6));
  const MatrixRows rows(points);
  KMeansOptions chosen = options(40, 4);
  chosen.restarts = 3;
  std::vector<KMeansState> states;
  const KMeansResult expected = kmeans(
      rows, chosen, {.checkpoint = [&](const KMeansState& state) { states.push_back(state); }});
  ASSERT_EQ(states.size(), 12U);
  for (const KMeansState& state : states) {
    const KMeansResult resumed = kmeans(rows, chosen, {.resume = state});
    EXPECT_TRUE(whole_of(resumed) == whole_of(expected))
        << "restart " << state.restart << ", " << state.objective.size() << " objectives";
    EXPECT_EQ(resumed.restart, expected.restart);
    EXPECT_EQ(resumed.iterations, expected.iterations);
  }
}

TEST_P(SameBits, AreNotMixedWithThoseOfOtherRows) {
  const Matrix<float> points = fit(clustered(500, 8, 30, 6));
  KMeansState state;
  kmeans(MatrixRows(points), options(5, 1),
         {.checkpoint = [&](const KMeansState& done) { state = done; }});
  Matrix<float> others = points;
  std::ranges::copy(points.row(3), others.row(0).begin());
  testing::expect_error<InvalidArgument>(
      [&] { kmeans(MatrixRows(others), options(5, 2), {.resume = state}); },
      {"to resume", "the rows that it was made of"});
}

TEST_P(SameBits, OfMiniBatches) {
  const Matrix<float> points = fit(clustered(9000, 10, 30, 7));
  const MatrixRows rows(points);
  KMeansOptions chosen = options(30, 20);
  chosen.mini_batch = 300;
  const KMeansResult result = kmeans(points, chosen);
  EXPECT_EQ(result.iterations, 20);
  EXPECT_EQ(result.objective.size(), 1U);
  EXPECT_TRUE(on_ranks(3, rows, chosen) == whole_of(result));
  // Better than its rows at random, as exact k-means is better still.
  KMeansOptions random = options(30, 0);
  random.init = Init::random;
  EXPECT_LT(result.objective.back(), 0.8 * kmeans(points, random).objective.back());
  EXPECT_GT(result.objective.back(), 0.9 * kmeans(points, options(30, 20)).objective.back());
  const KMeansResult again = assign(points, result.centroids, GetParam());
  EXPECT_EQ(again.distance, result.distance) << "the last assignment is exact";
}

INSTANTIATE_TEST_SUITE_P(KMeans, SameBits,
                         ::testing::Values(Geometry::spherical, Geometry::euclidean),
                         [](const auto& test) { return enum_name(test.param); });

TEST(Restarts, KeepTheLowestObjective) {
  const Matrix<float> points = clustered(900, 5, 40, 8);
  KMeansOptions chosen{.n_clusters = 25,
                       .iterations = 3,
                       .geometry = Geometry::euclidean,
                       .restarts = 1,
                       .seed = Seed{9}};
  const double once = kmeans(points, chosen).objective.back();
  chosen.restarts = 6;
  const KMeansResult best = kmeans(points, chosen);
  EXPECT_LT(best.objective.back(), once);
  EXPECT_GT(best.restart, 0);
  EXPECT_EQ(best.objective.size(), 4U);
  EXPECT_EQ(assign(points, best.centroids, Geometry::euclidean).distance, best.distance);
}

TEST(Restarts, NeedSeedsOfTheirOwn) {
  const Matrix<float> points = normal_matrix(9, 2, 10);
  testing::expect_error<InvalidArgument>(
      [&] {
        kmeans(points, {.n_clusters = 2, .geometry = Geometry::euclidean, .restarts = 2}, silent(),
               points.view().block(0, 2));
      },
      {"restarts = 2", "expected 1"});
}

TEST(MiniBatches, KnowNoTolerance) {
  testing::expect_error<InvalidArgument>(
      [] { KMeansOptions{.tolerance = 0.1, .mini_batch = 5}.validate(); },
      {"tolerance = 0.1", "mini-batches"});
}

TEST(UnitRows, NamesTheRowWithoutADirection) {
  Matrix<float> points = normal_matrix(5000, 3, 11);
  std::ranges::fill(points.row(4321), 0.0F);
  const MatrixRows rows(points);
  testing::expect_error<InvalidArgument>([&] { kmeans(UnitRows(rows), {.n_clusters = 3}, {}); },
                                         {"row 4321", "norm 0"});
}

}  // namespace
}  // namespace winnow::cluster
