#include "winnow/experiments/evaluate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "unit/experiments/clouds.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::experiments {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::StoppingProgress;
using testing::TempFolder;
using testing::Threads;

/// A small evaluation, and the folder that it works in.
class Evaluation : public ::testing::Test {
 protected:
  Clouds train_{120, 1};
  Clouds test_{90, 2};
  Fingerprint fingerprint_{17};
  EvaluationOptions options_;
  TempFolder folder_;

  Evaluation() {
    options_.keeps = {0.5, 0.25};
    options_.seeds = 3;
    options_.training = short_training();
    options_.seed = Seed{10};
  }

  std::vector<CellResult> run(const fs::path& folder, bool resume = false,
                              Progress& progress = silent()) {
    return evaluate(data_of(train_, test_), train_.scores, cloud_names, fingerprint_, options_,
                    folder, resume, progress);
  }
  std::string results(const char* folder) const {
    return read_file(folder_ / folder / "results.csv");
  }

  /// Replaces the test error of a finished cell by one that no training gives.
  void mark(const fs::path& cell) const {
    RunInfo training = read_run(cell);
    training.results["test_error"] = 0.123456;
    write_run(cell, training);
  }
};

/// How many cells carry the mark.
std::int64_t marked(const std::vector<CellResult>& results) {
  return std::ranges::count(results, 0.123456,
                            [](const CellResult& r) { return r.outcome.test_error; });
}

TEST(Plan, GoesByModelThenSizeThenPolicyThenSeed) {
  EvaluationOptions options;
  options.models = {"mlp", "linear"};
  options.keeps = {0.5, 0.1};
  options.seeds = 2;
  options.seed = Seed{7};
  std::vector<std::string> ids;
  for (const Cell& cell : plan(options)) ids.push_back(cell.id());
  std::vector<std::string> expected;
  for (const char* model : {"mlp", "linear"}) {
    for (const char* subset :
         {"full-1", "random-0.5", "hard-0.5", "easy-0.5", "random-0.1", "hard-0.1", "easy-0.1"}) {
      for (const char* seed : {"s7", "s8"}) {
        expected.push_back(std::string(model) + "-" + subset + "-" + seed);
      }
    }
  }
  EXPECT_EQ(ids, expected);
}

TEST(Plan, NetworksTrainTheirPairOnly) {
  EvaluationOptions options;
  options.models = {"resnet8"};
  options.keeps = {0.5};
  options.network_seeds = 2;
  std::vector<std::string> ids;
  for (const Cell& cell : plan(options)) ids.push_back(cell.id());
  EXPECT_EQ(ids, (std::vector<std::string>{"resnet8-random-0.5-s0", "resnet8-random-0.5-s1",
                                           "resnet8-hard-0.5-s0", "resnet8-hard-0.5-s1"}));
}

TEST(Plan, KeepingAllIsFullData) {
  EvaluationOptions options;
  options.models = {"linear"};
  options.keeps = {1.0};
  options.seeds = 1;
  ASSERT_EQ(plan(options).size(), 1U);
  EXPECT_EQ(plan(options).front().policy, "full");
}

TEST(Plan, RejectsWhatItCannotPlan) {
  const auto with = [](auto change) {
    return [change] {
      EvaluationOptions options;
      change(options);
      plan(options);
    };
  };
  expect_error<InvalidArgument>(with([](auto& o) { o.models = {"linar"}; }),
                                {"model = 'linar'", "did you mean 'linear'?", "resnet8"});
  expect_error<InvalidArgument>(with([](auto& o) { o.models.clear(); }), {"evaluate-models"});
  expect_error<InvalidArgument>(with([](auto& o) { o.keeps.clear(); }), {"evaluate-keep"});
  expect_error<InvalidArgument>(with([](auto& o) {
                                  o.keeps = {0.5, 0.0};
                                }),
                                {"evaluate-keep = 0", "(0, 1]"});
  expect_error<InvalidArgument>(with([](auto& o) { o.seeds = 0; }), {"evaluate-seeds = 0"});
  expect_error<InvalidArgument>(with([](auto& o) { o.training.learner.momentum = 1.0; }),
                                {"momentum = 1"});
  expect_error<InvalidArgument>(with([](auto& o) { o.select.class_balance = 2.0; }),
                                {"class-balance = 2"});
}

TEST(Planned, WhatASubsetDependsOnIsTold) {
  const Clouds clouds(120, 1);
  const RankedData ranked{clouds.scores, clouds.labels, cloud_names};
  const auto plan_of = [&](const char* policy, std::uint64_t seed, double cut_off) {
    selection::SelectOptions select;
    select.stratified.cut_off = cut_off;
    return planned({"linear", "", policy, 0.5, seed}, ranked, short_training(), select);
  };
  const auto base = plan_of("stratified", 1, 0.1);
  EXPECT_NE(base.subset, plan_of("stratified", 2, 0.1).subset);  // drawn anew for every seed
  EXPECT_NE(base.draw(), plan_of("stratified", 2, 0.1).draw());
  EXPECT_NE(base.subset, plan_of("stratified", 1, 0.3).subset);
  EXPECT_EQ(base.size, 60);
  EXPECT_EQ(plan_of("hard", 1, 0.1).subset, plan_of("hard", 2, 0.3).subset);
  EXPECT_EQ(plan_of("moderate", 1, 0.1).draw(), plan_of("moderate", 2, 0.3).draw());
  expect_error<InvalidArgument>([&] { plan_of("stratified", 1, 0.6); }, {"cut-off = 0.6", "48"});
}

TEST(Models, AreLearnersOrNetworks) {
  EXPECT_FALSE(is_network("linear"));
  EXPECT_FALSE(is_network("mlp"));
  EXPECT_TRUE(is_network("resnet8"));
  expect_error<InvalidArgument>([] { is_network("resnet9"); },
                                {"model = 'resnet9'", "did you mean 'resnet8'?"});
}

TEST(Summarize, MeanAndStandardErrorByHand) {
  const auto cell = [](const char* policy, std::uint64_t seed, double error) {
    CellResult result{{"linear", "", policy, 0.5, seed}, {}};
    result.outcome.n_train = 10;
    result.outcome.test_error = error;
    return result;
  };
  const auto summaries = summarize({cell("random", 0, 0.1), cell("hard", 0, 0.4),
                                    cell("random", 1, 0.2), cell("random", 2, 0.6)});
  ASSERT_EQ(summaries.size(), 2U);
  EXPECT_EQ(summaries[0].policy, "random");
  EXPECT_EQ(summaries[0].seeds, 3);
  EXPECT_EQ(summaries[0].n_train, 10);
  EXPECT_DOUBLE_EQ(summaries[0].test_error, 0.3);
  // Deviations -0.2, -0.1, 0.3: variance 0.14 / 2, over 3 seeds.
  EXPECT_DOUBLE_EQ(summaries[0].standard_error, std::sqrt(0.07 / 3.0));
  EXPECT_EQ(summaries[1].policy, "hard");
  EXPECT_EQ(summaries[1].test_error, 0.4);
  EXPECT_TRUE(std::isnan(summaries[1].standard_error));
  EXPECT_TRUE(summarize({}).empty());
}

TEST_F(Evaluation, FillsItsFolder) {
  const auto results = run(folder_.path());
  ASSERT_EQ(results.size(), 2U * 7U * 3U);
  const std::string table = read_file(folder_ / "results.csv");
  EXPECT_EQ(table.substr(0, table.find('\n')),
            "model,policy,keep,seed,n_train,iterations,test_error,train_error");
  EXPECT_EQ(std::ranges::count(table, '\n'), 43);
  for (const auto& [cell, outcome] : results) {
    EXPECT_EQ(outcome.n_train, std::llround(120 * cell.keep)) << cell.id();
    EXPECT_EQ(outcome.iterations, 40);
    EXPECT_DOUBLE_EQ(outcome.epochs_seen, 40.0 * 16.0 / static_cast<double>(outcome.n_train));
    EXPECT_GT(outcome.test_error, 0.0);
    EXPECT_LT(outcome.test_error, 0.5) << "guessing errs in two of three";
    const RunInfo training = read_run(folder_.path() / "trainings" / cell.id());
    EXPECT_EQ(training.kind, "training");
    EXPECT_EQ(training.results["test_error"].get<double>(), outcome.test_error);
  }
  EXPECT_TRUE(fs::exists(folder_ / "timing.csv"));
}

TEST_F(Evaluation, EverySeedDrawsItsOwnRandomSubset) {
  options_.models = {"linear"};
  options_.keeps = {0.1};
  const auto results = run(folder_.path());
  std::vector<double> errors;
  for (const auto& [cell, outcome] : results) {
    if (cell.policy == "random") errors.push_back(outcome.train_error + outcome.gradient_norm);
  }
  ASSERT_EQ(errors.size(), 3U);
  EXPECT_NE(errors[0], errors[1]);
  EXPECT_NE(errors[1], errors[2]);
}

TEST_F(Evaluation, SameTableForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    run(folder_ / std::to_string(threads));
  }
  EXPECT_EQ(results("2"), results("1"));
  EXPECT_EQ(results("3"), results("1"));
}

TEST_F(Evaluation, ResumingTakesFinishedCells) {
  run(folder_.path());
  mark(folder_ / "trainings/mlp-hard-0.5-s11");
  mark(folder_ / "trainings/linear-full-1-s10");
  EXPECT_EQ(marked(run(folder_.path(), true)), 2);
  EXPECT_EQ(marked(run(folder_.path(), false)), 0) << "without resume all is trained anew";
}

TEST_F(Evaluation, ResumingTrainsAnewWhatChanged) {
  run(folder_.path());
  const auto remark = [&] { mark(folder_ / "trainings/linear-hard-0.5-s10"); };
  const auto expect_retrained = [&](const char* what) {
    remark();
    EXPECT_EQ(marked(run(folder_.path(), true)), 0) << what;
  };
  remark();
  EXPECT_EQ(marked(run(folder_.path(), true)), 1);
  options_.training.learner.iterations = 41;
  expect_retrained("iterations");
  options_.training.match = Match::epochs;
  expect_retrained("match");
  options_.select.class_balance = 0.0;
  expect_retrained("class balance");
  fingerprint_ = Fingerprint(18);
  expect_retrained("dataset");
  train_.scores[5] += 1.0;
  expect_retrained("scores");
  train_.rows(7, 2) += 1.0F;
  expect_retrained("embeddings");
  std::swap(train_.labels[0], train_.labels[1]);
  expect_retrained("labels");
  test_.rows(7, 2) += 1.0F;
  expect_retrained("test embeddings");
  std::swap(test_.labels[0], test_.labels[1]);
  expect_retrained("test labels");
}

TEST_F(Evaluation, AnInterruptedRunResumesToTheSameTable) {
  run(folder_ / "whole");
  StoppingProgress progress(10);
  EXPECT_THROW(run(folder_ / "half", false, progress), Interrupted);
  EXPECT_FALSE(fs::exists(folder_ / "half/results.csv"));
  std::ptrdiff_t finished = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "half/trainings")) {
    finished += fs::exists(entry.path() / "run.json") ? 1 : 0;
  }
  EXPECT_GE(finished, 10);
  EXPECT_LT(finished, 42);
  StoppingProgress rest(1000);
  run(folder_ / "half", true, rest);
  EXPECT_EQ(rest.count(), 42 - finished) << "no finished cell is trained again";
  EXPECT_EQ(results("half"), results("whole"));
}

TEST_F(Evaluation, LossesThatAreNoNumbersAreReadBack) {
  options_.models = {"linear"};
  run(folder_.path());
  const fs::path cell = folder_ / "trainings/linear-hard-0.5-s10";
  RunInfo training = read_run(cell);
  training.results["train_loss"] = {1.5, std::numeric_limits<double>::quiet_NaN()};
  training.results["train_error"] = std::numeric_limits<double>::quiet_NaN();
  write_run(cell, training);
  for (const auto& [read, outcome] : run(folder_.path(), true)) {
    if (read.id() != "linear-hard-0.5-s10") continue;
    ASSERT_EQ(outcome.train_loss.size(), 2U);
    EXPECT_EQ(outcome.train_loss[0], 1.5);
    EXPECT_TRUE(std::isnan(outcome.train_loss[1]));
    EXPECT_TRUE(std::isnan(outcome.train_error));
  }
}

TEST_F(Evaluation, ADamagedCellIsNamed) {
  options_.models = {"linear"};
  run(folder_.path());
  const fs::path cell = folder_ / "trainings/linear-easy-0.25-s12";
  RunInfo training = read_run(cell);
  training.results.erase("test_error");
  write_run(cell, training);
  expect_error<BadFile>([&] { run(folder_.path(), true); },
                        {(cell / "run.json").string(), "test_error", "train it again"});
  write_file(cell / "run.json", "{");
  expect_error<BadFile>([&] { run(folder_.path(), true); }, {(cell / "run.json").string(), "JSON"});
}

TEST_F(Evaluation, EqualEpochsShrinkTheIterationsWithTheSubset) {
  options_.models = {"linear"};
  options_.training.match = Match::epochs;
  for (const auto& [cell, outcome] : run(folder_.path())) {
    EXPECT_EQ(outcome.iterations, std::llround(40 * cell.keep)) << cell.id();
    EXPECT_NEAR(outcome.epochs_seen, 40.0 * 16.0 / 120.0, 1e-9) << cell.id();
  }
  options_.training.learner.iterations = 1;
  for (const auto& [cell, outcome] : run(folder_.path())) EXPECT_EQ(outcome.iterations, 1);
}

TEST_F(Evaluation, NeedsLabelsAndATestSplit) {
  train_.scores.pop_back();
  expect_error<InvalidArgument>([&] { run(folder_.path()); }, {"119 scores", "120 labels"});
  train_.scores.push_back(0.0);
  test_ = Clouds(0, 3);
  expect_error<InvalidArgument>([&] { run(folder_.path()); }, {"0 test labels"});
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Evaluation, NetworksNeedImages) {
  options_.models = {"resnet8"};
  expect_error<InvalidArgument>([&] { run(folder_.path()); }, {"resnet8", "images"});
}

TEST(WriteResults, LeavesWhatWasNotMeasuredEmpty) {
  const TempFolder folder;
  CellResult result{{"resnet8", "", "hard", 0.5, 3}, {}};
  result.outcome.n_train = 7;
  result.outcome.iterations = 9;
  result.outcome.test_error = 0.25;
  result.outcome.train_error = std::numeric_limits<double>::quiet_NaN();
  result.outcome.seconds = 1.5;
  result.outcome.core_seconds = 3.0;
  write_results(folder.path(), {result});
  EXPECT_EQ(read_file(folder / "results.csv"),
            "model,policy,keep,seed,n_train,iterations,test_error,train_error\n"
            "resnet8,hard,0.5,3,7,9,0.25,\n");
  EXPECT_EQ(read_file(folder / "timing.csv"),
            "model,policy,keep,seed,seconds,core_seconds\n"
            "resnet8,hard,0.5,3,1.500,3.000\n");
}

}  // namespace
}  // namespace winnow::experiments
