#include "train/objective.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/schedule.hpp"
#include "train/standardise.hpp"
#include "unit/train/reference.hpp"

namespace winnow::train {
namespace {

TEST(LearnerShape, CountsParameters) {
  EXPECT_EQ((LearnerShape{.inputs = 7, .classes = 4, .hidden = 0}.n_parameters()), 7 * 4 + 4);
  EXPECT_EQ((LearnerShape{.inputs = 7, .classes = 4, .hidden = 5}.n_parameters()),
            7 * 5 + 5 + 5 * 4 + 4);
}

TEST(Objective, MlpAgreesWithNumPy) {
  const Json reference = learner_reference();
  const Json& expected = reference["mlp"];
  const LearnerShape shape{.inputs = reference["columns"].get<std::int64_t>(),
                           .classes = reference["classes"].get<std::int64_t>(),
                           .hidden = reference["hidden"].get<std::int64_t>()};
  auto parameters = expected["parameters"].get<std::vector<float>>();
  const auto x = expected["x"].get<std::vector<float>>();
  const auto labels = expected["labels"].get<std::vector<std::int32_t>>();
  const auto rows = static_cast<std::int64_t>(labels.size());
  const double weight_decay = reference["weight_decay"].get<double>();

  Objective objective(shape, rows);
  std::vector<float> gradient(parameters.size(), 0.0F);
  const double loss = objective.add_gradient(parameters, {x.data(), rows, shape.inputs}, labels,
                                             1.0F / static_cast<float>(rows), gradient);
  const double total =
      loss / static_cast<double>(rows) + add_penalty(shape, parameters, weight_decay, gradient);

  // float32 sums of at most 9 x 7 terms of order 1: some 60 roundings of 6e-8.
  EXPECT_NEAR(total, expected["objective"].get<double>(), 1e-5);
  const auto expected_gradient = expected["gradient"].get<std::vector<double>>();
  ASSERT_EQ(gradient.size(), expected_gradient.size());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    EXPECT_NEAR(gradient[i], expected_gradient[i], 5e-6) << "parameter " << i;
  }
}

class GradientOf : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(GradientOf, MatchesFiniteDifferences) {
  const LearnerShape shape{.inputs = 9, .classes = 5, .hidden = GetParam()};
  const std::int64_t rows = 20;
  RandomStream random(Seed{4}, "test");
  Matrix<float> x(rows, shape.inputs);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.normal());
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < rows; ++i) labels.push_back(static_cast<int>(random.below(5)));
  std::vector<float> parameters(static_cast<std::size_t>(shape.n_parameters()));
  for (float& value : parameters) value = static_cast<float>(0.5 * random.normal());

  Objective objective(shape, rows);
  std::vector<float> scratch(parameters.size());
  const auto loss_at = [&](std::vector<float> point) {
    return objective.add_gradient(point, x, labels, 0.0F, scratch) +
           add_penalty(shape, point, 0.1, scratch);
  };
  std::vector<float> gradient(parameters.size(), 0.0F);
  objective.add_gradient(parameters, x, labels, 1.0F, gradient);
  add_penalty(shape, parameters, 0.1, gradient);
  // Central differences err by step^2 times the third derivative, and by the logits' float32
  // rounding (about 1e-6 a row) over the step.
  const float step = 3e-3F;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    auto up = parameters;
    auto down = parameters;
    up[i] += step;
    down[i] -= step;
    const double slope = (loss_at(up) - loss_at(down)) / (static_cast<double>(up[i]) - down[i]);
    EXPECT_NEAR(gradient[i], slope, 5e-3) << "parameter " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(BothModels, GradientOf, ::testing::Values(0, 6));

TEST(InitialParameters, FollowHe) {
  const LearnerShape shape{.inputs = 200, .classes = 10, .hidden = 100};
  auto parameters = initial_parameters(shape, Seed{1});
  const auto layers = layers_of(shape, parameters);
  double square = 0.0;
  for (const float weight : std::span(layers[0].weights.data(), 20000)) square += weight * weight;
  EXPECT_NEAR(square / 20000.0, 2.0 / 200.0, 5e-4);  // 5 standard errors of a variance
  for (const float bias : layers[0].biases) EXPECT_EQ(bias, 0.0F);
  EXPECT_NE(parameters, initial_parameters(shape, Seed{2}));
}

TEST(Standardiser, AgreesWithNumPyOnTheSubsetOnly) {
  const Json reference = learner_reference();
  auto values = reference["rows"].get<std::vector<float>>();
  const auto ids = reference["subset"].get<std::vector<std::int64_t>>();
  const auto columns = reference["columns"].get<std::int64_t>();
  const MatrixView<const float> rows{values.data(), 150, columns};
  const Standardiser standardiser = fit_standardiser(rows, ids, Seed{0});
  const double largest = reference["optimum"]["largest_variance"].get<double>();
  EXPECT_LE(standardiser.largest_variance, largest * 1.0001);
  EXPECT_GE(standardiser.largest_variance, largest * 0.9);

  Matrix<float> z(100, columns);
  standardiser.gather(rows, ids, z);
  double total = 0.0;
  for (std::int64_t j = 0; j < columns; ++j) {
    double mean = 0.0;
    for (std::int64_t i = 0; i < 100; ++i) mean += z(i, j) / 100.0;
    EXPECT_NEAR(mean, 0.0, 1e-5);
    for (std::int64_t i = 0; i < 100; ++i) total += z(i, j) * z(i, j);
  }
  EXPECT_NEAR(total / 100.0 / static_cast<double>(columns), 1.0, 1e-5);
}

TEST(Standardiser, LeavesEqualRowsFinite) {
  const std::vector<float> values(12, 3.5F);
  const std::vector<std::int64_t> ids{0, 1, 2};
  const Standardiser standardiser = fit_standardiser({values.data(), 3, 4}, ids, Seed{0});
  EXPECT_EQ(standardiser.inverse_scale, 1.0F);
  EXPECT_EQ(standardiser.largest_variance, 1.0);
}

TEST(Schedule, WarmsUpThenFallsToZero) {
  const Schedule schedule(100, 2.0);
  EXPECT_GT(schedule.rate(0), 0.0);
  EXPECT_LT(schedule.rate(0), schedule.rate(4));
  EXPECT_DOUBLE_EQ(schedule.rate(5), 2.0);
  EXPECT_GT(schedule.rate(50), schedule.rate(51));
  EXPECT_NEAR(schedule.rate(99), 0.0, 2e-3);
  EXPECT_DOUBLE_EQ(Schedule(1, 2.0).rate(0), 2.0);
}

TEST(BatchOrder, EveryPassTakesEveryIdOnce) {
  std::vector<std::int64_t> ids(10);
  std::iota(ids.begin(), ids.end(), std::int64_t{100});
  BatchOrder order(ids, 4, Seed{1});
  std::vector<std::int64_t> taken;
  for (int i = 0; i < 5; ++i) {
    const auto batch = order.next();
    taken.insert(taken.end(), batch.begin(), batch.end());
  }
  EXPECT_DOUBLE_EQ(order.epochs_seen(), 2.0);
  std::vector<std::int64_t> first(taken.begin(), taken.begin() + 10);
  std::vector<std::int64_t> second(taken.begin() + 10, taken.end());
  EXPECT_NE(first, second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  EXPECT_EQ(first, ids);
  EXPECT_EQ(second, ids);
}

}  // namespace
}  // namespace winnow::train
