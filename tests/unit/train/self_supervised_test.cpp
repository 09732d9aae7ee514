#include "winnow/train/self_supervised.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "unit/embedding/synthetic.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::train {
namespace {

using embedding::Stripes;
using winnow::testing::expect_error;
using winnow::testing::StoppingProgress;
using winnow::testing::TempFolder;
using winnow::testing::Threads;
using winnow::testing::values_of;

/// 150 images in batches of 48: a pass takes a little more than three steps.
SelfSupervisedOptions short_training(SelfSupervision method) {
  return {.method = method,
          .epochs = 3,
          .batch_size = 48,
          .hidden = 32,
          .outputs = 16,
          .small_crops = 1,
          .prototypes = 8,
          .precision = Precision::float32,
          .seed = Seed{2}};
}

/// Keeps what it is told.
class Notebook final : public SelfSupervisedObserver {
 public:
  std::vector<SelfSupervisedPass> passes;
  std::vector<float> references;
  std::vector<float> queries;
  std::int64_t resumed_at = -1;

  void pass(const SelfSupervisedPass& summary, MatrixView<const float> reference_rows,
            MatrixView<const float> query_rows) override {
    passes.push_back(summary);
    references = values_of(reference_rows);
    queries = values_of(query_rows);
  }
  void resumed(std::int64_t n_passes) override { resumed_at = n_passes; }
};

/// Cancels the training as soon as a pass was told of.
class StopAfter final : public Progress {
 public:
  StopAfter(const Notebook& notebook, std::size_t passes) : notebook_(notebook), passes_(passes) {}
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {}
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view /*message*/) override {}
  bool cancelled() const noexcept override { return notebook_.passes.size() >= passes_; }

 private:
  const Notebook& notebook_;
  std::size_t passes_;
};

Matrix<float> rows_of(const NetworkEncoder& encoder, const io::Dataset& data) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(data.size()));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  std::vector<std::uint8_t> pixels(
      static_cast<std::size_t>(data.size() * data.image_shape().size()));
  data.read_images(ids, pixels);
  return encoder.encode({pixels, data.image_shape()}, NetworkFeatures::last);
}

class SelfSupervised : public ::testing::TestWithParam<SelfSupervision> {
 protected:
  void SetUp() override {
    try {
      trainer_ = load_self_supervised_trainer();
    } catch (const NotAvailable& error) {
      GTEST_SKIP() << error.what();
    }
  }

  Stripes images_{150, {12, 10, 3}, 1};
  Stripes test_{30, {12, 10, 3}, 2};
  std::unique_ptr<SelfSupervisedTrainer> trainer_;
};

TEST_P(SelfSupervised, LossFallsAndImagesStayApart) {
  SelfSupervisedOptions options = short_training(GetParam());
  options.epochs = 12;
  const auto result = trainer_->train(images_, options);
  ASSERT_EQ(result.loss.size(), 12U);
  EXPECT_LT(result.loss.back(), result.loss.front() - 0.1);
  EXPECT_GT(result.spread.back(), 0.3);
  EXPECT_FALSE(result.collapsed);
  EXPECT_EQ(result.iterations, 38);  // ceil(12 x 150 / 48)
  EXPECT_EQ(result.encoder->dimensions(NetworkFeatures::last), 64);
  EXPECT_EQ(result.encoder->model(), "resnet8");
}

TEST_P(SelfSupervised, SameBitsForAnyNumberOfThreads) {
  std::vector<std::vector<float>> rows;
  for (const int count : {1, 2, 3}) {
    const Threads threads(count);
    rows.push_back(
        values_of(rows_of(*trainer_->train(images_, short_training(GetParam())).encoder, test_)));
  }
  EXPECT_EQ(rows[1], rows[0]);
  EXPECT_EQ(rows[2], rows[0]);
  SelfSupervisedOptions other = short_training(GetParam());
  other.seed = Seed{3};
  EXPECT_NE(values_of(rows_of(*trainer_->train(images_, other).encoder, test_)), rows[0]);
}

TEST_P(SelfSupervised, GoesOnFromACheckpointToTheSameBits) {
  const TempFolder folder;
  SelfSupervisedOptions options = short_training(GetParam());
  options.epochs = 4;
  options.queue = 60;
  options.queue_start = 1;
  const auto whole = trainer_->train(images_, options);
  const SelfSupervisedFiles files{.checkpoint = folder / "c.safetensors", .resume = true};
  Notebook notebook;
  StopAfter stop(notebook, 2);
  EXPECT_THROW(trainer_->train(images_, options, files, {.observer = &notebook}, stop),
               Interrupted);
  Notebook later;
  const auto resumed = trainer_->train(images_, options, files, {.observer = &later});
  // The checkpoint that follows the second pass may or may not have been written.
  EXPECT_GE(later.resumed_at, 1);
  EXPECT_EQ(static_cast<std::size_t>(later.resumed_at) + later.passes.size(), 4U);
  EXPECT_EQ(resumed.loss, whole.loss);
  EXPECT_EQ(resumed.spread, whole.spread);
  EXPECT_EQ(values_of(rows_of(*resumed.encoder, test_)), values_of(rows_of(*whole.encoder, test_)));
  // Nothing is left to do: the same again.
  const auto again = trainer_->train(images_, options, files);
  EXPECT_EQ(values_of(rows_of(*again.encoder, test_)), values_of(rows_of(*whole.encoder, test_)));
  options.jitter = 0.1;
  expect_error<InvalidArgument>([&] { trainer_->train(images_, options, files); },
                                {"c.safetensors", "another training", "--force"});
  options.jitter = 0.4;
  expect_error<InvalidArgument>([&] { trainer_->train(test_, options, files); },
                                {"c.safetensors", "another training"});
}

TEST_P(SelfSupervised, TellsOfEveryPassWithEmbeddings) {
  Notebook notebook;
  const std::vector<std::int64_t> references{3, 140, 7};
  const std::vector<std::int64_t> queries{29, 0};
  const auto result = trainer_->train(
      images_, short_training(GetParam()), {},
      {.observer = &notebook, .references = references, .test = &test_, .queries = queries});
  ASSERT_EQ(notebook.passes.size(), 3U);
  for (std::size_t p = 0; p < 3; ++p) {
    EXPECT_EQ(notebook.passes[p].epoch, static_cast<std::int64_t>(p) + 1);
    EXPECT_EQ(notebook.passes[p].loss, result.loss[p]);
    EXPECT_EQ(notebook.passes[p].spread, result.spread[p]);
  }
  EXPECT_EQ(notebook.passes.back().iteration, result.iterations);
  const Matrix<float> train = rows_of(*result.encoder, images_);
  const Matrix<float> test = rows_of(*result.encoder, test_);
  ASSERT_EQ(notebook.references.size(), 3U * 64U);
  // Of another block of images, the last bits may differ.
  for (std::int64_t j = 0; j < 64; ++j) {
    EXPECT_NEAR(notebook.references[static_cast<std::size_t>(64 + j)], train(140, j), 1e-4);
    EXPECT_NEAR(notebook.queries[static_cast<std::size_t>(j)], test(29, j), 1e-4);
  }
}

TEST_P(SelfSupervised, WeightsAreReadBack) {
  const TempFolder folder;
  const auto result = trainer_->train(images_, short_training(GetParam()));
  result.encoder->save(folder / "w.safetensors");
  const auto loaded = load_network_encoder(folder / "w.safetensors");
  EXPECT_EQ(loaded->shape(), images_.image_shape());
  const Matrix<float> before = rows_of(*result.encoder, test_);
  const Matrix<float> after = rows_of(*loaded, test_);
  // Loaded networks compute as the machine does fastest, perhaps with 8 bits of mantissa.
  for (std::int64_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(after.data()[i], before.data()[i], 0.05) << i;
  }
  expect_error<InvalidArgument>(
      [&] {
        rows_of(*loaded, Stripes(5, {12, 12, 3}, 1));
      },
      {"12 x 12", "12 x 10", "--image-size"});
}

TEST_P(SelfSupervised, SeesACollapse) {
  // Black images differ in no view.
  class Black final : public embedding::SyntheticDataset {
   public:
    Black() {
      name_ = "black";
      seal();
    }
    std::int64_t size() const override { return 20; }
    bool has_images() const override { return true; }
    io::ImageShape image_shape() const override { return {8, 8, 1}; }
    void read_images(std::span<const std::int64_t> /*ids*/,
                     std::span<std::uint8_t> out) const override {
      std::ranges::fill(out, std::uint8_t{0});
    }
  };
  const auto result = trainer_->train(Black(), short_training(GetParam()));
  EXPECT_TRUE(result.collapsed);
  EXPECT_LT(result.spread.back(), 0.01);
}

TEST_P(SelfSupervised, CanBeCancelled) {
  StoppingProgress progress(152);  // 150 images read, two steps
  EXPECT_THROW(trainer_->train(images_, short_training(GetParam()), {}, {}, progress), Interrupted);
}

TEST_P(SelfSupervised, NamesWhatIsWrong) {
  const auto refuse = [&](const io::Dataset& data, const SelfSupervisedOptions& options,
                          const std::vector<std::string>& parts) {
    expect_error<InvalidArgument>([&] { trainer_->train(data, options); }, parts);
  };
  SelfSupervisedOptions options = short_training(GetParam());
  refuse(Stripes(1, {8, 8, 1}, 1), options, {"1 images", "at least two"});
  refuse(Stripes(9, {8, 7, 1}, 1), options, {"8 x 7", "8 x 8"});
  refuse(embedding::Vectors(winnow::testing::normal_matrix(5, 3, 1)), options,
         {"vectors", "--encoder pixels"});
  options.small_crop_size = 11;
  refuse(images_, options, {"ssl-small-crop-size = 11", "[8, 10]"});
  options = short_training(GetParam());
  options.weight_decay = -0.5;
  refuse(images_, options, {"ssl-weight-decay = -0.5"});
  options = short_training(GetParam());
  options.learning_rate = 1e30;
  options.epochs = 20;
  expect_error<WorkFailed>([&] { trainer_->train(images_, options); },
                           {"the loss of step", "--ssl-learning-rate"});
  const std::vector<std::int64_t> outside{150};
  expect_error<InvalidArgument>(
      [&] { trainer_->train(images_, short_training(GetParam()), {}, {.references = outside}); },
      {"150"});
}

INSTANTIATE_TEST_SUITE_P(Methods, SelfSupervised,
                         ::testing::Values(SelfSupervision::swav, SelfSupervision::simclr),
                         [](const auto& method) { return std::string(enum_name(method.param)); });

TEST(SelfSupervisedOptions, SmallViewsNeedRoomAndANetworkThatTakesThem) {
  SelfSupervisedOptions options;
  options.crop_scale = 0.05;
  expect_error<InvalidArgument>([&] { options.validate(); },
                                {"ssl-small-crop-scale = 0.15", "ssl-crop-scale = 0.05"});
  options = {};
  options.network = NetworkModel::vit_ti;
  expect_error<InvalidArgument>(
      [&] {
        (void)resolve(options, {32, 32, 3}, 100);
      },
      {"vit-ti", "--ssl-small-crops 0"});
  options.small_crops = 0;
  EXPECT_EQ(resolve(options, {32, 32, 3}, 100).batch_size, 100);
}

TEST(LoadNetworkEncoder, RefusesWhatIsNoNetwork) {
  const TempFolder folder;
  expect_error<BadFile>([&] { (void)load_network_encoder(folder / "none.safetensors"); },
                        {"none.safetensors", "no such file"});
  write_file(folder / "text.safetensors", "weights");
  try {
    expect_error<BadFile>([&] { (void)load_network_encoder(folder / "text.safetensors"); },
                          {"text.safetensors"});
  } catch (const NotAvailable& error) {
    GTEST_SKIP() << error.what();
  }
}

}  // namespace
}  // namespace winnow::train
