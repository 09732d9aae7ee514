#include "winnow/experiments/metric_trainings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "unit/experiments/clouds.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/dynamics.hpp"

namespace winnow::experiments {
namespace {

using testing::expect_error;
using testing::TempFolder;

class MetricTrainings : public ::testing::Test {
 protected:
  Clouds train_{60, 1};
  Clouds test_{30, 2};
  TrainingData data_ = data_of(train_, test_);
  Planner planner_{data_, Fingerprint{5}, Fingerprint{6}};
  MetricTrainingOptions options_;
  TempFolder folder_;

  MetricTrainings() {
    options_.models = {"linear"};
    options_.training = short_training();
  }

  std::vector<std::size_t> plan(const char* metric, std::optional<std::int64_t> epoch = {}) {
    return plan_metric(planner_, metrics::Metric::parse("metric", metric), 60, options_, Seed{10},
                       epoch);
  }
  io::Dynamics log(std::size_t training) const { return io::Dynamics(planner_.folder(training)); }
  std::vector<std::int64_t> epochs(std::size_t training) const {
    const io::Dynamics run = log(training);
    return run.epochs();
  }
};

TEST_F(MetricTrainings, EveryMetricHasItsNumberOfRuns) {
  const std::map<std::string, std::int64_t> expected{
      {"memorization", 40},    {"influence-max", 40},  {"influence-sum-abs", 40},    {"ddd", 10},
      {"active-learning", 10}, {"self-prototypes", 0}, {"supervised-prototypes", 0}, {"random", 0}};
  for (const auto& name : metrics::Metric::names()) {
    const auto found = expected.find(name);
    const std::int64_t runs = found == expected.end() ? 5 : found->second;
    EXPECT_EQ(default_runs(metrics::Metric::parse("metric", name)), runs) << name;
    EXPECT_EQ(plan(name.c_str()).size(), static_cast<std::size_t>(runs)) << name;
  }
  EXPECT_EQ(planner_.size(), 50U) << "40 on subsets, and 10 on all data that the others share";
}

TEST_F(MetricTrainings, SubsetsAreDifferentAndOfTheirSize) {
  options_.runs = 6;
  options_.subset_fraction = 0.4;
  const auto runs = plan("memorization");
  planner_.run(folder_.path(), false);
  std::set<std::string> subsets;
  for (const auto run : runs) {
    EXPECT_EQ(planner_.outcome(run).n_train, 24);
    const auto in_train = log(run).in_train();
    EXPECT_EQ(std::ranges::count(in_train, 1), 24);
    subsets.insert({in_train.begin(), in_train.end()});
    EXPECT_EQ(epochs(run).size(), 1U) << "only the end is logged";
  }
  EXPECT_EQ(subsets.size(), 6U);
}

TEST_F(MetricTrainings, RunsTakeTheModelsInTurn) {
  options_.models = {"linear", "mlp"};
  options_.runs = 5;
  std::vector<std::string> folders;
  plan("ddd");
  plan("memorization");
  planner_.run(folder_.path(), false);
  for (std::size_t i = 0; i < planner_.size(); ++i) {
    folders.push_back(planner_.folder(i).filename().string());
  }
  EXPECT_EQ(folders,
            (std::vector<std::string>{
                "linear-full-1-s10", "mlp-full-1-s10", "linear-full-1-s11", "mlp-full-1-s11",
                "linear-full-1-s12", "linear-subset-0.7-s10", "mlp-subset-0.7-s11",
                "linear-subset-0.7-s12", "mlp-subset-0.7-s13", "linear-subset-0.7-s14"}));
}

TEST_F(MetricTrainings, LogsAreWhatMetricsRead) {
  options_.runs = 1;
  for (const auto& name : metrics::Metric::names()) plan(name.c_str());
  planner_.run(folder_.path(), false);
  ASSERT_EQ(planner_.size(), 2U);
  const auto folder = planner_.folder(0);
  for (const auto metric :
       {metrics::LogMetric::el2n, metrics::LogMetric::grand, metrics::LogMetric::forgetting,
        metrics::LogMetric::dual, metrics::LogMetric::entropy}) {
    metrics::LogOptions options;
    options.windows.window = 3;
    std::vector<io::Dynamics> logs;
    logs.emplace_back(folder);
    EXPECT_EQ(metrics::score_logs(logs, metric, options).scores.size(), 60U) << enum_name(metric);
  }
}

TEST_F(MetricTrainings, TheEpochAskedForIsLogged) {
  options_.runs = 1;
  plan("ddd", 4);
  plan("el2n", 0);
  planner_.run(folder_.path(), false);
  ASSERT_EQ(planner_.size(), 1U);
  const auto logged = epochs(0);
  EXPECT_EQ(logged.front(), 0);
  EXPECT_EQ(std::ranges::count(logged, 4), 1);
}

TEST_F(MetricTrainings, RefusesBadOptions) {
  options_.subset_fraction = 1.0;
  expect_error<InvalidArgument>([&] { plan("memorization"); }, {"subset-fraction = 1", "(0, 1)"});
  options_.subset_fraction = 0.7;
  options_.models.clear();
  expect_error<InvalidArgument>([&] { plan("el2n"); }, {"model is empty"});
  options_.models = {"linar"};
  expect_error<InvalidArgument>([&] { plan("el2n"); }, {"linar", "linear"});
}

}  // namespace
}  // namespace winnow::experiments
