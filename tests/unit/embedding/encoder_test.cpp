#include "winnow/embedding/encoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "unit/embedding/synthetic.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {
namespace {

using testing::expect_error;
using testing::matrix_of;
using testing::StoppingProgress;
using testing::Threads;
using testing::values_of;

constexpr io::ImageShape grey{10, 8, 1};

EncoderOptions patch_kmeans() {
  return {.dimensions = 12,
          .patch_size = 4,
          .words = 10,
          .patches = 600,
          .dictionary_iterations = 4,
          .fit_images = 1000,
          .seed = Seed{5}};
}

Matrix<float> embed(const io::Dataset& data, const EncoderOptions& options) {
  return fit_encoder(data, options)->encode(data);
}

TEST(PatchKMeans, NumbersAreUncorrelatedAndOfNoMoreThanUnitVariance) {
  const Matrix<float> rows = embed(Stripes(300, grey, 1), patch_kmeans());
  ASSERT_EQ(rows.rows(), 300);
  ASSERT_EQ(rows.cols(), 12);
  const std::vector<double> mean = numerics::column_means(rows);
  const Matrix<double> covariance = numerics::covariance(rows, mean);
  for (std::int64_t i = 0; i < 12; ++i) {
    EXPECT_NEAR(mean[static_cast<std::size_t>(i)], 0.0, 1e-4);
    EXPECT_LE(covariance(i, i), 1.001);
    if (i > 0) {
      EXPECT_LE(covariance(i, i), covariance(i - 1, i - 1) + 1e-3) << "strongest first";
    }
    for (std::int64_t j = 0; j < i; ++j) EXPECT_NEAR(covariance(i, j), 0.0, 1e-3);
  }
  EXPECT_GT(covariance(0, 0), 0.9) << "the strongest is whitened in full";
}

TEST(PatchKMeans, SeesTheClassesThatPixelsBarelySee) {
  const Stripes data(200, grey, 2);
  const Matrix<float> rows = numerics::normalize_rows(embed(data, patch_kmeans()));
  double same = 0.0;
  double other = 0.0;
  for (std::int64_t i = 0; i < 200; ++i) {
    for (std::int64_t j = 0; j < i; ++j) {
      const double cosine = numerics::dot(rows.row(i), rows.row(j));
      const bool equal =
          data.labels()[static_cast<std::size_t>(i)] == data.labels()[static_cast<std::size_t>(j)];
      (equal ? same : other) += cosine / 20'000;
    }
  }
  EXPECT_GT(same, other + 0.05);
}

TEST(PatchKMeans, DimensionsAreAtMostTheCodesAndTheExamples) {
  EncoderOptions options = patch_kmeans();
  EXPECT_EQ(fit_encoder(Stripes(100, grey, 3), options)->dimensions(), 12);
  options.dimensions = 1000;
  EXPECT_EQ(fit_encoder(Stripes(100, grey, 3), options)->dimensions(), 4 * 10);
  EXPECT_EQ(fit_encoder(Stripes(9, grey, 3), options)->dimensions(), 9);
}

TEST(PatchKMeans, SameBitsForAnyNumberOfThreads) {
  const Stripes data(150, grey, 4);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    results.push_back(values_of(embed(data, patch_kmeans())));
  }
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

TEST(PatchKMeans, TheSeedDecides) {
  const Stripes data(60, grey, 5);
  EncoderOptions options = patch_kmeans();
  const auto first = values_of(embed(data, options));
  EXPECT_EQ(values_of(embed(data, options)), first);
  options.seed = Seed{6};
  EXPECT_NE(values_of(embed(data, options)), first);
}

TEST(PatchKMeans, EncodesImagesItWasNotFittedOn) {
  const Stripes data(60, grey, 6);
  const auto encoder = fit_encoder(data, patch_kmeans());
  const Matrix<float> whole = encoder->encode(data);
  EXPECT_EQ(values_of(encoder->encode(data)), values_of(whole));
  const Matrix<float> others = encoder->encode(Stripes(7, grey, 7));
  EXPECT_EQ(others.rows(), 7);
  EXPECT_NE(values_of(others), values_of(whole.view().block(0, 7)));
}

TEST(PatchKMeans, EncodersOfOneThreadDoNotDisturbEachOther) {
  const Stripes data(60, grey, 13);
  const Threads guard(1);
  EncoderOptions larger = patch_kmeans();
  larger.words = 30;
  std::vector<float> alone;
  std::vector<float> after_another;
  std::thread([&] { alone = values_of(embed(data, larger)); }).join();
  std::thread([&] {
    embed(data, patch_kmeans());
    after_another = values_of(embed(data, larger));
  }).join();
  EXPECT_EQ(after_another, alone);
}

TEST(PatchKMeans, RejectsWhatItCannotRead) {
  const Stripes data(40, grey, 8);
  EncoderOptions options = patch_kmeans();
  options.patch_size = 9;
  expect_error<InvalidArgument>([&] { fit_encoder(data, options); }, {"patch-size = 9", "10 x 8"});
  options.patch_size = 1;
  expect_error<InvalidArgument>([&] { fit_encoder(data, options); }, {"patch-size = 1"});
  options = patch_kmeans();
  options.words = 601;
  expect_error<InvalidArgument>([&] { fit_encoder(data, options); }, {"words = 601", "600"});
  expect_error<InvalidArgument>(
      [] {
        fit_encoder(Vectors(matrix_of(2, 1, {1, 2})), patch_kmeans());
      },
      {"vectors", "needs images", "--encoder pixels"});
  const auto encoder = fit_encoder(data, patch_kmeans());
  expect_error<InvalidArgument>(
      [&] {
        encoder->encode(Stripes(2, {8, 10, 1}, 9));
      },
      {"stripes", "8 x 10 x 1", "10 x 8 x 1"});
}

TEST(PatchKMeans, CanBeCancelled) {
  StoppingProgress progress(100);
  EXPECT_THROW(fit_encoder(Stripes(50, grey, 10), patch_kmeans(), progress), Interrupted);
}

TEST(Pixels, AreSharesOfWhiteMinusTheirMean) {
  const Stripes data(50, grey, 11);
  const auto encoder = fit_encoder(data, {.encoder = EncoderKind::pixels});
  EXPECT_EQ(encoder->dimensions(), 80);
  const Matrix<float> rows = encoder->encode(data);
  for (std::size_t j = 0; j < 80; ++j) {
    double mean = 0.0;
    for (std::int64_t i = 0; i < 50; ++i) mean += data.image(i)[j] / 255.0 / 50.0;
    for (std::int64_t i = 0; i < 50; ++i) {
      ASSERT_NEAR(rows(i, static_cast<std::int64_t>(j)), data.image(i)[j] / 255.0 - mean, 1e-6);
    }
  }
}

TEST(Pixels, KeepTheMeanTheyWereFittedWith) {
  const auto encoder =
      fit_encoder(Vectors(matrix_of(2, 2, {1, 10, 3, 30})), {.encoder = EncoderKind::pixels});
  EXPECT_EQ(values_of(encoder->encode(Vectors(matrix_of(1, 2, {5, 5})))),
            (std::vector<float>{3, -15}));
  expect_error<InvalidArgument>(
      [&] {
        encoder->encode(Vectors(matrix_of(1, 3, {1, 2, 3})));
      },
      {"vectors", "3 numbers", "fitted on 2"});
}

TEST(EncoderOptions, NameTheFieldThatIsWrong) {
  const Stripes data(10, grey, 12);
  const auto with = [&](auto change) {
    return [&data, change] {
      EncoderOptions options = patch_kmeans();
      change(options);
      fit_encoder(data, options);
    };
  };
  expect_error<InvalidArgument>(with([](auto& o) { o.dimensions = 0; }), {"dimensions = 0"});
  expect_error<InvalidArgument>(with([](auto& o) { o.words = 1; }), {"words = 1"});
  expect_error<InvalidArgument>(with([](auto& o) { o.patches = 1; }), {"patches = 1"});
  expect_error<InvalidArgument>(with([](auto& o) { o.fit_images = 1; }), {"fit-images = 1"});
  expect_error<InvalidArgument>(with([](auto& o) { o.dictionary_iterations = 0; }),
                                {"dictionary-iterations = 0"});
}

}  // namespace
}  // namespace winnow::embedding
