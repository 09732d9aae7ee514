#include "report/evaluation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/report/test_run.hpp"
#include "winnow/core/error.hpp"

namespace winnow::report {
namespace {

std::vector<Training> trainings_of(const std::string& model, const std::string& policy, double keep,
                                   const std::vector<double>& errors) {
  std::vector<Training> trainings;
  trainings.reserve(errors.size());
  for (const double error : errors) {
    trainings.push_back({.model = model,
                         .policy = policy,
                         .keep = keep,
                         .seed = std::to_string(trainings.size()),
                         .n_train = static_cast<std::int64_t>(1000 * keep),
                         .iterations = {},
                         .test_error = error,
                         .train_error = {}});
  }
  return trainings;
}

std::vector<Cell> cells_of(const std::vector<std::vector<Training>>& parts) {
  std::vector<Training> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return summarise(all);
}

void expect_bad_results(const std::string& csv, const std::vector<std::string>& parts) {
  const TempFolder folder;
  write_file(folder / "results.csv", csv);
  try {
    read_trainings(folder / "results.csv");
    ADD_FAILURE() << "accepted: " << csv;
  } catch (const BadFile& error) {
    for (const auto& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

TEST(ReadTrainings, FindsColumnsByName) {
  const TempFolder folder;
  write_file(folder / "results.csv",
             "test_error,keep,policy,model,note\n0.25,0.5,hard,\"a, b\",x\n0.5,1,full,mlp,\n");
  const auto trainings = read_trainings(folder / "results.csv");
  ASSERT_EQ(trainings.size(), 2U);
  EXPECT_EQ(trainings[0].model, "a, b");
  EXPECT_EQ(trainings[0].policy, "hard");
  EXPECT_EQ(trainings[0].keep, 0.5);
  EXPECT_EQ(trainings[0].test_error, 0.25);
  EXPECT_FALSE(trainings[0].train_error.has_value());
}

TEST(ReadTrainings, MetricsAreApart) {
  const TempFolder folder;
  write_file(folder / "results.csv",
             "model,metric,policy,keep,test_error\nmlp,,random,0.5,0.3\nmlp,el2n,hard,0.5,0.2\n");
  const auto trainings = read_trainings(folder / "results.csv");
  ASSERT_EQ(trainings.size(), 2U);
  EXPECT_EQ(trainings[0].policy, "random");
  EXPECT_EQ(trainings[1].policy, "el2n hard");
}

TEST(ReadTrainings, NamesWhatIsWrong) {
  expect_bad_results("model,policy,keep\nmlp,hard,0.5\n", {"results.csv", "test_error"});
  expect_bad_results("model,policy,keep,test_error\nmlp,hard,0.5,0.1\nmlp,hard,0.5,abc\n",
                     {"row 1", "test_error", "abc"});
  expect_bad_results("model,policy,keep,test_error\nmlp,hard,0.5,12.5\n", {"row 0", "[0, 1]"});
  expect_bad_results("model,policy,keep,test_error\nmlp,hard,0.5,nan\n", {"row 0", "nan"});
  expect_bad_results("model,policy,keep,test_error\nmlp,hard,,0.1\n", {"row 0", "keep"});
}

TEST(Summarise, GivesMeanAndStandardError) {
  const auto cells = cells_of({trainings_of("mlp", "hard", 0.5, {0.10, 0.12, 0.17})});
  ASSERT_EQ(cells.size(), 1U);
  EXPECT_DOUBLE_EQ(cells[0].mean, 0.13);
  // Deviations -0.03, -0.01, 0.04: variance 0.0026 / 2, over three seeds.
  EXPECT_NEAR(cells[0].standard_error, std::sqrt(0.0013 / 3.0), 1e-15);
  EXPECT_TRUE(std::isnan(cells[0].train_mean));
}

TEST(Summarise, OrdersByModelThenKeepThenPolicy) {
  const auto cells = cells_of(
      {trainings_of("mlp", "random", 0.1, {0.1}), trainings_of("mlp", "hard", 0.1, {0.1}),
       trainings_of("linear", "hard", 0.5, {0.1}), trainings_of("mlp", "hard", 0.5, {0.1})});
  std::string order;
  for (const auto& cell : cells) {
    order += cell.model + " " + cell.policy + (cell.keep == 0.5 ? " 50; " : " 10; ");
  }
  EXPECT_EQ(order, "mlp hard 50; mlp random 10; mlp hard 10; linear hard 50; ");
}

TEST(Verdict, SaysSoWhenRandomWins) {
  const auto cells = cells_of({trainings_of("mlp", "full", 1.0, {0.08, 0.10}),
                               trainings_of("mlp", "random", 0.5, {0.19, 0.21}),
                               trainings_of("mlp", "hard", 0.5, {0.29, 0.31})});
  const auto verdict = verdicts(cells, "mlp");
  ASSERT_EQ(verdict.size(), 1U);
  // Standard errors 0.01 each: the gap of 0.10 is 10 / sqrt(2) of them.
  EXPECT_EQ(verdict[0].full,
            "With 50\u00A0% of the examples (500), random wins: a test error of "
            "20.00\u00A0±\u00A01.00\u00A0%, ahead of hard (30.00\u00A0±\u00A01.00\u00A0%) by "
            "10.00\u00A0points, 7.1 standard errors of the difference: a clear gap. All data gives "
            "9.00\u00A0±\u00A01.00\u00A0%: pruning this way costs 11.00\u00A0points.");
  EXPECT_EQ(verdict[0].brief,
            "at 50\u00A0%, random beats hard by 10.00\u00A0points and costs 11.00\u00A0points "
            "against all data");
}

TEST(Verdict, ComparesTheWinnerWithRandomAndDoubtsSmallGaps) {
  const auto cells = cells_of({trainings_of("mlp", "random", 0.5, {0.22, 0.26}),
                               trainings_of("mlp", "easy", 0.5, {0.21, 0.25}),
                               trainings_of("mlp", "hard", 0.5, {0.20, 0.24})});
  const auto verdict = verdicts(cells, "mlp");
  ASSERT_EQ(verdict.size(), 1U);
  // 0.02 against standard errors of 0.02 each.
  EXPECT_NE(verdict[0].full.find("hard wins"), std::string::npos) << verdict[0].full;
  EXPECT_NE(verdict[0].full.find("ahead of random"), std::string::npos) << verdict[0].full;
  EXPECT_NE(verdict[0].full.find("0.7 standard errors of the difference: not a clear gap"),
            std::string::npos)
      << verdict[0].full;
}

TEST(Verdict, ASingleSeedProvesNothing) {
  const auto cells = cells_of(
      {trainings_of("mlp", "random", 0.5, {0.22}), trainings_of("mlp", "hard", 0.5, {0.20})});
  EXPECT_NE(verdicts(cells, "mlp")[0].full.find("single seed"), std::string::npos);
  EXPECT_NE(verdicts(cells, "mlp")[0].brief.find("not a clear gap"), std::string::npos);
}

}  // namespace
}  // namespace winnow::report
