#include "io/image_transform.hpp"

#include <gtest/gtest.h>

#include "unit/io/image_files.hpp"

namespace winnow::io {
namespace {

/// As in fixtures/make_images.py.
PixelArray noise(int height, int width, int channels) {
  PixelArray image{{height, width, channels}, {}};
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t mixed =
            y * 7919 + x * 104729 + c * 1299709 + (x * y + 3 * c) % 89 * 2750159;
        image.values.push_back(static_cast<std::uint8_t>(mixed / 64 % 256));
      }
    }
  }
  return image;
}

struct Sides {
  int height;
  int width;
};
constexpr Sides sizes[] = {{1, 1},     {3, 500},   {500, 3}, {17, 31},
                           {300, 200}, {333, 500}, {64, 64}, {100, 57}};

void expect_equal_to_torchvision(const std::string& file, const ImageTransform& transform,
                                 int channels) {
  const NpyFile stored(fixture("images/resized/" + file));
  const std::int64_t size = std::int64_t{transform.crop} * transform.crop * channels;
  ASSERT_EQ(stored.size(), size * std::ssize(sizes));
  std::vector<std::uint8_t> expected(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < std::ssize(sizes); ++i) {
    const auto& [height, width] = sizes[i];
    stored.read<std::uint8_t>(i * size, expected);
    EXPECT_EQ(transformed(noise(height, width, channels), transform), expected)
        << file << ", " << height << " x " << width;
  }
}

/// Not only within one grey level: the arithmetic is Pillow's.
TEST(ImageTransform, EqualsTorchvisionsResizeAndCenterCrop) {
  expect_equal_to_torchvision("rgb-37-32.npy", {37, 32}, 3);
  expect_equal_to_torchvision("rgb-33-32.npy", {33, 32}, 3);
  expect_equal_to_torchvision("rgb-32-32.npy", {32, 32}, 3);
  expect_equal_to_torchvision("rgb-73-64.npy", {73, 64}, 3);
  expect_equal_to_torchvision("rgb-5-4.npy", {5, 4}, 3);
  expect_equal_to_torchvision("grey-37-32.npy", {37, 32}, 1);
}

TEST(ImageTransform, OfOptionsTakesTorchvisionsRatio) {
  const auto of = [](std::int64_t image_size, std::int64_t resize_size) {
    return ImageTransform::of({.image_size = image_size, .resize_size = resize_size});
  };
  EXPECT_EQ(of(224, 0), (ImageTransform{256, 224}));
  EXPECT_EQ(of(64, 0), (ImageTransform{73, 64}));
  EXPECT_EQ(of(32, 0), (ImageTransform{37, 32}));
  EXPECT_EQ(of(1, 0), (ImageTransform{1, 1}));
  EXPECT_EQ(of(224, 232), (ImageTransform{232, 224}));
  EXPECT_EQ(of(0, 0), (ImageTransform{0, 0}));
  for (std::int64_t size = 1; size <= 4096; ++size) {
    EXPECT_EQ(of(size, 0).resize, std::lround(static_cast<double>(size) * 256.0 / 224.0));
  }
}

TEST(ImageTransform, KeepsOrGivesASquare) {
  EXPECT_EQ(transformed_shape({3, 500, 3}, {}), (ImageShape{3, 500, 3}));
  EXPECT_EQ(transformed_shape({3, 500, 1}, {37, 32}), (ImageShape{32, 32, 1}));
  const PixelArray image = noise(3, 7, 3);
  EXPECT_EQ(transformed(image, {}), image.values);
}

/// The longer side is rounded down, the corner of the crop to even, as Python does.
TEST(ImageTransform, SidesAndCornersAreRoundedAsInPython) {
  const auto columns = [](int height, int width, const ImageTransform& transform) {
    return resized_sides(height, width, transform).columns;
  };
  EXPECT_EQ(columns(333, 500, {256, 224}).out, 384);  // 384.38
  EXPECT_EQ(columns(300, 451, {256, 224}).out, 384);  // 384.85
  EXPECT_EQ(columns(100, 100, {33, 32}).begin, 0);    // round(0.5)
  EXPECT_EQ(columns(100, 100, {35, 32}).begin, 2);    // round(1.5)
  EXPECT_EQ(columns(100, 100, {37, 32}).begin, 2);    // round(2.5)
  EXPECT_EQ(columns(100, 100, {39, 32}).begin, 4);    // round(3.5)
}

/// Sides of which only the crop can be held in memory.
TEST(ImageTransform, LongImagesTakeNoMoreThanTheirCrop) {
  const PixelArray line{{1, 60'000, 1}, std::vector<std::uint8_t>(60'000, 77)};
  EXPECT_EQ(transformed(line, {8192, 16}), std::vector<std::uint8_t>(256, 77));
}

}  // namespace
}  // namespace winnow::io
