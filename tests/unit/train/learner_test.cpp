#include "winnow/train/learner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>

#include "unit/support.hpp"
#include "unit/train/reference.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {
namespace {

/// Gaussian clouds, one a class, `distance` apart from the origin along their own axis.
struct Clouds {
  Matrix<float> rows;
  std::vector<std::int32_t> labels;

  Clouds(std::int64_t n, std::int64_t d, std::int32_t classes, double distance, Seed seed)
      : rows(n, d) {
    RandomStream random(seed, "clouds");
    for (std::int64_t i = 0; i < n; ++i) {
      labels.push_back(
          static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(classes))));
      for (float& value : rows.row(i)) value = static_cast<float>(random.normal());
      rows(i, labels.back()) += static_cast<float>(distance);
    }
  }
  LabelledRows view() const { return {rows, labels}; }
};

std::vector<std::int64_t> all(std::int64_t n) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  return ids;
}

/// Everything but the seconds, bit by bit.
std::vector<std::uint64_t> bits(const LearnerResult& result) {
  std::vector<std::uint64_t> out;
  for (const double value : {result.test_error, result.train_error, result.final_loss,
                             result.gradient_norm, result.epochs_seen}) {
    out.push_back(std::bit_cast<std::uint64_t>(value));
  }
  out.insert(out.end(), result.test_correct.begin(), result.test_correct.end());
  return out;
}

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "nothing thrown";
}

class BothLearners : public ::testing::TestWithParam<LearnerModel> {
 protected:
  LearnerOptions options(std::int64_t iterations = 300) const {
    return {.model = GetParam(), .iterations = iterations, .batch_size = 64, .hidden = 16};
  }
};

TEST(Learner, LinearReachesTheOptimumThatScipyFinds) {
  const Json reference = learner_reference();
  const auto values = reference["rows"].get<std::vector<float>>();
  const auto labels = reference["labels"].get<std::vector<std::int32_t>>();
  const auto subset = reference["subset"].get<std::vector<std::int64_t>>();
  const LabelledRows data{{values.data(), 150, reference["columns"].get<std::int64_t>()}, labels};
  const LearnerResult result = train_learner(
      data, subset, data,
      {.iterations = 20000, .batch_size = 100, .weight_decay = reference["weight_decay"]});
  const Json& optimum = reference["optimum"];
  EXPECT_LT(result.gradient_norm, 1e-4);
  EXPECT_NEAR(result.final_loss, optimum["objective"].get<double>(), 1e-6);
  const auto correct = optimum["correct"].get<std::vector<std::uint8_t>>();
  const auto gap = optimum["gap"].get<std::vector<double>>();
  ASSERT_EQ(result.test_correct.size(), correct.size());
  for (std::size_t i = 0; i < correct.size(); ++i) {
    if (gap[i] > 0.02) {
      EXPECT_EQ(result.test_correct[i], correct[i]) << "row " << i;
    }
  }
}

TEST_P(BothLearners, SeparateWhatCanBeSeparated) {
  const Clouds train(2000, 10, 4, 8.0, Seed{1});
  const Clouds test(500, 10, 4, 8.0, Seed{2});
  const LearnerResult result = train_learner(train.view(), all(2000), test.view(), options());
  EXPECT_EQ(result.test_error, 0.0);
  EXPECT_EQ(result.train_error, 0.0);
  EXPECT_LT(result.final_loss, 0.2);
  EXPECT_EQ(result.iterations, 300);
  EXPECT_DOUBLE_EQ(result.epochs_seen, 300.0 * 64.0 / 2000.0);
  EXPECT_EQ(result.test_correct, std::vector<std::uint8_t>(500, 1));
}

TEST_P(BothLearners, GuessWhereLabelsAreRandom) {
  const Clouds train(2000, 10, 4, 0.0, Seed{1});
  const Clouds test(4000, 10, 4, 0.0, Seed{2});
  const LearnerResult result = train_learner(train.view(), all(2000), test.view(), options());
  // Guessing among 4 classes errs with probability 0.75; 5 standard errors of 4000 trials: 0.034.
  EXPECT_NEAR(result.test_error, 0.75, 0.034);
}

TEST_P(BothLearners, LeaveRowsOutsideTheSubsetAlone) {
  Clouds train(400, 6, 3, 4.0, Seed{1});
  const Clouds test(200, 6, 3, 4.0, Seed{2});
  const auto before = train_learner(train.view(), all(200), test.view(), options());
  for (std::int64_t i = 200; i < 400; ++i) {
    for (float& value : train.rows.row(i)) value = 1e9F;
    train.labels[static_cast<std::size_t>(i)] = 0;
  }
  EXPECT_EQ(bits(train_learner(train.view(), all(200), test.view(), options())), bits(before));
}

TEST_P(BothLearners, ShiftAndScaleOfTheInputsDoNotMatter) {
  Clouds train(1000, 6, 3, 3.0, Seed{1});
  Clouds test(500, 6, 3, 3.0, Seed{2});
  const auto before = train_learner(train.view(), all(1000), test.view(), options());
  for (Matrix<float>* rows : {&train.rows, &test.rows}) {
    for (std::int64_t i = 0; i < rows->size(); ++i) rows->data()[i] = rows->data()[i] * 64.0F + 256;
  }
  const auto after = train_learner(train.view(), all(1000), test.view(), options());
  EXPECT_NEAR(after.final_loss, before.final_loss, 1e-3);
  EXPECT_NEAR(after.test_error, before.test_error, 0.01);
}

TEST_P(BothLearners, SameBitsForAnyThreadCountAloneOrInParallel) {
  const Clouds train(3000, 40, 5, 2.0, Seed{1});
  const Clouds test(700, 40, 5, 2.0, Seed{2});
  const int threads_before = thread_count();
  std::vector<std::vector<std::uint64_t>> runs;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    runs.push_back(bits(train_learner(train.view(), all(3000), test.view(), options(100))));
    std::vector<std::vector<std::uint64_t>> side_by_side(3);
    parallel_blocks(3, silent(), [&](std::int64_t block) {
      side_by_side[static_cast<std::size_t>(block)] =
          bits(train_learner(train.view(), all(3000), test.view(), options(100)));
    });
    runs.insert(runs.end(), side_by_side.begin(), side_by_side.end());
  }
  set_thread_count(threads_before);
  for (const auto& run : runs) EXPECT_EQ(run, runs.front());
}

TEST_P(BothLearners, SeedsDiffer) {
  const Clouds train(1000, 20, 5, 1.0, Seed{1});
  const Clouds test(300, 20, 5, 1.0, Seed{2});
  LearnerOptions other = options(50);
  other.seed = Seed{1};
  EXPECT_NE(bits(train_learner(train.view(), all(1000), test.view(), options(50))),
            bits(train_learner(train.view(), all(1000), test.view(), other)));
}

TEST_P(BothLearners, TrainOnASingleExample) {
  const Clouds train(20, 3, 2, 1.0, Seed{1});
  const Clouds test(50, 3, 2, 1.0, Seed{2});
  const std::vector<std::int64_t> one{7};
  const LearnerResult result = train_learner(train.view(), one, test.view(), options(20));
  EXPECT_DOUBLE_EQ(result.epochs_seen, 20.0);
  EXPECT_TRUE(std::isfinite(result.final_loss));
}

INSTANTIATE_TEST_SUITE_P(Models, BothLearners,
                         ::testing::Values(LearnerModel::linear, LearnerModel::mlp),
                         [](const auto& model) { return enum_name(model.param); });

TEST(Learner, AdvancesByOneAnIterationAndCanBeCancelled) {
  const Clouds data(100, 3, 2, 1.0, Seed{1});
  winnow::testing::StoppingProgress whole(1000);
  train_learner(data.view(), all(100), data.view(), {.iterations = 30}, {}, whole);
  EXPECT_EQ(whole.count(), 30);
  winnow::testing::StoppingProgress cut(5);
  EXPECT_THROW(train_learner(data.view(), all(100), data.view(), {.iterations = 30}, {}, cut),
               Interrupted);
  EXPECT_EQ(cut.count(), 5);
}

TEST(Learner, NothingIsRightOnceItDiverged) {
  const Clouds data(100, 3, 2, 1.0, Seed{1});
  const LearnerResult result =
      train_learner(data.view(), all(100), data.view(), {.iterations = 200, .learning_rate = 1e30});
  EXPECT_TRUE(std::isnan(result.final_loss));
  EXPECT_EQ(result.test_error, 1.0);
}

TEST(Learner, NamesWhatIsWrong) {
  using ::testing::HasSubstr;
  const Clouds data(10, 3, 2, 1.0, Seed{1});
  const Clouds wide(10, 4, 2, 1.0, Seed{1});
  const auto run = [&](const LabelledRows& train, std::vector<std::int64_t> subset,
                       const LabelledRows& test, const LearnerOptions& options = {}) {
    return message_of([&] { train_learner(train, subset, test, options); });
  };
  EXPECT_THAT(run(data.view(), {}, data.view()), HasSubstr("the subset has 0 examples"));
  EXPECT_THAT(run(data.view(), {0, 10}, data.view()), HasSubstr("position 1 is id 10"));
  EXPECT_THAT(run(data.view(), {-1}, data.view()), HasSubstr("position 0 is id -1"));
  EXPECT_THAT(run(data.view(), {0}, wide.view()), HasSubstr("3 columns and test rows 4"));
  EXPECT_THAT(run({data.rows, std::span(data.labels).first(9)}, {0}, data.view()),
              HasSubstr("10 rows but 9 labels"));
  EXPECT_THAT(run(data.view(), {0}, {data.rows.view().block(0, 0), {}}), HasSubstr("empty"));
  const std::vector<std::int32_t> same(10, 1);
  EXPECT_THAT(run({data.rows, same}, {0}, data.view()), HasSubstr("fewer than two classes"));
  std::vector<std::int32_t> labels = data.labels;
  labels[4] = -3;
  EXPECT_THAT(run({data.rows, labels}, {0}, data.view()), HasSubstr("row 4 is -3"));
  labels[4] = 2;
  EXPECT_THAT(run(data.view(), {0}, {data.rows, labels}), HasSubstr("row 4 is 2"));
  EXPECT_THAT(run(data.view(), {0}, data.view(), {.iterations = 0}), HasSubstr("iterations = 0"));
  EXPECT_THAT(run(data.view(), {0}, data.view(), {.momentum = 1.0}), HasSubstr("momentum = 1"));
}

}  // namespace
}  // namespace winnow::train
