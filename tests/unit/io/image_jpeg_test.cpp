#include <gtest/gtest.h>

#include <tuple>

#include "unit/io/image_files.hpp"
#include "unit/io/jpeg_writer.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {
namespace {

/// Each pixel unlike its neighbours in brightness and colour, so that a column or row too few
/// shows.
std::vector<std::uint8_t> coloured(int height, int width) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(x * 37 + y * 11));
      pixels.push_back(static_cast<std::uint8_t>(x * 5 + y * 53));
      pixels.push_back(static_cast<std::uint8_t>(x * y));
    }
  }
  return pixels;
}

struct Sampling {
  int across;
  int down;
};

/// A JPEG whose colours have `sampling` times fewer columns and rows.
std::string encoded(int height, int width, Sampling sampling, bool progressive) {
  return write_jpeg(coloured(height, width), height, width, [&](jpeg_compress_struct& info) {
    info.comp_info[0].h_samp_factor = sampling.across;
    info.comp_info[0].v_samp_factor = sampling.down;
    info.restart_interval = 3;
    if (progressive) jpeg_simple_progression(&info);
  });
}

class PartOfAJpeg : public ::testing::TestWithParam<std::tuple<Sampling, bool>> {};

/// Rows and columns outside the crop are not decoded; what is inside does not change.
TEST_P(PartOfAJpeg, IsThatOfTheWhole) {
  const auto& [sampling, progressive] = GetParam();
  for (const ImageShape shape : {ImageShape{70, 131, 3}, ImageShape{133, 67, 3},
                                 ImageShape{97, 97, 3}, ImageShape{16, 300, 3}}) {
    const std::string bytes = encoded(shape.height, shape.width, sampling, progressive);
    const PixelArray whole{shape, decoded(bytes, "whole.jpg", {})};
    const int side = std::min(shape.height, shape.width);
    // One pixel up to all of them, and cut off in different parts of an 8 x 8 block.
    for (const int crop : {1, 2, 5, 8, side - 18, side - 1, side}) {
      if (crop < 1) continue;
      for (const int resize : {side, side * 2 / 3, side + 7}) {
        if (resize < crop) continue;
        EXPECT_EQ(decoded(bytes, "part.jpg", {resize, crop}), transformed(whole, {resize, crop}))
            << shape.height << " x " << shape.width << " to " << resize << ", " << crop;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Samplings, PartOfAJpeg,
                         ::testing::Combine(::testing::Values(Sampling{1, 1}, Sampling{2, 1},
                                                              Sampling{1, 2}, Sampling{2, 2},
                                                              Sampling{4, 1}, Sampling{1, 4},
                                                              Sampling{4, 2}),
                                            ::testing::Bool()));

/// Decoded at half, a quarter and an eighth of its size, within the bound that image_decode.hpp
/// states of what torchvision makes of the whole.
TEST(ReducedJpeg, IsCloseToTorchvisionsResult) {
  const std::string bytes = bytes_of(fixture("images/photos/photo.jpg"));
  for (const ImageTransform transform :
       {ImageTransform{73, 64}, ImageTransform{37, 32}, ImageTransform{18, 16}}) {
    const std::string name = "images/photos/photo-" + std::to_string(transform.resize) + "-" +
                             std::to_string(transform.crop) + ".npy";
    const auto expected = pixels_of(name).values;
    const auto found = decoded(bytes, "photo.jpg", transform);
    ASSERT_EQ(found.size(), expected.size());
    int largest = 0;
    int sum = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const int difference = std::abs(found[i] - expected[i]);
      largest = std::max(largest, difference);
      sum += difference;
    }
    EXPECT_GT(sum, 0) << "not reduced: nothing was tested";
    EXPECT_LE(largest, 1) << name;
    EXPECT_LE(static_cast<double>(sum), 0.35 * static_cast<double>(found.size())) << name;
  }
}

/// A progressive file whose first scan is repeated: decoders only warn of that.
TEST(JpegErrors, TooManyScansAreRefused) {
  const std::string bytes = bytes_of(fixture("images/progressive.jpg"));
  const std::size_t first = bytes.find("\xFF\xDA");
  const std::size_t second = bytes.find("\xFF\xC4", first);
  ASSERT_NE(second, std::string::npos);
  const auto repeated = [&](int times) {
    std::string copies;
    for (int i = 0; i < times; ++i) copies += bytes.substr(first, second - first);
    return bytes.substr(0, first) + copies + bytes.substr(second);
  };
  EXPECT_EQ(decoded(repeated(400), "a.jpg", {}), decoded(bytes, "a.jpg", {}));
  expect_error<BadFile>([&] { decoded(repeated(501), "bomb.jpg", {}); },
                        {"bomb.jpg", "more than 500 scans"});
}

}  // namespace
}  // namespace winnow::io
