#include "winnow/metrics/prototypes.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::metrics {
namespace {

using testing::expect_error;
using testing::matrix_of;
using testing::normal_matrix;
using testing::Threads;
using testing::values_of;

/// What NumPy computed (fixtures/make_fixtures.py).
class Fixture : public ::testing::TestWithParam<Geometry> {
 protected:
  Json json_ = read_json(std::filesystem::path(WINNOW_FIXTURES) / "prototypes.json");
  Matrix<float> matrix(const char* name) const {
    const auto values = json_[name].get<std::vector<float>>();
    const auto columns = json_["columns"].get<std::int64_t>();
    return matrix_of(static_cast<std::int64_t>(values.size()) / columns, columns, values);
  }
  std::vector<double> expected(const char* metric) const {
    return json_["expected"][enum_name(GetParam())][metric].get<std::vector<double>>();
  }
  static void expect_near(const std::vector<double>& scores, const std::vector<double>& expected) {
    ASSERT_EQ(scores.size(), expected.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      EXPECT_NEAR(scores[i], expected[i], 1e-6) << "row " << i;
    }
  }
};

TEST_P(Fixture, SelfPrototypesOfGivenCentroids) {
  const PrototypeScores result = self_prototypes(matrix("rows"), {.geometry = GetParam()}, silent(),
                                                 matrix("centroids").view());
  expect_near(result.scores, expected("self_prototypes"));
  EXPECT_EQ(result.kmeans.assignment,
            json_["expected"][enum_name(GetParam())]["nearest"].get<std::vector<std::int32_t>>());
}

TEST_P(Fixture, SupervisedPrototypes) {
  const auto labels = json_["labels"].get<std::vector<std::int32_t>>();
  expect_near(supervised_prototypes(matrix("rows"), labels, GetParam()),
              expected("supervised_prototypes"));
}

INSTANTIATE_TEST_SUITE_P(NumPy, Fixture,
                         ::testing::Values(Geometry::spherical, Geometry::euclidean),
                         [](const auto& test) { return enum_name(test.param); });

TEST(SelfPrototypes, LengthsDoNotMatterWhenSpherical) {
  const Matrix<float> rows = normal_matrix(50, 6, 1);
  Matrix<float> longer = rows;
  for (std::int64_t i = 0; i < 50; ++i) {
    for (float& value : longer.row(i)) value = std::ldexp(value, static_cast<int>(i % 9) - 4);
  }
  const cluster::KMeansOptions options{.n_clusters = 4, .iterations = 5, .seed = Seed{1}};
  EXPECT_EQ(self_prototypes(longer, options).scores, self_prototypes(rows, options).scores);
}

TEST(SelfPrototypes, EuclideanScoresAreDistancesAndKMeansKeepsTheirSquares) {
  const Matrix<float> rows = matrix_of(4, 1, {0, 6, 100, 100});
  const PrototypeScores result = self_prototypes(
      rows, {.n_clusters = 2, .iterations = 5, .geometry = Geometry::euclidean, .seed = Seed{1}});
  EXPECT_EQ(result.scores, (std::vector<double>{3, 3, 0, 0}));
  EXPECT_EQ(result.kmeans.distance, (std::vector<double>{9, 9, 0, 0}));
}

TEST(SelfPrototypes, ScoresReferToTheCentroidsReturned) {
  const Matrix<float> rows = normal_matrix(300, 8, 2);
  for (const Geometry geometry : {Geometry::spherical, Geometry::euclidean}) {
    const cluster::KMeansOptions options{.n_clusters = 9, .iterations = 3, .geometry = geometry};
    const PrototypeScores first = self_prototypes(rows, options);
    const PrototypeScores again =
        self_prototypes(rows, options, silent(), first.kmeans.centroids.view());
    EXPECT_EQ(again.kmeans.assignment, first.kmeans.assignment);
    for (std::size_t i = 0; i < first.scores.size(); ++i) {
      // Unit centroids are normalised once more, which moves them by a rounding of float32.
      ASSERT_NEAR(again.scores[i], first.scores[i], 2e-7);
    }
  }
}

TEST(SelfPrototypes, CosineDistanceOfOppositesIsTwo) {
  const PrototypeScores result = self_prototypes(matrix_of(3, 2, {5, 0, -3, 0, 0, 2}), {}, silent(),
                                                 matrix_of(1, 2, {2, 0}).view());
  EXPECT_EQ(result.scores, (std::vector<double>{0, 2, 1}));
}

TEST(SelfPrototypes, RejectsRowsWithoutDirectionOnlyWhenSpherical) {
  Matrix<float> rows = normal_matrix(5, 3, 3);
  for (float& value : rows.row(3)) value = 0.0F;
  expect_error<InvalidArgument>([&] { self_prototypes(rows, {.n_clusters = 2}); },
                                {"row 3", "norm 0"});
  const PrototypeScores result =
      self_prototypes(rows, {.n_clusters = 2, .geometry = Geometry::euclidean});
  EXPECT_EQ(result.scores.size(), 5U);
  expect_error<InvalidArgument>([&] { self_prototypes(rows, {.n_clusters = 6}); }, {"row 3"});
  const Matrix<float> wide = normal_matrix(2, 4, 4);
  expect_error<InvalidArgument>(
      [&] { self_prototypes(rows, {.geometry = Geometry::euclidean}, silent(), wide.view()); },
      {"[2, 4]", "3 columns"});
}

TEST(SupervisedPrototypes, ByHand) {
  // Class 0: (1, 0) and (0, 2): mean direction (1, 1) / sqrt 2, mean (0.5, 1). Class 2 alone.
  const Matrix<float> rows = matrix_of(3, 2, {1, 0, 0, 2, -3, 4});
  const std::vector<std::int32_t> labels{0, 0, 2};
  const auto angle = supervised_prototypes(rows, labels, Geometry::spherical);
  EXPECT_NEAR(angle[0], 1.0 - std::sqrt(0.5), 1e-7);
  EXPECT_NEAR(angle[1], 1.0 - std::sqrt(0.5), 1e-7);
  EXPECT_NEAR(angle[2], 0.0, 1e-7);
  const auto straight = supervised_prototypes(rows, labels, Geometry::euclidean);
  EXPECT_NEAR(straight[0], std::sqrt(1.25), 1e-7);
  EXPECT_NEAR(straight[1], std::sqrt(1.25), 1e-7);
  EXPECT_EQ(straight[2], 0.0);
}

TEST(SupervisedPrototypes, AClassWithoutMeanDirectionScoresOne) {
  const Matrix<float> rows = matrix_of(2, 2, {1, 2, -2, -4});
  const std::vector<std::int32_t> labels{0, 0};
  EXPECT_EQ(supervised_prototypes(rows, labels, Geometry::spherical), (std::vector<double>{1, 1}));
}

TEST(SupervisedPrototypes, SameBitsForAnyNumberOfThreads) {
  const Matrix<float> rows = normal_matrix(3000, 11, 5);
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < 3000; ++i) labels.push_back(i * i % 7);
  std::vector<std::vector<double>> results;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    results.push_back(supervised_prototypes(rows, labels, Geometry::spherical));
  }
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

TEST(SupervisedPrototypes, RejectsWhatDoesNotFit) {
  const Matrix<float> rows = normal_matrix(3, 2, 6);
  const auto score = [&](std::vector<std::int32_t> labels) {
    return [&rows, labels] { supervised_prototypes(rows, labels, Geometry::euclidean); };
  };
  expect_error<InvalidArgument>(score({0, 1}), {"2 labels", "3 embeddings"});
  expect_error<InvalidArgument>(score({0, -1, 1}), {"row 1", "-1"});
  expect_error<InvalidArgument>(
      [] { supervised_prototypes(Matrix<float>(), {}, Geometry::euclidean); }, {"no embeddings"});
}

TEST(SupervisedPrototypes, TakesClassesOfAnyNumber) {
  const Matrix<float> rows = matrix_of(3, 1, {1, 3, 10});
  const std::vector<std::int32_t> labels{5, 5, std::numeric_limits<std::int32_t>::max()};
  EXPECT_EQ(supervised_prototypes(rows, labels, Geometry::euclidean),
            (std::vector<double>{1, 1, 0}));
}

TEST(RandomScores, AreReproducibleAndUniform) {
  const auto scores = random_scores(20'000, Seed{1});
  EXPECT_EQ(random_scores(20'000, Seed{1}), scores);
  EXPECT_NE(random_scores(20'000, Seed{2}), scores);
  EXPECT_TRUE(random_scores(0, Seed{1}).empty());
  std::vector<double> counts(10);
  for (const double score : scores) {
    ASSERT_GE(score, 0.0);
    ASSERT_LT(score, 1.0);
    ++counts[static_cast<std::size_t>(score * 10)];
  }
  double chi_square = 0.0;
  for (const double count : counts) chi_square += (count - 2000) * (count - 2000) / 2000;
  EXPECT_LT(chi_square, 33.7);  // 99.99 % point with 9 degrees of freedom
}

}  // namespace
}  // namespace winnow::metrics
