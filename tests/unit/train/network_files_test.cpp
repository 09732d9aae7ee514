// Checkpoints, logs, initial weights and teachers of network trainings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "unit/support.hpp"
#include "unit/train/quadrants.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {
namespace {

using ::testing::ElementsAre;
using winnow::testing::expect_error;
using winnow::testing::TempFolder;

/// Keeps everything it is told; can stop a training after some epochs.
class Notebook final : public EpochObserver {
 public:
  explicit Notebook(std::size_t stop_after = 1000) : stop_after_(stop_after) {}

  struct Epoch {
    EpochSummary summary;
    std::vector<float> p_true, margin, el2n, grand, logits;
    std::vector<std::uint8_t> correct, test_correct;
  };
  std::vector<Epoch> epochs;
  std::int64_t resumed_at = -1;

  void rows(const io::DynamicsRows& piece) override {
    const auto add = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    add(next_.p_true, piece.p_true);
    add(next_.margin, piece.margin);
    add(next_.el2n, piece.el2n);
    add(next_.correct, piece.correct);
    add(next_.grand, piece.grand);
    add(next_.logits, piece.logits);
    add(next_.test_correct, piece.test_correct);
    next_.summary.epoch = piece.epoch;
  }
  void epoch(const EpochSummary& summary) override {
    next_.summary = summary;
    epochs.push_back(std::move(next_));
    next_ = {};
    if (epochs.size() >= stop_after_) throw Interrupted();
  }
  void resumed(std::int64_t n_logs) override {
    resumed_at = n_logs;
    epochs.resize(static_cast<std::size_t>(n_logs));
  }

 private:
  Epoch next_;
  std::size_t stop_after_;
};

class NetworkFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      trainer_ = load_network_trainer();
    } catch (const NotAvailable& error) {
      GTEST_SKIP() << error.what();
    }
  }
  NetworkResult train(const NetworkOptions& options, const TrainingFiles& files = {},
                      const Watch& watch = {}) {
    return trainer_->train(images_.view(), ids_, test_.view(), options, files, watch);
  }

  TempFolder folder_;
  Quadrants images_{100, {8, 8, 1}, Seed{1}};
  Quadrants test_{60, {8, 8, 1}, Seed{2}};
  std::vector<std::int64_t> ids_ = [] {
    std::vector<std::int64_t> ids(80);
    std::iota(ids.begin(), ids.end(), std::int64_t{10});
    return ids;
  }();
  std::unique_ptr<NetworkTrainer> trainer_;
};

/// 80 examples in batches of 32: a pass takes two and a half steps.
NetworkOptions short_training() {
  return {.iterations = 9,
          .batch_size = 32,
          .flip = false,
          .crop_padding = 1,
          .precision = Precision::float32};
}

TEST_F(NetworkFiles, LogsEveryPassAndTheEnd) {
  Notebook notebook;
  const Watch watch{
      .observer = &notebook, .dynamics = true, .gradients = true, .logits = true, .at_start = true};
  const NetworkResult result = train(short_training(), {}, watch);
  std::vector<std::int64_t> epochs;
  std::vector<std::int64_t> iterations;
  for (const auto& epoch : notebook.epochs) {
    epochs.push_back(epoch.summary.epoch);
    iterations.push_back(epoch.summary.iteration);
  }
  // 9 x 32 = 288 = 3.6 x 80
  EXPECT_THAT(epochs, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(iterations, ElementsAre(0, 3, 5, 8, 9));
  const auto& last = notebook.epochs.back();
  EXPECT_EQ(last.test_correct, result.test_correct);
  EXPECT_DOUBLE_EQ(last.summary.test_error, result.test_error);
  EXPECT_EQ(last.summary.train_loss, result.train_loss.back());
  EXPECT_TRUE(std::isnan(notebook.epochs.front().summary.train_loss));
  // 7 x 35 = 245 = 3.06 x 80: the last step ends the third pass and is in the fourth.
  Notebook crossing;
  NetworkOptions options = short_training();
  options.iterations = 7;
  options.batch_size = 35;
  train(options, {}, {.observer = &crossing});
  EXPECT_EQ(crossing.epochs.back().summary.epoch, 4);
  EXPECT_TRUE(std::isfinite(crossing.epochs.back().summary.train_loss));
  // A log changes nothing of the training.
  const NetworkResult unwatched = train(short_training());
  EXPECT_EQ(unwatched.train_loss, result.train_loss);
  EXPECT_EQ(unwatched.test_correct, result.test_correct);
}

TEST_F(NetworkFiles, RowsFollowFromTheLogits) {
  Notebook notebook;
  train(short_training(), {}, {.observer = &notebook, .dynamics = true, .logits = true});
  for (const auto& epoch : notebook.epochs) {
    ASSERT_EQ(epoch.p_true.size(), 100U);
    ASSERT_EQ(epoch.logits.size(), 400U);
    EXPECT_TRUE(epoch.grand.empty());
    for (std::size_t i = 0; i < 100; ++i) {
      const auto label = static_cast<std::size_t>(images_.labels[i]);
      const float* f = &epoch.logits[4 * i];
      double sum = 0.0;
      double other = -1e30;
      for (std::size_t j = 0; j < 4; ++j) {
        sum += std::exp(static_cast<double>(f[j]));
        if (j != label) other = std::max(other, static_cast<double>(f[j]));
      }
      double square = 0.0;
      for (std::size_t j = 0; j < 4; ++j) {
        square += std::pow(std::exp(f[j]) / sum - (j == label ? 1.0 : 0.0), 2);
      }
      EXPECT_NEAR(epoch.p_true[i], std::exp(f[label]) / sum, 1e-6);
      EXPECT_NEAR(epoch.margin[i], f[label] - other, 1e-5);
      EXPECT_NEAR(epoch.el2n[i], std::sqrt(square), 1e-6);
      EXPECT_EQ(epoch.correct[i], f[label] > other ? 1 : 0);
    }
  }
}

TEST_F(NetworkFiles, GoesOnFromACheckpointToTheSameBits) {
  for (NetworkOptions options : {short_training(), [] {
                                   NetworkOptions other = short_training();
                                   other.optimizer = Optimizer::adamw;
                                   other.ema = 0.9;
                                   other.cutout = 3;
                                   other.crop_scale = 0.5;
                                   other.colour_jitter = 0.3;
                                   other.label_smoothing = 0.1;
                                   other.clip_norm = 1.0;
                                   return other;
                                 }()}) {
    Notebook whole;
    const NetworkResult expected = train(options, {.weights = folder_ / "whole.safetensors"},
                                         {.observer = &whole, .dynamics = true, .gradients = true});
    const auto checkpoint = folder_ / "checkpoint.safetensors";
    std::filesystem::remove(checkpoint);
    const TrainingFiles files{.checkpoint = checkpoint,
                              .weights = folder_ / "parts.safetensors",
                              .resume = true,
                              .identity = "this data"};
    Notebook first(3);  // Cut before the third pass's checkpoint is written.
    EXPECT_THROW(train(options, files, {.observer = &first, .dynamics = true}), Interrupted);
    ASSERT_TRUE(std::filesystem::exists(checkpoint));
    Notebook second;
    second.epochs = first.epochs;
    const NetworkResult resumed =
        train(options, files, {.observer = &second, .dynamics = true, .gradients = true});
    EXPECT_EQ(second.resumed_at, 2);
    EXPECT_EQ(resumed.train_loss, expected.train_loss);
    EXPECT_EQ(resumed.test_correct, expected.test_correct);
    EXPECT_EQ(read_file(folder_ / "parts.safetensors"), read_file(folder_ / "whole.safetensors"));
    ASSERT_EQ(second.epochs.size(), whole.epochs.size());
    for (std::size_t e = 0; e < whole.epochs.size(); ++e) {
      EXPECT_EQ(second.epochs[e].p_true, whole.epochs[e].p_true) << e;
      EXPECT_EQ(second.epochs[e].summary.train_loss, whole.epochs[e].summary.train_loss) << e;
    }
    EXPECT_EQ(second.epochs[2].grand, whole.epochs[2].grand);
  }
}

TEST_F(NetworkFiles, RefusesACheckpointOfAnotherTraining) {
  const TrainingFiles files{
      .checkpoint = folder_ / "c.safetensors", .resume = true, .identity = "this data"};
  Notebook first(2);
  EXPECT_THROW(train(short_training(), files, {.observer = &first}), Interrupted);
  NetworkOptions other = short_training();
  other.learning_rate = 0.3;
  expect_error<InvalidArgument>([&] { train(other, files); },
                                {"c.safetensors", "another training"});
  TrainingFiles elsewhere = files;
  elsewhere.identity = "other data";
  expect_error<InvalidArgument>([&] { train(short_training(), elsewhere); }, {"another training"});
}

TEST_F(NetworkFiles, StartsFromWeights) {
  const auto path = folder_ / "w.safetensors";
  NetworkOptions options = short_training();
  options.iterations = 60;
  const NetworkResult trained = train(options, {.weights = path});
  EXPECT_LT(trained.test_error, 0.1);
  options.iterations = 1;
  options.learning_rate = 1e-6;
  EXPECT_EQ(train(options, {.initial = path}).test_error, trained.test_error);
  EXPECT_GT(train(options).test_error, 0.4);
}

TEST_F(NetworkFiles, LearnsFromATeacherWithoutLabels) {
  const auto path = folder_ / "teacher.safetensors";
  NetworkOptions options = short_training();
  options.iterations = 80;
  const NetworkResult teacher = train(options, {.weights = path});
  ASSERT_LT(teacher.test_error, 0.1);
  // Labels that say nothing: only the teacher knows.
  RandomStream random(Seed{9}, "labels");
  for (std::int32_t& label : images_.labels) label = static_cast<std::int32_t>(random.below(4));
  EXPECT_GT(train(options).test_error, 0.4);
  options.distill_weight = 1.0;
  EXPECT_LT(train(options, {.teacher = path}).test_error, 0.15);
  expect_error<BadFile>([&] { train(options, {.teacher = folder_ / "absent.safetensors"}); },
                        {"absent.safetensors"});
}

TEST_F(NetworkFiles, EveryNetworkLearns) {
  const Quadrants images(48, {8, 8, 3}, Seed{1});
  std::vector<std::int64_t> ids(48);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  for (const auto model : {NetworkModel::resnet20, NetworkModel::resnet18, NetworkModel::vit_ti}) {
    const bool vit = model == NetworkModel::vit_ti;
    const NetworkOptions options{.model = model,
                                 .patch_size = 2,
                                 .iterations = 40,
                                 .batch_size = 16,
                                 .optimizer = vit ? Optimizer::adamw : Optimizer::sgd,
                                 .learning_rate = vit ? 3e-4 : 0.02,
                                 .flip = false,
                                 .crop_padding = 0};
    const NetworkResult result = trainer_->train(images.view(), ids, images.view(), options);
    EXPECT_LT(result.test_error, 0.3) << enum_name(model);
  }
}

/// A dataset of the same images, read anew each time.
class Streamed final : public io::Dataset {
 public:
  explicit Streamed(const Quadrants& images) : images_(images) {}
  std::int64_t size() const override { return images_.view().size(); }
  std::string key(std::int64_t id) const override { return std::to_string(id); }
  bool has_images() const override { return true; }
  io::ImageShape image_shape() const override { return images_.shape; }
  void read_images(std::span<const std::int64_t> ids, std::span<std::uint8_t> out) const override {
    const std::int64_t size = images_.shape.size();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::copy_n(images_.pixels.begin() + ids[i] * size, size,
                  out.begin() + static_cast<std::int64_t>(i) * size);
    }
  }
  io::EncodedImage encoded_image(std::int64_t /*id*/) const override { return {}; }

 private:
  const Quadrants& images_;
};

TEST_F(NetworkFiles, ImagesThatAreReadWhileTrainingGiveTheSameBits) {
  const Streamed streamed(images_);
  const LabelledImages lazy{
      .pixels = {}, .shape = images_.shape, .labels = images_.labels, .dataset = &streamed};
  const NetworkResult result = trainer_->train(lazy, ids_, test_.view(), short_training());
  EXPECT_EQ(result.train_loss, train(short_training()).train_loss);
}

}  // namespace
}  // namespace winnow::train
