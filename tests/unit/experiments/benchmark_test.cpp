#include "winnow/experiments/benchmark.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "unit/experiments/clouds.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/metrics/prototypes.hpp"

namespace winnow::experiments {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::StoppingProgress;
using testing::TempFolder;
using testing::Threads;

metrics::Metric metric_of(const char* name) { return metrics::Metric::parse("metric", name); }

class BenchmarkTest : public ::testing::Test {
 protected:
  Clouds train_{90, 1};
  Clouds test_{45, 2};
  TrainingData data_ = data_of(train_, test_);
  BenchmarkOptions options_;
  TempFolder folder_;

  BenchmarkTest() {
    for (const char* name :
         {"el2n", "memorization", "ddd", "self-prototypes", "supervised-prototypes", "random"}) {
      options_.metrics.push_back(metric_of(name));
    }
    options_.scoring.training = short_training();
    options_.scoring.models = {"linear"};
    options_.subsets = options_.ensemble = options_.scoring;
    options_.scoring.runs = 2;
    options_.subsets.runs = 8;
    options_.ensemble.runs = 3;
    auto& evaluation = options_.evaluations.emplace_back();
    evaluation.models = {"linear"};
    evaluation.keeps = {0.3, 0.6};
    evaluation.seeds = 2;
    evaluation.training = short_training();
    options_.cluster_study = {.clusters = {2, 9}, .keeps = {0.6}};
    options_.seed = Seed{4};
  }

  BenchmarkResult run(const fs::path& folder, bool resume = false, Progress& progress = silent()) {
    return run_benchmark(data_, cloud_names, Fingerprint{5}, Fingerprint{6}, options_, folder,
                         resume, progress);
  }
};

TEST_F(BenchmarkTest, TrainsOnWhatEveryMetricKeeps) {
  const auto result = run(folder_.path());
  ASSERT_EQ(result.scores.size(), 6U);
  ASSERT_EQ(result.cluster_study.size(), 2U);
  // full, random at two fractions, five metrics at two (random scores are random subsets), and two
  // numbers of clusters at one; two seeds each.
  EXPECT_EQ(result.cells.size(), 2U * (1 + 2 + 5 * 2 + 2));
  for (const auto& [cell, outcome] : result.cells) {
    EXPECT_EQ(outcome.n_train, std::llround(90 * cell.keep)) << cell.id();
  }
  // Of these, 2 on all data serve el2n, too, and ddd's third is one more; 8 are on subsets.
  EXPECT_EQ(result.children.size(), 2U * 15 + 1 + 8);
  for (const auto& child : result.children) EXPECT_TRUE(fs::exists(folder_ / child / "run.json"));
  const std::string table = read_file(folder_ / "results.csv");
  EXPECT_EQ(table.substr(0, table.find('\n')),
            "model,metric,policy,keep,seed,n_train,iterations,test_error,train_error");
  EXPECT_NE(table.find("\nlinear,self-prototypes-k9,hard,0.6,5,54,40,"), std::string::npos);
}

TEST_F(BenchmarkTest, ScoresAreThoseOfTheMetrics) {
  const auto result = run(folder_.path());
  EXPECT_EQ(result.scores[4].values,
            metrics::supervised_prototypes(train_.rows, train_.labels, Geometry::spherical));
  EXPECT_EQ(result.scores[5].values, metrics::random_scores(90, Seed{4}));
  const std::vector<fs::path> folders{folder_ / "trainings/linear-full-1-s4",
                                      folder_ / "trainings/linear-full-1-s5"};
  const std::vector<io::Dynamics> logs(folders.begin(), folders.end());
  EXPECT_EQ(result.scores[0].values,
            metrics::score_logs(logs, metrics::LogMetric::el2n, {}).scores);
  EXPECT_EQ(result.scores[0].trainings, 2);
  EXPECT_EQ(result.scores[1].trainings, 8);
  EXPECT_EQ(result.scores[1].standard_errors.size(), 90U);
  for (const auto& score : result.scores) {
    const auto written = io::read_scores((folder_ / "scores" / (score.name + ".npy")).string());
    EXPECT_EQ(written.values, score.values) << score.name;
    EXPECT_EQ(written.fingerprint, Fingerprint{5});
    EXPECT_GT(score.core_seconds, 0.0) << score.name;
  }
}

TEST_F(BenchmarkTest, SameResultsForAnyNumberOfThreadsAndWithAnInterruption) {
  run(folder_ / "whole");
  StoppingProgress progress(20);
  {
    const Threads guard(1);
    EXPECT_THROW(run(folder_ / "half", false, progress), Interrupted);
  }
  const Threads guard(3);
  run(folder_ / "half", true);
  EXPECT_EQ(read_file(folder_ / "half/results.csv"), read_file(folder_ / "whole/results.csv"));
}

TEST_F(BenchmarkTest, RefusesBadOptions) {
  const auto refuse = [&](auto change, const std::vector<std::string>& parts) {
    const BenchmarkOptions before = options_;
    change();
    expect_error<InvalidArgument>([&] { options_.validate(); }, parts);
    options_ = before;
  };
  auto& evaluation = options_.evaluations.front();
  refuse([&] { options_.metrics.clear(); }, {"metrics is empty"});
  refuse([&] { options_.metrics.push_back(metric_of("el2n")); }, {"el2n is there twice"});
  refuse([&] { options_.evaluations.clear(); }, {"evaluation"});
  refuse([&] { evaluation.keeps = {1.0}; }, {"keep = 1", "(0, 1)"});
  refuse([&] { evaluation.keeps.clear(); }, {"keep is empty"});
  refuse([&] { evaluation.seeds = 0; }, {"seeds = 0"});
  refuse([&] { evaluation.models = {"linar"}; }, {"linar", "linear"});
  refuse([&] { evaluation.policies = {selection::Policy::random}; }, {"random"});
  refuse([&] { evaluation.policies = {selection::Policy::density}; }, {"density", "winnow select"});
  refuse([&] { evaluation.policies = {selection::Policy::d2}; }, {"d2", "winnow select"});
  refuse([&] { evaluation.policies = {selection::Policy::balanced}; },
         {"balanced", "winnow select"});
  refuse(
      [&] {
        evaluation.policies = {selection::Policy::stratified};
        evaluation.keeps = {0.2, 0.95};
      },
      {"keep = 0.95", "cut-off of 0.1"});
  refuse([&] { evaluation.metrics = {metric_of("aum")}; }, {"aum", "not among"});
  refuse([&] { options_.evaluations.push_back(evaluation); }, {"linear", "twice"});
  refuse([&] { options_.cluster_study.clusters = {0}; }, {"clusters = 0"});
  options_.validate();
}

TEST_F(BenchmarkTest, NamesTheModels) {
  options_.evaluations.front().models = {"mlp", "resnet8"};
  EXPECT_EQ(options_.models(), (std::vector<std::string>{"linear", "mlp", "resnet8"}));
  options_.metrics = {metric_of("random")};
  EXPECT_EQ(options_.models(), (std::vector<std::string>{"mlp", "resnet8"}))
      << "nothing is trained for the score";
}

CellResult cell(const char* metric, const char* policy, double keep, std::uint64_t seed,
                double error, double core_seconds = 1.0) {
  CellResult result{{"linear", metric, policy, keep, seed}, {}};
  result.outcome.test_error = error;
  result.outcome.core_seconds = core_seconds;
  result.outcome.iterations = 100;
  return result;
}

TEST(BenchmarkSummaries, DifferencesAreOfEqualSeeds) {
  const auto summaries =
      summarize_benchmark({cell("", "full", 1.0, 0, 0.10), cell("", "full", 1.0, 1, 0.20),
                           cell("", "random", 0.5, 0, 0.30), cell("", "random", 0.5, 1, 0.30),
                           cell("el2n", "hard", 0.5, 1, 0.22), cell("el2n", "hard", 0.5, 0, 0.18)});
  ASSERT_EQ(summaries.size(), 3U);
  const auto& hard = summaries[2];
  EXPECT_NEAR(hard.over_full, 0.05, 1e-15);        // 0.02 and 0.08
  EXPECT_NEAR(hard.over_full_error, 0.03, 1e-15);  // their deviation 0.0424 over sqrt(2)
  EXPECT_NEAR(hard.over_random, -0.10, 1e-15);     // -0.08 and -0.12
  EXPECT_NEAR(hard.over_random_error, 0.02, 1e-15);
  EXPECT_TRUE(hard.matches_full()) << "0.05 <= 2 x 0.03";
  EXPECT_NEAR(summaries[1].over_full, 0.15, 1e-15);
  EXPECT_FALSE(summaries[1].matches_full()) << "0.15 > 2 x 0.05";
  EXPECT_EQ(summaries[0].over_full, 0.0);
  EXPECT_TRUE(std::isnan(summaries[0].over_random));
}

TEST(BenchmarkSummaries, OneSeedHasNoError) {
  const auto summaries =
      summarize_benchmark({cell("", "full", 1.0, 0, 0.1), cell("el2n", "hard", 0.5, 0, 0.1)});
  EXPECT_EQ(summaries[1].over_full, 0.0);
  EXPECT_TRUE(std::isnan(summaries[1].over_full_error));
  EXPECT_FALSE(summaries[1].matches_full()) << "nobody knows";
}

/// Two seeds around an error, one point apart.
void add_pair(std::vector<CellResult>& cells, const char* metric, const char* policy, double keep,
              double error, double core_seconds) {
  cells.push_back(cell(metric, policy, keep, 0, error, core_seconds));
  cells.push_back(cell(metric, policy, keep, 1, error + 0.01, core_seconds));
}

TEST(BenchmarkCosts, RepayBySmallerTrainings) {
  BenchmarkResult result;
  result.scores.push_back(
      {.metric = metric_of("el2n"), .name = "el2n", .trainings = 3, .core_seconds = 60.0});
  result.scores.push_back({.metric = metric_of("ddd"), .name = "ddd", .core_seconds = 5.0});
  add_pair(result.cells, "", "full", 1.0, 0.10, 70.0);  // with a log, which others would not pay
  add_pair(result.cells, "", "random", 0.5, 0.15, 10.0);
  add_pair(result.cells, "", "random", 0.25, 0.15, 10.0);
  for (auto& [of, outcome] : result.cells) {
    if (of.policy == "random") outcome.iterations = of.keep == 0.5 ? 50 : 20;
  }
  // Equal differences have no error, so a match is at most full data's error.
  add_pair(result.cells, "el2n", "hard", 0.8, 0.09, 30.0);
  add_pair(result.cells, "el2n", "hard", 0.25, 0.08, 30.0);  // below a fraction that fails
  add_pair(result.cells, "el2n", "hard", 0.7, 0.10, 30.0);
  add_pair(result.cells, "el2n", "hard", 0.5, 0.12, 30.0);
  add_pair(result.cells, "el2n", "easy", 0.6, 0.01, 30.0);  // another policy
  add_pair(result.cells, "ddd", "hard", 0.8, 0.20, 30.0);
  const auto costs = costs_of(result);
  ASSERT_EQ(costs.size(), 2U);
  EXPECT_EQ(costs[0].keep, 0.7);
  EXPECT_NEAR(costs[0].full_core_seconds, (20.0 + 50.0) / 2.0, 1e-12);
  EXPECT_NEAR(costs[0].trainings_to_repay, 60.0 / (0.3 * 35.0), 1e-12);
  EXPECT_EQ(costs[1].keep, 1.0);
  EXPECT_TRUE(std::isinf(costs[1].trainings_to_repay));
}

}  // namespace
}  // namespace winnow::experiments
