#include "winnow/experiments/planner.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "unit/experiments/clouds.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/dynamics.hpp"

namespace winnow::experiments {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::StoppingProgress;
using testing::TempFolder;
using testing::Threads;

class PlannerTest : public ::testing::Test {
 protected:
  Clouds train_{60, 1};
  Clouds test_{30, 2};
  TrainingData data_ = data_of(train_, test_);
  TempFolder folder_;

  Planner planner() const { return {data_, Fingerprint{5}, Fingerprint{6}}; }

  /// A training on all examples, with a log as it is asked for.
  PlannedTraining full(const char* model, std::uint64_t seed, const LogOptions& log = {}) const {
    PlannedTraining training = full_training(model, Seed{seed}, 60, short_training());
    training.log = log;
    return training;
  }

  std::string epochs_of(const Planner& planner, std::size_t training) const {
    std::string text;
    const io::Dynamics log(planner.folder(training));
    for (const auto epoch : log.epochs()) {
      text += std::to_string(epoch) + " ";
    }
    return text;
  }
};

constexpr LogOptions every_pass{.dynamics = true};

TEST_F(PlannerTest, DoesEqualTrainingsOnce) {
  Planner plan = planner();
  const auto first = plan.add(full("linear", 3));
  EXPECT_EQ(plan.add(full("linear", 3)), first);
  EXPECT_NE(plan.add(full("linear", 4)), first);
  EXPECT_NE(plan.add(full("mlp", 3)), first);
  PlannedTraining longer = full("linear", 3);
  longer.options.learner.iterations = 41;
  EXPECT_NE(plan.add(longer), first);
  PlannedTraining part = full("linear", 3);
  part.subset = "the first";
  part.draw = [] { return std::vector<std::int64_t>{0, 1, 2}; };
  EXPECT_NE(plan.add(part), first);
  ASSERT_EQ(plan.size(), 5U);
  StoppingProgress progress(1000);
  plan.run(folder_.path(), false, progress);
  EXPECT_EQ(progress.count(), 5);
  EXPECT_EQ(plan.folder(first).filename(), "linear-full-1-s3");
  EXPECT_EQ(plan.folder(3).filename(), "linear-full-1-s3-2") << "the second of that name";
  EXPECT_EQ(plan.outcome(3).iterations, 41);
  EXPECT_EQ(plan.outcome(4).n_train, 3);
}

TEST_F(PlannerTest, ASharedTrainingLogsForAll) {
  Planner plan = planner();
  LogOptions sparse = every_pass;
  sparse.every = 4;
  sparse.gradients = true;
  LogOptions other = every_pass;
  other.every = 6;
  other.logits = true;
  const auto training = plan.add(full("linear", 0));
  EXPECT_EQ(plan.add(full("linear", 0, sparse)), training);
  EXPECT_EQ(plan.add(full("linear", 0, other)), training);
  plan.run(folder_.path(), false);
  // 40 steps of 16 of 60 examples are 10.67 passes.
  EXPECT_EQ(epochs_of(plan, training), "2 4 6 8 10 11 ") << "all multiples of 4 and 6, and the end";
  EXPECT_TRUE(fs::exists(plan.folder(training) / "dynamics/grand.npy"));
  EXPECT_TRUE(fs::exists(plan.folder(training) / "dynamics/logits.npy"));
}

TEST_F(PlannerTest, GradientNormsOfNetworksAreLoggedApart) {
  Planner plan = planner();
  LogOptions gradients = every_pass;
  gradients.gradients = true;
  EXPECT_EQ(plan.add(full("linear", 0, every_pass)), plan.add(full("linear", 0, gradients)));
  EXPECT_NE(plan.add(full("resnet8", 0, every_pass)), plan.add(full("resnet8", 0, gradients)));
  EXPECT_EQ(plan.size(), 3U);
}

TEST_F(PlannerTest, MoreCanBeAddedAfterwards) {
  Planner plan = planner();
  const auto first = plan.add(full("linear", 0));
  plan.run(folder_.path(), false);
  const double error = plan.outcome(first).test_error;
  EXPECT_EQ(plan.add(full("linear", 0)), first);
  plan.add(full("linear", 1));
  StoppingProgress progress(1000);
  plan.run(folder_.path(), false, progress);
  EXPECT_EQ(progress.count(), 1) << "what is done stays done";
  EXPECT_EQ(plan.add(full("linear", 0, every_pass)), first);
  plan.run(folder_.path(), false, progress);
  EXPECT_EQ(progress.count(), 2) << "but for a log that it lacks";
  EXPECT_EQ(epochs_of(plan, first), "1 2 3 4 5 6 7 8 9 10 11 ");
  EXPECT_EQ(plan.outcome(first).test_error, error) << "a log changes nothing";
}

/// Trainings that a plan of one does where another plan has been.
TEST_F(PlannerTest, ResumesWhatHasTheLog) {
  const auto trained = [&](const LogOptions& log) {
    Planner plan = planner();
    plan.add(full("linear", 0, log));
    StoppingProgress progress(1000);
    plan.run(folder_.path(), true, progress);
    return progress.count();
  };
  LogOptions sparse = every_pass;
  sparse.every = 3;
  LogOptions start = every_pass;
  start.at_start = true;
  LogOptions halves = every_pass;
  halves.storage = LogStorage::float16;
  EXPECT_EQ(trained({}), 1);
  EXPECT_EQ(trained({}), 0);
  EXPECT_EQ(trained(sparse), 1);
  EXPECT_EQ(trained(every_pass), 1);
  EXPECT_EQ(trained(sparse), 0);
  EXPECT_EQ(trained({}), 0);
  EXPECT_EQ(trained(halves), 0);
  EXPECT_EQ(trained(start), 1);
  EXPECT_EQ(trained(every_pass), 0);
  fs::remove_all(folder_ / "trainings/linear-full-1-s0/dynamics");
  EXPECT_EQ(trained(sparse), 1) << "the log is gone";
}

TEST_F(PlannerTest, LeavesNothingOfAnEarlierTrainingOfThatName) {
  Planner plan = planner();
  plan.add(full("linear", 0, every_pass));
  plan.run(folder_.path(), false);
  const fs::path path = plan.folder(0);
  write_file(path / "stray.txt", "x");
  Planner again = planner();
  again.add(full("linear", 0));
  again.run(folder_.path(), false);
  EXPECT_FALSE(fs::exists(path / "stray.txt"));
  EXPECT_FALSE(fs::exists(path / "dynamics"));
  EXPECT_TRUE(fs::exists(path / "run.json"));
}

TEST_F(PlannerTest, CountsCoreSeconds) {
  Planner plan = planner();
  plan.add(full("linear", 0));
  plan.add(full("linear", 1));
  const Threads guard(2);
  plan.run(folder_.path(), false);
  EXPECT_GT(plan.outcome(0).core_seconds, 0.0);
  Planner again = planner();
  again.add(full("linear", 0));
  again.run(folder_.path(), true);
  EXPECT_EQ(again.outcome(0).core_seconds, plan.outcome(0).core_seconds);
}

TEST_F(PlannerTest, RefusesWhatItCannotTrain) {
  Planner plan = planner();
  expect_error<InvalidArgument>([&] { plan.add(full("linar", 0)); }, {"model = 'linar'", "linear"});
  LogOptions part;
  part.gradients = true;
  expect_error<InvalidArgument>([&] { plan.add(full("linear", 0, part)); }, {"log-gradients"});
  EXPECT_EQ(plan.size(), 0U);
  const Clouds none(0, 1);
  const TrainingData unlabelled = data_of(none, test_);
  expect_error<InvalidArgument>([&] { Planner(unlabelled, {}, {}); }, {"0 labels"});
}

}  // namespace
}  // namespace winnow::experiments
