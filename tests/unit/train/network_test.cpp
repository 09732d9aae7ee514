#include "winnow/train/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "unit/support.hpp"
#include "unit/train/quadrants.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {
namespace {

using ::testing::HasSubstr;

std::vector<std::int64_t> all(std::int64_t n) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  return ids;
}

class Network : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      trainer_ = load_network_trainer();
    } catch (const NotAvailable& error) {
      GTEST_SKIP() << error.what();
    }
  }
  NetworkResult train(const Quadrants& images, const Quadrants& test, NetworkOptions options) {
    return trainer_->train(images.view(), all(images.view().size()), test.view(), options);
  }

  std::unique_ptr<NetworkTrainer> trainer_;
};

/// A quadrant tells its class only as long as nothing is mirrored.
NetworkOptions short_training(std::int64_t iterations = 60) {
  return {.iterations = iterations, .batch_size = 48, .flip = false, .crop_padding = 1};
}

TEST_F(Network, LearnsWhatCanBeLearned) {
  const Quadrants images(400, {12, 10, 3}, Seed{1});
  const Quadrants test(150, {12, 10, 3}, Seed{2});
  const NetworkResult result = train(images, test, short_training());
  EXPECT_LT(result.test_error, 0.02);
  EXPECT_EQ(result.test_correct.size(), 150U);
  EXPECT_EQ(result.iterations, 60);
  EXPECT_DOUBLE_EQ(result.epochs_seen, 60.0 * 48.0 / 400.0);
  ASSERT_EQ(result.train_loss.size(), 8U);
  EXPECT_LT(result.train_loss.back(), 0.2);
  EXPECT_GT(result.train_loss.front(), result.train_loss.back());
}

TEST_F(Network, GuessesWhereLabelsAreRandom) {
  const Quadrants images(200, {8, 8, 1}, Seed{1});
  Quadrants test(400, {8, 8, 1}, Seed{2});
  RandomStream random(Seed{3}, "labels");
  for (std::int32_t& label : test.labels) label = static_cast<std::int32_t>(random.below(4));
  // Whatever is predicted is wrong with probability 0.75; 5 standard errors of 400 trials: 0.108.
  EXPECT_NEAR(train(images, test, short_training(20)).test_error, 0.75, 0.108);
}

TEST_F(Network, Resnet8HasTheParametersCountedByHand) {
  // stem 9 c 16; stage 1: 2 x 9 16 16; stage 2: 9 16 32 + 9 32 32 + 16 32; stage 3: 9 32 64 +
  // 9 64 64 + 32 64; a scale and a shift for 3 x 16, 3 x 32 and 3 x 64 channels; dense 64 x 4 + 4.
  const std::int64_t without_stem = 4608 + 14336 + 57344 + 2 * (48 + 96 + 192) + 260;
  for (const int channels : {1, 3}) {
    const Quadrants images(40, {8, 8, channels}, Seed{1});
    EXPECT_EQ(train(images, images, short_training(1)).n_parameters, without_stem + 144 * channels);
  }
}

TEST_F(Network, SameSeedSameResultForAnyThreadCountAloneOrInParallel) {
  const Quadrants images(150, {9, 11, 1}, Seed{1});
  NetworkOptions options = short_training(6);
  options.batch_size = 70;
  const int threads_before = thread_count();
  std::vector<NetworkResult> results;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    results.push_back(train(images, images, options));
  }
  set_thread_count(2);
  std::vector<NetworkResult> side_by_side(2);
  parallel_blocks(2, silent(), [&](std::int64_t block) {
    side_by_side[static_cast<std::size_t>(block)] = train(images, images, options);
  });
  set_thread_count(threads_before);
  results.insert(results.end(), side_by_side.begin(), side_by_side.end());
  for (const NetworkResult& result : results) {
    EXPECT_EQ(result.train_loss, results[0].train_loss);
    EXPECT_EQ(result.gradient_norm, results[0].gradient_norm);
    EXPECT_EQ(result.test_correct, results[0].test_correct);
  }
  options.seed = Seed{1};
  EXPECT_NE(train(images, images, options).train_loss, results[0].train_loss);
}

TEST_F(Network, LeavesTheCallersThreadCountAlone) {
  const int before = omp_get_max_threads();
  const Quadrants images(20, {8, 8, 1}, Seed{1});
  train(images, images, short_training(1));
  EXPECT_EQ(omp_get_max_threads(), before);
}

TEST_F(Network, BothPrecisionsAgree) {
  const Quadrants images(200, {8, 8, 1}, Seed{1});
  NetworkOptions options = short_training(3);
  options.precision = Precision::float32;
  const NetworkResult single = train(images, images, options);
  EXPECT_EQ(single.precision, Precision::float32);
  options.precision = Precision::bf16;
  try {
    const NetworkResult half = train(images, images, options);
    EXPECT_EQ(half.precision, Precision::bf16);
    EXPECT_NE(half.train_loss, single.train_loss);
    // The first steps' loss, with 8 bits of mantissa.
    EXPECT_NEAR(half.train_loss[0], single.train_loss[0], 0.05);
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("AVX-512"));
  }
}

TEST_F(Network, CanBeCancelled) {
  const Quadrants images(50, {8, 8, 1}, Seed{1});
  winnow::testing::StoppingProgress progress(2);
  EXPECT_THROW(
      trainer_->train(images.view(), all(50), images.view(), short_training(), {}, {}, progress),
      Interrupted);
  EXPECT_EQ(progress.count(), 2);
}

TEST_F(Network, NamesWhatIsWrong) {
  const Quadrants images(50, {8, 8, 1}, Seed{1});
  const Quadrants small(50, {8, 7, 1}, Seed{1});
  const Quadrants large(50, {8, 9, 1}, Seed{1});
  const auto message = [&](const LabelledImages& train, std::vector<std::int64_t> subset,
                           const LabelledImages& test, const NetworkOptions& options) {
    try {
      trainer_->train(train, subset, test, options);
    } catch (const InvalidArgument& error) {
      return std::string(error.what());
    }
    return std::string("nothing thrown");
  };
  const LabelledImages good = images.view();
  EXPECT_THAT(message(small.view(), all(5), small.view(), {}), HasSubstr("8 x 7"));
  EXPECT_THAT(message(good, all(5), large.view(), {}), HasSubstr("8 x 9 x 1"));
  EXPECT_THAT(message(good, {3}, good, {}), HasSubstr("the subset has 1 examples"));
  EXPECT_THAT(message(good, {3, 50}, good, {}), HasSubstr("position 1 is id 50"));
  EXPECT_THAT(message(good, all(5), good, {.batch_size = 1}), HasSubstr("batch-size = 1"));
  EXPECT_THAT(message(good, all(5), good, {.crop_padding = 8}), HasSubstr("crop-padding = 8"));
  EXPECT_THAT(message({good.pixels.first(63), good.shape, good.labels}, all(5), good, {}),
              HasSubstr("63 bytes of pixels; expected 3200"));
}

TEST(PlannedIterations, CountsPassesInWholeBatches) {
  EXPECT_EQ(planned_iterations({.epochs = 3, .batch_size = 100}, 1000), 30);
  EXPECT_EQ(planned_iterations({.epochs = 3, .batch_size = 128}, 1000), 24);
  EXPECT_EQ(planned_iterations({.epochs = 3, .batch_size = 128}, 50), 3);
  EXPECT_EQ(planned_iterations({.epochs = 2.5, .batch_size = 100}, 1000), 25);
  EXPECT_EQ(planned_iterations({.epochs = 1e-6, .batch_size = 100}, 1000), 1);
  EXPECT_EQ(planned_iterations({.iterations = 7, .epochs = 3}, 1000), 7);
}

TEST(LoadNetworkTrainer, SaysHowToGetAMissingPlugin) {
  const char* before = std::getenv("WINNOW_PLUGIN_DIR");
  const std::string saved = before == nullptr ? "" : before;
  setenv("WINNOW_PLUGIN_DIR", WINNOW_FIXTURES, 1);
  try {
    load_network_trainer();
    ADD_FAILURE() << "nothing thrown";
  } catch (const NotAvailable& error) {
    EXPECT_THAT(error.what(), HasSubstr("install libtorch-dev"));
    EXPECT_THAT(error.what(), HasSubstr(WINNOW_FIXTURES));
  }
  before == nullptr ? unsetenv("WINNOW_PLUGIN_DIR") : setenv("WINNOW_PLUGIN_DIR", saved.c_str(), 1);
}

}  // namespace
}  // namespace winnow::train
