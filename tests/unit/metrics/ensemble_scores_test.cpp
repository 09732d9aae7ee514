#include "winnow/metrics/ensemble_scores.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "metrics/ensemble_log.hpp"
#include "unit/metrics/bits.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/metrics/ddd.hpp"
#include "winnow/metrics/influence.hpp"
#include "winnow/metrics/memorization.hpp"

namespace winnow::metrics {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::random_bits;
using testing::TempFolder;

constexpr std::int64_t n_runs = 12;
constexpr std::int64_t n = 90;
constexpr std::int64_t n_test = 17;
constexpr std::int64_t n_epochs = 3;
constexpr std::int64_t n_classes = 4;

std::vector<std::uint8_t> row_of(const BitMatrix& bits, std::int64_t i) {
  std::vector<std::uint8_t> row;
  for (std::int64_t j = 0; j < bits.cols(); ++j) row.push_back(bits.test(i, j) ? 1 : 0);
  return row;
}

/// Twelve runs of three epochs, as numpy.save would write them.
class EnsembleScoresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::int64_t e = 0; e < n_epochs; ++e) {
      const auto seed = static_cast<std::uint64_t>(e);
      correct_.push_back(random_bits(n_runs, n, 0.6, 10 + seed));
      test_correct_.push_back(random_bits(n_runs, n_test, 0.6, 20 + seed));
    }
    for (std::int64_t m = 0; m < n_runs; ++m) write_run_of(m);
  }

  void write_run_of(std::int64_t m) {
    const fs::path folder = folder_ / ("run" + std::to_string(m));
    fs::create_directories(folder);
    folders_.push_back(folder);
    Matrix<std::uint8_t> correct(n_epochs, n);
    Matrix<std::uint8_t> test_correct(n_epochs, n_test);
    for (std::int64_t e = 0; e < n_epochs; ++e) {
      const auto epoch = static_cast<std::size_t>(e);
      std::ranges::copy(row_of(correct_[epoch], m), correct.row(e).begin());
      std::ranges::copy(row_of(test_correct_[epoch], m), test_correct.row(e).begin());
    }
    io::write_npy_bool(folder / "correct.npy", correct.view());
    io::write_npy_bool(folder / "test_correct.npy", test_correct.view());
    io::write_npy_bool(folder / "in_train.npy", row_of(in_train_, m));
    io::NpyWriter logits(folder / "logits.npy", {n_epochs, n, n_classes}, io::DType::float32);
    logits_.push_back(
        testing::normal_matrix(n_epochs * n, n_classes, 100 + static_cast<std::uint64_t>(m)));
    logits.append({logits_.back().data(), static_cast<std::size_t>(logits_.back().size())});
    logits.commit();
  }
  const fs::path& folder_of(std::size_t m) const { return folders_.at(m); }
  /// Logits of run m after an epoch (from 0).
  MatrixView<const float> logits(std::size_t m, std::int64_t epoch) const {
    return logits_[m].view().block(epoch * n, n);
  }
  EnsembleScores score(EnsembleMetric metric, const EnsembleOptions& options = {}) const {
    return score_ensemble(folders_, metric, options);
  }

  TempFolder folder_;
  std::vector<fs::path> folders_;
  BitMatrix in_train_ = random_bits(n_runs, n, 0.6, 1);
  std::vector<BitMatrix> correct_, test_correct_;
  std::vector<Matrix<float>> logits_;
};

TEST_F(EnsembleScoresTest, LastEpochByDefault) {
  const auto result = score(EnsembleMetric::memorization);
  const auto expected = memorization(in_train_, correct_[2]);
  EXPECT_EQ(result.scores, expected.scores);
  EXPECT_EQ(result.rare, expected.rare);
  EXPECT_EQ(result.members, n_runs);
  EXPECT_EQ(result.epochs, std::vector<std::int64_t>(n_runs, 3));
  for (std::size_t i = 0; i < expected.standard_errors.size(); ++i) {
    if (std::isnan(expected.standard_errors[i])) continue;
    EXPECT_EQ(result.standard_errors[i], expected.standard_errors[i]);
  }
}

TEST_F(EnsembleScoresTest, AnEpochOfItsOwn) {
  for (std::int64_t epoch = 1; epoch <= n_epochs; ++epoch) {
    const auto row = static_cast<std::size_t>(epoch - 1);
    EnsembleOptions options;
    options.epoch = epoch;
    const auto influences = influence(in_train_, test_correct_[row]);
    EXPECT_EQ(score(EnsembleMetric::influence_max, options).scores, influences.max);
    EXPECT_EQ(score(EnsembleMetric::influence_max, options).max_tests, influences.max_tests);
    EXPECT_EQ(score(EnsembleMetric::influence_sum_abs, options).scores, influences.sum_abs);
    EXPECT_EQ(score(EnsembleMetric::ddd, options).scores, ddd(correct_[row]).scores);
    options.active_learning.acquisition = Acquisition::right_wrong;
    EXPECT_EQ(score(EnsembleMetric::active_learning, options).scores,
              right_wrong_disagreement(correct_[row]));
  }
}

TEST_F(EnsembleScoresTest, UncertaintyOfLogitsInBlocksOfAnySize) {
  EnsembleUncertainty ensemble(n, n_classes, Acquisition::mutual_information);
  for (std::size_t m = 0; m < folders_.size(); ++m) ensemble.add(logits(m, 2));
  EnsembleOptions options;
  options.active_learning.acquisition = Acquisition::mutual_information;
  EXPECT_EQ(score(EnsembleMetric::active_learning, options).scores, ensemble.scores());
  for (const std::int64_t bytes : {1, 1000, 4000}) {
    EnsembleReader reader;
    reader.folders = folders_;
    const auto log = read_uncertainty(reader, Acquisition::mutual_information, bytes, silent());
    EXPECT_EQ(log.scores, ensemble.scores()) << bytes;
    EXPECT_EQ(log.epochs, std::vector<std::int64_t>(n_runs, 3));
  }
}

TEST_F(EnsembleScoresTest, CheckpointsAreMembers) {
  EnsembleUncertainty ensemble(n, n_classes, Acquisition::entropy);
  for (std::size_t m = 0; m < folders_.size(); ++m) {
    ensemble.add(logits(m, 1));
    ensemble.add(logits(m, 2));
  }
  EnsembleOptions options;
  options.active_learning.checkpoints = 2;
  const auto result = score(EnsembleMetric::active_learning, options);
  EXPECT_EQ(result.scores, ensemble.scores());
  EXPECT_EQ(result.members, 2 * n_runs);
  options.active_learning.binary = 0.8;
  EXPECT_EQ(score(EnsembleMetric::active_learning, options).scores,
            most_uncertain(ensemble.scores(), 0.8));
  options.active_learning.checkpoints = 4;
  expect_error<BadFile>([&] { score(EnsembleMetric::active_learning, options); },
                        {folder_of(0).string(), "3 logged epochs", "checkpoints = 4"});
}

TEST_F(EnsembleScoresTest, CheckpointsOfASingleRun) {
  EnsembleOptions options;
  options.active_learning = {.acquisition = Acquisition::variation_ratio};
  const std::vector<fs::path> one = {folder_of(0)};
  expect_error<InvalidArgument>(
      [&] { score_ensemble(one, EnsembleMetric::active_learning, options); },
      {"variation-ratio is 0 for an ensemble of one", "--checkpoints"});
  options.active_learning.checkpoints = 3;
  const auto result = score_ensemble(one, EnsembleMetric::active_learning, options);
  EXPECT_GT(*std::ranges::max_element(result.scores), 0.0);
}

TEST_F(EnsembleScoresTest, WarnsOfTheRareAndOfDifferentEpochs) {
  BitMatrix others = in_train_;
  for (std::int64_t m = 0; m < n_runs; ++m) others.set(m, 4);
  for (std::size_t m = 0; m < folders_.size(); ++m) {
    io::write_npy_bool(folder_of(m) / "in_train.npy", row_of(others, static_cast<std::int64_t>(m)));
  }
  io::write_npy(folder_of(3) / "epochs.npy", std::vector<std::int64_t>{1, 2, 30});
  const auto result = score(EnsembleMetric::memorization);
  ASSERT_EQ(result.warnings.size(), 2U);
  EXPECT_NE(result.warnings[0].find("different epochs, 3 to 30"), std::string::npos);
  EXPECT_NE(result.warnings[1].find("of 90 examples"), std::string::npos) << result.warnings[1];
  EXPECT_NE(std::ranges::find(result.rare, 4), result.rare.end());
}

TEST_F(EnsembleScoresTest, RefusesRunsThatDoNotBelongTogether) {
  const auto refuse = [&](const std::vector<std::string>& parts) {
    expect_error<DatasetMismatch>([&] { score(EnsembleMetric::influence_max); }, parts);
  };
  io::write_npy_bool(folder_of(5) / "test_correct.npy", Matrix<std::uint8_t>(n_epochs, 16).view());
  refuse({"run0 has 17 test examples", "run5 has 16"});
  write_run_of(5);
  folders_.pop_back();

  // The first two tell no labels: the fifth is compared with the third.
  std::vector<std::int32_t> labels(n, 1);
  io::write_npy(folder_of(2) / "labels.npy", labels);
  labels[7] = 0;
  io::write_npy(folder_of(4) / "labels.npy", labels);
  refuse({"run2", "row 7 is class 1", "run4", "it is 0"});
  fs::remove(folder_of(4) / "labels.npy");

  write_json(folder_of(0) / "dynamics.json", {{"fingerprint", "xxh3:0123456789abcdef"}});
  write_json(folder_of(6) / "dynamics.json", {{"fingerprint", "xxh3:0123456789abcdee"}});
  refuse({"run0", "run6"});
}

TEST_F(EnsembleScoresTest, RefusesWhatWasNotLogged) {
  fs::remove(folder_of(8) / "test_correct.npy");
  expect_error<BadFile>([&] { score(EnsembleMetric::influence_sum_abs); },
                        {"run8/test_correct.npy", "influence-sum-abs needs it"});
  fs::remove(folder_of(9) / "logits.npy");
  expect_error<BadFile>([&] { score(EnsembleMetric::active_learning); },
                        {"run9/logits.npy", "active-learning needs it"});
  EnsembleOptions options;
  options.epoch = 4;
  expect_error<BadFile>([&] { score(EnsembleMetric::ddd, options); },
                        {"run0", "epoch 4 was not logged", "1, 2, 3"});
}

TEST_F(EnsembleScoresTest, RefusesRunsThatSawEverything) {
  for (const auto& folder : folders_) fs::remove(folder / "in_train.npy");
  expect_error<BadFile>([&] { score(EnsembleMetric::memorization); },
                        {"run0", "in_train.npy is missing or all 1, as in all 12 runs", "70 %"});
  for (const auto& folder : folders_) {
    fs::remove(folder / "correct.npy");
    fs::remove(folder / "logits.npy");
  }
  expect_error<BadFile>([&] { score(EnsembleMetric::influence_max); },
                        {"run0", "nothing tells the number of examples"});
}

TEST_F(EnsembleScoresTest, RefusesNoRunsAndTheSameRunTwice) {
  expect_error<InvalidArgument>([] { score_ensemble({}, EnsembleMetric::ddd, {}); },
                                {"metric = ddd", "runs"});
  folders_.push_back(folder_.path() / "." / "run3" / "");
  expect_error<InvalidArgument>([&] { score(EnsembleMetric::ddd); }, {"run3", "the same run"});
}

TEST_F(EnsembleScoresTest, CanBeStopped) {
  testing::StoppingProgress progress(5);
  EXPECT_THROW(score_ensemble(folders_, EnsembleMetric::ddd, {}, progress), Interrupted);
  EXPECT_EQ(progress.count(), 5);
}

}  // namespace
}  // namespace winnow::metrics
