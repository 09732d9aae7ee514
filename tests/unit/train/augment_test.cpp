#include "train/augment.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace winnow::train {
namespace {

/// Two 3 x 4 images of two channels, bytes 0 .. 47.
struct TwoImages {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(48);
  std::vector<std::int32_t> labels{0, 1};

  TwoImages() { std::iota(pixels.begin(), pixels.end(), std::uint8_t{0}); }
  LabelledImages view() const { return {pixels, {3, 4, 2}, labels}; }
};

TEST(PixelTable, StandardisesEachChannelOverTheGivenImages) {
  const TwoImages images;
  const PixelTable table(images.view(), std::vector<std::int64_t>{1});
  // Channel 0 of image 1 holds 24, 26, ..., 46: mean 35, variance (12^2 - 1) / 12 * 4.
  const double deviation = std::sqrt(143.0 / 12.0 * 4.0);
  EXPECT_NEAR(table(35, 0), 0.0, 1e-6);
  EXPECT_NEAR(table(47, 0), 12.0 / deviation, 1e-6);
  EXPECT_NEAR(table(36, 1), 0.0, 1e-6);
}

TEST(PixelTable, LeavesConstantChannelsFinite) {
  const std::vector<std::uint8_t> pixels(12, 9);
  const std::vector<std::int32_t> labels{0};
  const PixelTable table({pixels, {3, 4, 1}, labels}, std::vector<std::int64_t>{0});
  EXPECT_EQ(table(9, 0), 0.0F);
  EXPECT_EQ(table(10, 0), 1.0F);
}

TEST(WriteImage, ShiftsThenMirrors) {
  const TwoImages images;
  const PixelTable table(images.view(), std::vector<std::int64_t>{0, 1});
  const auto image = std::span<const std::uint8_t>(images.pixels).subspan(24);
  const auto byte_at = [&](int row, int column, int channel) {
    const int position = 24 + (row * 4 + column) * 2 + channel;
    return images.pixels[static_cast<std::size_t>(position)];
  };
  for (const Placement& placement :
       {Placement{}, Placement{1, -2, false}, Placement{-1, 3, true}, Placement{0, 0, true}}) {
    std::vector<float> out(24);
    write_image(image, {3, 4, 2}, table, placement, out);
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 4; ++column) {
        const int from_row = row - placement.down;
        const int from_column = (placement.mirrored ? 3 - column : column) - placement.right;
        const bool inside = from_row >= 0 && from_row < 3 && from_column >= 0 && from_column < 4;
        for (int channel = 0; channel < 2; ++channel) {
          const std::uint8_t byte =
              inside ? byte_at(from_row, from_column, channel) : std::uint8_t{0};
          EXPECT_EQ(out[static_cast<std::size_t>((row * 4 + column) * 2 + channel)],
                    table(byte, channel));
        }
      }
    }
  }
}

/// A table that leaves bytes as they are.
PixelTable plain_table() {
  return PixelTable(std::vector<double>(3, 0.0), std::vector<double>(3, 1.0));
}

TEST(WritePart, ShowsAPartAtAnotherSize) {
  // Column x of a 6 x 8 image is 10 x in every channel: bilinear resampling is exact inside.
  std::vector<std::uint8_t> image;
  for (int i = 0; i < 6 * 8 * 3; ++i) image.push_back(static_cast<std::uint8_t>(10 * (i / 3 % 8)));
  const Placement part{.top = 1, .left = 2, .height = 4, .width = 4};
  std::vector<float> out(2 * 2 * 3);
  write_part(image, {6, 8, 3}, plain_table(), part, {2, 2, 3}, out);
  // Two output columns over [2, 6): centres at 3 and 5, that is pixels 2.5 and 4.5.
  for (int i = 0; i < 12; ++i) {
    EXPECT_FLOAT_EQ(out[static_cast<std::size_t>(i)], i / 3 % 2 == 0 ? 25.0F : 45.0F) << i;
  }
  Placement mirrored = part;
  mirrored.mirrored = true;
  write_part(image, {6, 8, 3}, plain_table(), mirrored, {2, 2, 3}, out);
  EXPECT_FLOAT_EQ(out[0], 45.0F);
  EXPECT_FLOAT_EQ(out[3], 25.0F);
}

TEST(WriteImage, TurnsHueAboutGreyAndTakesColourAway) {
  const std::vector<std::uint8_t> image{200, 100, 50, 90, 90, 90};
  const io::ImageShape shape{1, 2, 3};
  const float grey = 0.299F * 200 + 0.587F * 100 + 0.114F * 50;
  std::vector<float> out(6);
  write_image(image, shape, plain_table(), {.grey = true}, out);
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(out[static_cast<std::size_t>(c)], grey, 1e-3);
  write_image(image, shape, plain_table(), {.hue = 0.1F}, out);
  // Luma stays, up to the three digits of the YIQ matrices; a grey pixel does not change.
  EXPECT_NEAR(0.299F * out[0] + 0.587F * out[1] + 0.114F * out[2], grey, 0.2);
  for (std::size_t c = 3; c < 6; ++c) EXPECT_NEAR(out[c], 90.0F, 0.2);
  EXPECT_GT(std::abs(out[1] - 100.0F), 5.0F);
  write_image(image, shape, plain_table(), {.hue = 1.0F}, out);  // once around
  for (std::size_t c = 0; c < 6; ++c) EXPECT_NEAR(out[c], static_cast<float>(image[c]), 0.5);
}

NetworkOptions drawn(std::uint64_t seed) {
  return {.batch_size = 1000, .flip = true, .crop_padding = 2, .seed = Seed{seed}};
}

TEST(DrawPlacements, CoverTheirRangeAndDependOnSeedAndStep) {
  int least = 0;
  int most = 0;
  int mirrored = 0;
  const auto placements = draw_placements(drawn(1), {8, 8, 1}, 0);
  for (const Placement& placement : placements) {
    least = std::min({least, placement.down, placement.right});
    most = std::max({most, placement.down, placement.right});
    mirrored += placement.mirrored ? 1 : 0;
  }
  EXPECT_EQ(least, -2);
  EXPECT_EQ(most, 2);
  EXPECT_NEAR(mirrored, 500, 80);  // 5 standard deviations
  const auto downs = [](const std::vector<Placement>& all) {
    std::vector<int> result;
    result.reserve(all.size());
    for (const Placement& placement : all) result.push_back(placement.down);
    return result;
  };
  EXPECT_EQ(downs(placements), downs(draw_placements(drawn(1), {8, 8, 1}, 0)));
  EXPECT_NE(downs(placements), downs(draw_placements(drawn(1), {8, 8, 1}, 1)));
  EXPECT_NE(downs(placements), downs(draw_placements(drawn(2), {8, 8, 1}, 0)));
  NetworkOptions still = drawn(1);
  still.crop_padding = 0;
  still.flip = false;
  for (const Placement& placement : draw_placements(still, {8, 8, 1}, 0)) {
    EXPECT_EQ(placement.down, 0);
    EXPECT_FALSE(placement.mirrored);
  }
}

}  // namespace
}  // namespace winnow::train
