#include "winnow/metrics/log_scores.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/dynamics_writer.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/metrics/aum.hpp"

namespace winnow::metrics {
namespace {

namespace fs = std::filesystem;

using Kind = EpochChoice::Kind;
using testing::expect_error;
using testing::TempFolder;
using testing::Threads;

const fs::path fixtures(WINNOW_FIXTURES);

struct Case {
  const char* name;
  LogMetric metric;
  LogOptions options = {};
};

LogOptions at(Kind kind, std::int64_t epoch = 0) {
  LogOptions options;
  options.at.epoch = {kind, epoch};
  return options;
}
LogOptions never_learned(NeverLearned how) {
  LogOptions options;
  options.forgetting.never_learned = how;
  return options;
}
LogOptions windows(std::int32_t window, std::int64_t last_epoch = 0, double decay = 0.9) {
  LogOptions options;
  options.windows = {.window = window, .last_epoch = last_epoch};
  options.tdds.decay = decay;
  return options;
}

/// What NumPy computed (fixtures/make_log_fixtures.py), by its names.
std::vector<Case> cases() {
  return {{"el2n early", LogMetric::el2n},
          {"el2n 7", LogMetric::el2n, at(Kind::number, 7)},
          {"el2n mean", LogMetric::el2n, at(Kind::mean)},
          {"grand last", LogMetric::grand, at(Kind::last)},
          {"margin 3", LogMetric::margin, at(Kind::number, 3)},
          {"loss 1", LogMetric::loss, at(Kind::number, 1)},
          {"loss mean", LogMetric::loss, at(Kind::mean)},
          {"entropy early", LogMetric::entropy},
          {"entropy mean", LogMetric::entropy, at(Kind::mean)},
          {"aum", LogMetric::aum},
          {"forgetting epochs", LogMetric::forgetting},
          {"forgetting max", LogMetric::forgetting, never_learned(NeverLearned::max)},
          {"forgetting inf", LogMetric::forgetting, never_learned(NeverLearned::inf)},
          {"forgetting zero", LogMetric::forgetting, never_learned(NeverLearned::zero)},
          {"dyn-unc 10", LogMetric::dyn_unc},
          {"dyn-unc 2", LogMetric::dyn_unc, windows(2)},
          {"dyn-unc 5 until 9", LogMetric::dyn_unc, windows(5, 9)},
          {"dual 10", LogMetric::dual},
          {"dual 4 until 4", LogMetric::dual, windows(4, 4)},
          {"tdds 10", LogMetric::tdds},
          {"tdds 5 until 8 decay 0.3", LogMetric::tdds, windows(5, 8, 0.3)}};
}

TEST(LogScores, AgreeWithNumPy) {
  const Json json = read_json(fixtures / "log_scores.json");
  std::vector<io::Dynamics> runs;
  runs.emplace_back(fixtures / "logs/run-0");
  runs.emplace_back(fixtures / "logs/run-1");
  const auto compare = [](const std::vector<double>& scores, const Json& expected,
                          const std::string& what) {
    ASSERT_EQ(scores.size(), expected.size()) << what;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      EXPECT_NEAR(scores[i], expected[i].get<double>(), 1e-6) << what << ", example " << i;
    }
  };
  EXPECT_EQ(cases().size(), json["mean"].size());
  for (const Case& test : cases()) {
    const std::span<const io::Dynamics> all(runs);
    compare(score_logs(all.first(1), test.metric, test.options).scores, json["first"][test.name],
            test.name);
    compare(score_logs(all, test.metric, test.options).scores, json["mean"][test.name], test.name);
  }
  const auto scores = score_logs(runs, LogMetric::forgetting, {});
  EXPECT_EQ(scores.never_learned, json["never_learned"]);
  EXPECT_TRUE(scores.warnings.empty());
}

TEST(LogScores, SayWhichEpochsTheyComeFrom) {
  std::vector<io::Dynamics> runs;
  runs.emplace_back(fixtures / "logs/run-0");
  EXPECT_EQ(score_logs(runs, LogMetric::el2n, {}).epochs, (std::vector<std::int64_t>{20}));
  EXPECT_EQ(score_logs(runs, LogMetric::loss, at(Kind::last)).epochs.front(), 24);
  EXPECT_EQ(score_logs(runs, LogMetric::aum, {}).epochs.size(), 24U);
  EXPECT_EQ(score_logs(runs, LogMetric::dual, windows(2, 5)).epochs,
            (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
}

/// A log of `epochs` whose values follow from row and example.
struct Made {
  std::int64_t n = 0;
  std::vector<std::int64_t> epochs;
  std::vector<std::uint8_t> in_train = {};
  std::vector<std::int32_t> labels = {};
  Fingerprint fingerprint = {};

  static float margin(std::int64_t row, std::int64_t i) {
    return static_cast<float>((i * 7919 + row * 31) % 1000) / 8.0F - 60.0F;
  }
  static std::uint8_t correct(std::int64_t row, std::int64_t i) {
    return (i / (row + 1)) % 3 == 1 ? 1 : 0;
  }

  io::Dynamics in(const fs::path& folder) const {
    io::DynamicsWriter writer(folder, {.n = n,
                                       .grand = true,
                                       .storage = io::DType::float16,
                                       .in_train = in_train,
                                       .labels = labels,
                                       .fingerprint = fingerprint});
    const auto size = static_cast<std::size_t>(n);
    std::vector<float> margins(size);
    std::vector<float> probabilities(size);
    std::vector<std::uint8_t> flags(size);
    for (std::size_t row = 0; row < epochs.size(); ++row) {
      for (std::size_t i = 0; i < size; ++i) {
        margins[i] = margin(static_cast<std::int64_t>(row), static_cast<std::int64_t>(i));
        flags[i] = correct(static_cast<std::int64_t>(row), static_cast<std::int64_t>(i));
        probabilities[i] = static_cast<float>(i % 2);
      }
      writer.append({.epoch = epochs[row],
                     .p_true = probabilities,
                     .margin = margins,
                     .el2n = probabilities,
                     .correct = flags,
                     .grand = probabilities});
    }
    writer.finish();
    return io::Dynamics(folder);
  }
};

/// More examples than a block holds, of every metric the same for any number of threads.
TEST(LogScores, OfManyBlocks) {
  const TempFolder folder;
  const Made made{.n = 150'001, .epochs = {0, 1, 2, 5}};
  std::vector<io::Dynamics> runs;
  runs.push_back(made.in(folder / "log"));
  std::vector<double> aum(static_cast<std::size_t>(made.n));
  std::vector<double> forgetting(aum.size());
  for (std::int64_t i = 0; i < made.n; ++i) {
    double sum = 0.0;
    int forgotten = 0;
    bool learned = Made::correct(0, i) == 1;
    for (std::int64_t row = 0; row < 4; ++row) {
      sum += Made::margin(row, i);
      if (row == 0) continue;
      forgotten += Made::correct(row - 1, i) == 1 && Made::correct(row, i) == 0 ? 1 : 0;
      learned = learned || Made::correct(row, i) == 1;
    }
    aum[static_cast<std::size_t>(i)] = -sum / 4;
    forgetting[static_cast<std::size_t>(i)] = learned ? forgotten : 4;
  }
  for (const int threads : {1, 3}) {
    const Threads use(threads);
    EXPECT_EQ(score_logs(runs, LogMetric::aum, {}).scores, aum);
    EXPECT_EQ(score_logs(runs, LogMetric::forgetting, {}).scores, forgetting);
  }
}

TEST(LogScores, OfOneClassAndMoreLogitsThanATileHolds) {
  const TempFolder folder;
  constexpr std::int64_t n_classes = 40'000;
  io::DynamicsWriter writer(folder.path(), {.n = 3, .n_classes = n_classes, .logits = true});
  const std::vector<float> values(3, 0.5F);
  const std::vector<std::uint8_t> flags(3, 1);
  std::vector<float> logits(3 * n_classes, 0.0F);
  logits[n_classes] = 50.0F;
  for (const std::int64_t epoch : {1, 2, 3}) {
    writer.append({.epoch = epoch,
                   .p_true = values,
                   .margin = values,
                   .el2n = values,
                   .correct = flags,
                   .logits = logits});
  }
  writer.finish();
  std::vector<io::Dynamics> runs;
  runs.emplace_back(folder.path());
  const auto scores = score_logs(runs, LogMetric::entropy, at(Kind::mean)).scores;
  EXPECT_NEAR(scores[0], std::log(n_classes), 1e-9);
  EXPECT_NEAR(scores[1], 0.0, 1e-9);
  EXPECT_NEAR(scores[2], std::log(n_classes), 1e-9);
}

TEST(LogScores, CanBeStopped) {
  const TempFolder folder;
  std::vector<io::Dynamics> runs;
  runs.push_back(Made{.n = 150'001, .epochs = {1, 2}}.in(folder.path()));
  testing::StoppingProgress progress(1);
  EXPECT_THROW(score_logs(runs, LogMetric::aum, {}, progress), Interrupted);
}

class Warnings : public ::testing::Test {
 protected:
  std::vector<std::string> of(const Made& made, LogMetric metric, const LogOptions& options = {}) {
    std::vector<io::Dynamics> runs;
    runs.push_back(made.in(folder_ / "log"));
    return score_logs(runs, metric, options).warnings;
  }
  TempFolder folder_;
};

TEST_F(Warnings, GrandAtEpochZero) {
  const Made made{.n = 4, .epochs = {0, 1, 30}};
  ASSERT_EQ(of(made, LogMetric::grand, at(Kind::number, 0)).size(), 1U);
  EXPECT_NE(of(made, LogMetric::grand, at(Kind::mean))[0].find("2303.14753"), std::string::npos);
  EXPECT_TRUE(of(made, LogMetric::grand).empty());  // epoch 1
  EXPECT_TRUE(of(made, LogMetric::el2n, at(Kind::number, 0)).empty());
}

TEST_F(Warnings, ExamplesThatWereNotTrainedOn) {
  const Made made{.n = 4, .epochs = {1}, .in_train = {1, 0, 0, 1}};
  const auto warnings = of(made, LogMetric::aum);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("2 of 4 examples were not trained on"), std::string::npos);
}

TEST_F(Warnings, ProbabilitiesOfZero) {
  const Made made{.n = 5, .epochs = {1, 2}};
  const auto warnings = of(made, LogMetric::loss, at(Kind::mean));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("6 probabilities are 0"), std::string::npos);
  std::vector<io::Dynamics> runs;
  runs.emplace_back(folder_ / "log");
  const auto scores = score_logs(runs, LogMetric::loss, {}).scores;
  EXPECT_NEAR(scores[0], 25 * std::log(2.0), 1e-12);
  EXPECT_EQ(scores[1], 0.0);
}

class Refusals : public ::testing::Test {
 protected:
  template <class E>
  void refuse(LogMetric metric, const LogOptions& options, const std::vector<std::string>& parts) {
    expect_error<E>([&] { score_logs(runs_, metric, options); }, parts);
  }
  void add(const Made& made) {
    runs_.push_back(made.in(folder_ / ("run-" + std::to_string(runs_.size()))));
  }
  TempFolder folder_;
  std::vector<io::Dynamics> runs_;
};

TEST_F(Refusals, OfLogsThatLackSomething) {
  refuse<InvalidArgument>(LogMetric::aum, {}, {"no run"});
  add({.n = 4, .epochs = {25, 30}});
  refuse<BadFile>(LogMetric::entropy, {}, {"logits.npy", "missing", "metric = entropy"});
  refuse<BadFile>(LogMetric::tdds, {}, {"logits.npy", "metric = tdds"});
  refuse<BadFile>(LogMetric::el2n, at(Kind::number, 26), {"run-0", "epoch 26", "25, 30"});
  refuse<InvalidArgument>(LogMetric::el2n, {}, {"run-0", "epoch = early", "is 25", "last"});
  refuse<InvalidArgument>(LogMetric::dyn_unc, {}, {"window = 10", "run-0", "2 epochs", "--window"});
  refuse<InvalidArgument>(LogMetric::dual, windows(2, 25),
                          {"1 epochs up to 25", "a larger --last-epoch"});
  refuse<InvalidArgument>(LogMetric::dyn_unc, windows(1), {"window = 1"});
  refuse<InvalidArgument>(LogMetric::tdds, windows(2, 0, 0.0), {"decay = 0"});
  refuse<InvalidArgument>(LogMetric::tdds, windows(2, -1), {"last-epoch = -1"});
}

TEST_F(Refusals, OfRunsThatDoNotMatch) {
  add({.n = 3, .epochs = {1, 2}, .labels = {0, 1, 0}, .fingerprint = Fingerprint(1)});
  add({.n = 3, .epochs = {1, 3}, .labels = {0, 1, 0}, .fingerprint = Fingerprint(1)});
  refuse<InvalidArgument>(LogMetric::aum, {}, {"run-0 gives epochs 1 2", "run-1 gives 1 3"});
  refuse<InvalidArgument>(LogMetric::el2n, {}, {"run-0 gives epochs 2", "run-1 gives 3"});
  EXPECT_EQ(score_logs(runs_, LogMetric::el2n, at(Kind::number, 1)).scores.size(), 3U);
  runs_.pop_back();
  runs_.emplace_back(folder_ / "run-0/../run-0");
  refuse<InvalidArgument>(LogMetric::aum, {}, {"run-0 is given twice"});
  runs_.pop_back();
  add({.n = 3, .epochs = {1, 2}, .labels = {0, 1, 1}});
  refuse<DatasetMismatch>(LogMetric::aum, {}, {"labels.npy: row 2"});
  runs_.pop_back();
  add({.n = 3, .epochs = {1, 2}, .fingerprint = Fingerprint(2)});
  refuse<DatasetMismatch>(LogMetric::aum, {}, {"fingerprint"});
  runs_.pop_back();
  add({.n = 4, .epochs = {1, 2}});
  refuse<DatasetMismatch>(LogMetric::aum, {}, {"3 examples", "has 4"});
}

}  // namespace
}  // namespace winnow::metrics
