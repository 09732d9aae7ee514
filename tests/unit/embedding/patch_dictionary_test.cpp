#include "embedding/patch_dictionary.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/embedding/synthetic.hpp"
#include "unit/support.hpp"

namespace winnow::embedding {
namespace {

using testing::Threads;
using testing::values_of;

constexpr io::ImageShape colour{9, 12, 3};

EncoderOptions options() {
  return {.dimensions = 8,
          .patch_size = 4,
          .words = 10,
          .patches = 500,
          .dictionary_iterations = 4,
          .fit_images = 30,
          .seed = Seed{5}};
}

/// (x - mean) / sqrt(variance + 10) over all pixels and channels of a patch, rows first.
std::vector<double> naive_patch(const Stripes& data, std::int64_t id, std::int64_t y,
                                std::int64_t x, std::int64_t size) {
  const io::ImageShape shape = data.image_shape();
  std::vector<double> patch;
  for (std::int64_t r = y; r < y + size; ++r) {
    for (std::int64_t c = x; c < x + size; ++c) {
      for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
        const auto at = (r * shape.width + c) * shape.channels + channel;
        patch.push_back(data.image(id)[static_cast<std::size_t>(at)]);
      }
    }
  }
  const auto count = static_cast<double>(patch.size());
  double mean = 0.0;
  for (const double value : patch) mean += value / count;
  double variance = 0.0;
  for (const double value : patch) variance += (value - mean) * (value - mean) / count;
  for (double& value : patch) value = (value - mean) / std::sqrt(variance + 10.0);
  return patch;
}

/// Triangle code of one patch, by distances in full.
std::vector<double> naive_code(const PatchDictionary& dictionary, std::vector<double> patch) {
  for (std::size_t i = 0; i < patch.size(); ++i) patch[i] -= dictionary.mean[i];
  std::vector<double> white(patch.size());
  for (std::size_t j = 0; j < patch.size(); ++j) {
    for (std::size_t i = 0; i < patch.size(); ++i) {
      white[j] += patch[i] *
                  dictionary.whitening(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
    }
  }
  std::vector<double> code;
  double mean = 0.0;
  for (std::int64_t w = 0; w < dictionary.words.rows(); ++w) {
    double squares = 0.0;
    for (std::size_t i = 0; i < white.size(); ++i) {
      const double difference = white[i] - dictionary.words(w, static_cast<std::int64_t>(i));
      squares += difference * difference;
    }
    code.push_back(std::sqrt(squares));
    mean += code.back() / static_cast<double>(dictionary.words.rows());
  }
  for (double& value : code) value = std::max(0.0, mean - value);
  return code;
}

std::vector<float> encode(const PatchDictionary& dictionary, std::span<const std::uint8_t> image) {
  PatchDictionary::Scratch scratch;
  std::vector<float> code(static_cast<std::size_t>(dictionary.code_length()));
  dictionary.encode(image, scratch, code);
  return code;
}

TEST(PatchDictionary, PatchesAreNormalisedForContrast) {
  const Stripes data(3, colour, 1);
  std::vector<float> patch(4 * 4 * 3);
  for (std::int64_t y = 0; y + 4 <= 9; ++y) {
    for (std::int64_t x = 0; x + 4 <= 12; ++x) {
      normalized_patch(data.image(2), colour, y, x, 4, patch);
      const auto expected = naive_patch(data, 2, y, x, 4);
      for (std::size_t i = 0; i < patch.size(); ++i) {
        // The variance is a difference of float32 numbers up to 255^2: off by 0.01 of at least 10.
        ASSERT_NEAR(patch[i], expected[i], 1e-3 * std::abs(expected[i]) + 1e-5);
      }
    }
  }
}

TEST(PatchDictionary, APatchOfOneGreyIsZero) {
  for (const int grey : {0, 1, 128, 255}) {
    const std::vector<std::uint8_t> image(36, static_cast<std::uint8_t>(grey));
    std::vector<float> patch(16, 1.0F);
    normalized_patch(image, {6, 6, 1}, 1, 2, 4, patch);
    EXPECT_EQ(patch, std::vector<float>(16, 0.0F));
  }
}

TEST(PatchDictionary, HugePatchesDoNotOverflow) {
  // 200 x 200 pixels of 255: a sum of squares of 2.6e9.
  const std::vector<std::uint8_t> image(200 * 200, 255);
  std::vector<float> patch(200 * 200, 1.0F);
  normalized_patch(image, {200, 200, 1}, 0, 0, 200, patch);
  EXPECT_EQ(patch, std::vector<float>(200 * 200, 0.0F));
  std::vector<std::uint8_t> half = image;
  std::fill(half.begin(), half.begin() + 200 * 100, 253);
  normalized_patch(half, {200, 200, 1}, 0, 0, 200, patch);
  // Mean 254, variance 1.
  EXPECT_NEAR(patch.front(), -1.0 / std::sqrt(11.0), 1e-3);
  EXPECT_NEAR(patch.back(), 1.0 / std::sqrt(11.0), 1e-3);
}

TEST(PatchDictionary, HasItsShapes) {
  const PatchDictionary dictionary = fit_dictionary(Stripes(40, colour, 2), options(), silent());
  EXPECT_EQ(dictionary.shape, colour);
  EXPECT_EQ(dictionary.patch_length(), 48);
  EXPECT_EQ(dictionary.patches_per_column(), 6);
  EXPECT_EQ(dictionary.patches_per_row(), 9);
  EXPECT_EQ(dictionary.code_length(), 40);
  EXPECT_EQ(dictionary.mean.size(), 48U);
  EXPECT_EQ(dictionary.words.rows(), 10);
  EXPECT_EQ(dictionary.words.cols(), 48);
  ASSERT_EQ(dictionary.words_squared.size(), 10U);
  for (std::int64_t i = 0; i < 48; ++i) {
    for (std::int64_t j = 0; j < 48; ++j) {
      ASSERT_NEAR(dictionary.whitening(i, j), dictionary.whitening(j, i), 1e-5);
    }
  }
}

TEST(PatchDictionary, CodesAreThoseOfTheFormula) {
  const Stripes data(40, colour, 3);
  const PatchDictionary dictionary = fit_dictionary(data, options(), silent());
  const std::int64_t words = dictionary.words.rows();
  for (const std::int64_t id : {0, 7}) {
    std::vector<double> expected(static_cast<std::size_t>(dictionary.code_length()));
    // 6 x 9 positions: 3 + 3 rows, 5 + 4 columns.
    for (std::int64_t y = 0; y < 6; ++y) {
      for (std::int64_t x = 0; x < 9; ++x) {
        const std::int64_t quadrant = (y < 3 ? 0 : 2) + (x < 5 ? 0 : 1);
        const auto code = naive_code(dictionary, naive_patch(data, id, y, x, 4));
        for (std::size_t w = 0; w < code.size(); ++w) {
          expected[static_cast<std::size_t>(quadrant * words) + w] += code[w];
        }
      }
    }
    const std::vector<float> code = encode(dictionary, data.image(id));
    double largest = 0.0;
    for (std::size_t i = 0; i < code.size(); ++i) {
      // 15 patches at most, each to the 1e-3 of its normalisation.
      ASSERT_NEAR(code[i], expected[i], 15e-3) << "number " << i;
      largest = std::max(largest, expected[i]);
    }
    EXPECT_GT(largest, 1.0);
  }
}

TEST(PatchDictionary, ADetailIsSeenInItsOwnQuadrantOnly) {
  const PatchDictionary dictionary = fit_dictionary(Stripes(40, colour, 4), options(), silent());
  const std::vector<std::uint8_t> plain(static_cast<std::size_t>(colour.size()), 100);
  const std::vector<float> before = encode(dictionary, plain);
  const auto corner = [](int y, int x) { return static_cast<std::size_t>((y * 12 + x) * 3); };
  const std::vector<std::size_t> corners{corner(0, 0), corner(0, 11), corner(8, 0), corner(8, 11)};
  for (std::size_t q = 0; q < 4; ++q) {
    std::vector<std::uint8_t> image = plain;
    image[corners[q]] = 255;
    const std::vector<float> after = encode(dictionary, image);
    for (std::size_t other = 0; other < 4; ++other) {
      const auto begin = static_cast<std::ptrdiff_t>(10 * other);
      const bool same =
          std::equal(before.begin() + begin, before.begin() + begin + 10, after.begin() + begin);
      EXPECT_EQ(same, other != q) << "corner " << q << ", quadrant " << other;
    }
  }
}

TEST(PatchDictionary, SameBitsForAnyNumberOfThreads) {
  const Stripes data(60, colour, 5);
  std::vector<PatchDictionary> dictionaries;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    dictionaries.push_back(fit_dictionary(data, options(), silent()));
  }
  for (const auto& dictionary : dictionaries) {
    EXPECT_EQ(dictionary.mean, dictionaries.front().mean);
    EXPECT_EQ(values_of(dictionary.whitening), values_of(dictionaries.front().whitening));
    EXPECT_EQ(values_of(dictionary.words), values_of(dictionaries.front().words));
  }
}

}  // namespace
}  // namespace winnow::embedding
