// Encoders that are networks: learned here without labels, or read from weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "unit/embedding/synthetic.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/embedding/encoder.hpp"
#include "winnow/numerics/symmetric_eigen.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {
namespace {

using testing::expect_error;
using testing::TempFolder;
using testing::values_of;

constexpr io::ImageShape shape{10, 8, 1};

EncoderOptions short_training(EncoderKind kind) {
  EncoderOptions options{.encoder = kind, .check_images = 60, .seed = Seed{5}};
  options.learning.epochs = 2;
  options.learning.batch_size = 40;
  options.learning.hidden = 16;
  options.learning.outputs = 8;
  options.learning.small_crops = 1;
  options.learning.prototypes = 6;
  return options;
}

std::vector<std::vector<std::string>> table_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

/// Warnings only.
class Warnings final : public Progress {
 public:
  std::vector<std::string> texts;
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {}
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view message) override { texts.emplace_back(message); }
};

class Learned : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      fit_encoder(Stripes(16, shape, 1), [] {
        EncoderOptions options = short_training(EncoderKind::simclr);
        options.learning.epochs = 0.1;
        return options;
      }());
    } catch (const NotAvailable& error) {
      GTEST_SKIP() << error.what();
    }
  }

  TempFolder folder_;
  Stripes data_{120, shape, 1};
  Stripes test_{70, shape, 2};
};

TEST_F(Learned, WritesACurveAndWeightsThatGiveTheSameEmbeddings) {
  const FitContext context{.test = &test_,
                           .checkpoint = folder_ / "c.safetensors",
                           .curves = folder_ / "curves.csv",
                           .weights = folder_ / "w.safetensors"};
  const EncoderOptions options = short_training(EncoderKind::swav);
  const auto encoder = fit_encoder(data_, options, silent(), context);
  const Matrix<float> rows = encoder->encode(data_);
  EXPECT_EQ(rows.cols(), 120);  // of 4 (64 + 32), but no more than there are examples
  EXPECT_EQ(encoder->details().at("network"), "resnet8");
  EXPECT_EQ(encoder->details().at("weights"), "w.safetensors");
  const auto table = table_of(read_file(folder_ / "curves.csv"));
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table[0].back(), "knn_accuracy");
  for (std::size_t pass = 1; pass < 3; ++pass) {
    EXPECT_EQ(table[pass].front(), std::to_string(pass));
    const double accuracy = std::stod(table[pass].back());
    EXPECT_GT(accuracy, 0.3);
    EXPECT_LE(accuracy, 1.0);
    // 60 queries.
    EXPECT_NEAR(accuracy * 60, std::round(accuracy * 60), 1e-9);
  }
  EXPECT_EQ(values_of(fit_encoder(data_, options)->encode(data_)), values_of(rows));

  EncoderOptions from_file{.encoder = EncoderChoice(folder_ / "w.safetensors")};
  EXPECT_EQ(from_file.encoder.kind, EncoderKind::network);
  const auto loaded = fit_encoder(data_, from_file);
  EXPECT_EQ(values_of(loaded->encode(data_)), values_of(rows));
  EXPECT_EQ(loaded->details().at("encoder_file"), (folder_ / "w.safetensors").string());
  // Ranges that begin at a group give the bits of the whole.
  Matrix<float> part(120 - loaded->group_size(), rows.cols());
  loaded->encode(data_, loaded->group_size(), part, silent());
  const std::vector<float> all = values_of(rows);
  EXPECT_EQ(values_of(part),
            std::vector<float>(all.begin() + loaded->group_size() * rows.cols(), all.end()));
  const Stripes large(5, {16, 16, 1}, 1);
  expect_error<InvalidArgument>([&] { fit_encoder(large, from_file); },
                                {"16 x 16", "10 x 8", "--image-size"});
}

/// Whitened rows have no mean and variances L / (L + r mean(L)), where L are those of plain rows.
TEST_F(Learned, RowsAreWhitened) {
  const FitContext context{.weights = folder_ / "w.safetensors"};
  fit_encoder(data_, short_training(EncoderKind::simclr), silent(), context);
  EncoderOptions options{.encoder = EncoderChoice(folder_ / "w.safetensors")};
  options.features = NetworkFeatures::last;
  options.whiten = 0.0;
  const Matrix<float> plain = fit_encoder(data_, options)->encode(data_);
  ASSERT_EQ(plain.cols(), 64);
  const auto variances =
      numerics::largest_eigenpairs(numerics::covariance(plain, numerics::column_means(plain)), 64)
          .values;
  const double mean_variance = std::accumulate(variances.begin(), variances.end(), 0.0) / 64;
  options.whiten = 0.2;
  const Matrix<float> rows = fit_encoder(data_, options)->encode(data_);
  ASSERT_EQ(rows.cols(), 64);
  const auto means = numerics::column_means(rows);
  const Matrix<double> covariance = numerics::covariance(rows, means);
  for (std::int64_t i = 0; i < 64; ++i) {
    const double variance = variances[static_cast<std::size_t>(i)];
    EXPECT_NEAR(means[static_cast<std::size_t>(i)], 0.0, 1e-4);
    EXPECT_NEAR(covariance(i, i), variance / (variance + 0.2 * mean_variance), 1e-3);
    for (std::int64_t j = 0; j < i; ++j) EXPECT_NEAR(covariance(i, j), 0.0, 1e-3);
  }
  // Only the strongest directions are kept; the same as before.
  options.dimensions = 5;
  const Matrix<float> few = fit_encoder(data_, options)->encode(data_);
  ASSERT_EQ(few.cols(), 5);
  // Their mean variance is larger than that of all 64, which the share is of.
  EXPECT_LT(std::abs(few(3, 0)), std::abs(rows(3, 0)));
  options.whiten = -2.0;
  expect_error<InvalidArgument>([&] { fit_encoder(data_, options); }, {"whiten = -2"});
}

TEST_F(Learned, ResumedRunsKeepTheirCurve) {
  FitContext context{
      .checkpoint = folder_ / "c.safetensors", .curves = folder_ / "curves.csv", .resume = true};
  const EncoderOptions options = short_training(EncoderKind::simclr);
  const auto rows = values_of(fit_encoder(data_, options, silent(), context)->encode(test_));
  const std::string curve = read_file(context.curves);
  // Left-one-out: no test set.
  EXPECT_FALSE(table_of(curve).back().back().empty());
  EXPECT_EQ(values_of(fit_encoder(data_, options, silent(), context)->encode(test_)), rows);
  EXPECT_EQ(read_file(context.curves), curve);
  write_file(context.curves, curve.substr(0, curve.find('\n') + 1));
  expect_error<BadFile>([&] { fit_encoder(data_, options, silent(), context); },
                        {"curves.csv", "0 passes", "--force"});
}

TEST_F(Learned, ChecksNoNeighboursWhenToldNotTo) {
  EncoderOptions options = short_training(EncoderKind::simclr);
  options.check_images = 0;
  const FitContext context{.test = &test_, .curves = folder_ / "curves.csv"};
  fit_encoder(data_, options, silent(), context);
  const std::string curve = read_file(folder_ / "curves.csv");
  EXPECT_EQ(table_of(curve).size(), 3U);
  EXPECT_TRUE(curve.ends_with(",\n"));
}

TEST_F(Learned, WarnsOfACollapse) {
  class Black final : public SyntheticDataset {
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
  Warnings warnings;
  fit_encoder(Black(), short_training(EncoderKind::swav), warnings);
  ASSERT_EQ(warnings.texts.size(), 1U);
  EXPECT_NE(warnings.texts[0].find("collapsed"), std::string::npos);
}

TEST(EncoderChoiceOfNetworks, IsToldByItsName) {
  EXPECT_EQ(EncoderChoice::parse("encoder", "swav").kind, EncoderKind::swav);
  EXPECT_TRUE(EncoderChoice::parse("encoder", "simclr").is_learned());
  const auto network = EncoderChoice::parse("encoder", "runs/a.safetensors");
  EXPECT_EQ(network.kind, EncoderKind::network);
  EXPECT_EQ(network.text(), "runs/a.safetensors");
  EXPECT_EQ(EncoderChoice::parse("encoder", "a.ts").kind, EncoderKind::torchscript);
  expect_error<InvalidArgument>([] { EncoderChoice::parse("encoder", "swaw"); }, {"swav"});
  // Kinds that are files are not named.
  expect_error<InvalidArgument>([] { EncoderChoice::parse("encoder", "network"); },
                                {"FILE.safetensors"});
}

}  // namespace
}  // namespace winnow::embedding
