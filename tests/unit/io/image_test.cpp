#include <gtest/gtest.h>

#include "io/image_decode.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

constexpr ImageShape fixture_shape{6, 5, 3};
constexpr std::int64_t max_pixels = 100'000'000;

std::vector<std::uint8_t> array_of(const std::filesystem::path& path) {
  const NpyFile file(path);
  std::vector<std::uint8_t> values(static_cast<std::size_t>(file.size()));
  file.read<std::uint8_t>(0, values);
  return values;
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::vector<std::uint8_t> decode(const std::string& bytes, const std::string& name) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(fixture_shape.size()));
  decode_image(as_bytes(bytes), name, {}, fixture_shape, pixels);
  return pixels;
}

class Images : public ::testing::TestWithParam<const char*> {};

/// What NumPy made (PNG), or what Pillow decodes (JPEG, with the same library).
TEST_P(Images, DecodeToTheRightPixels) {
  const std::string name = GetParam();
  const std::string bytes = bytes_of(fixture("images/" + name));
  EXPECT_EQ(probe_image(as_bytes(bytes), name, max_pixels), fixture_shape);
  EXPECT_EQ(decode(bytes, name), array_of(fixture("images/" + name + "-rgb.npy")));
}

/// Cut anywhere, an image is an error that names the file, never half a picture.
TEST_P(Images, TruncatedAreErrors) {
  const std::string name = GetParam();
  const std::string bytes = bytes_of(fixture("images/" + name));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    expect_error<BadFile>([&] { decode(bytes.substr(0, length), name); }, {name});
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Images,
                         ::testing::Values("rgb.png", "grey.png", "rgba.png", "grey-alpha.png",
                                           "grey-16.png", "bilevel.png", "palette.png",
                                           "interlaced.png", "grey.jpg", "rgb.jpg",
                                           "progressive.jpg"));

TEST(ImageErrors, NameFileAndReason) {
  const auto fails = [](const std::string& bytes, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { decode(bytes, "cat/1.png"); }, found);
  };
  fails("", {"cat/1.png", "empty"});
  fails("GIF89a", {"cat/1.png", "neither JPEG nor PNG"});
  fails(bytes_of(fixture("images/cmyk.jpg")), {"cat/1.png", "CMYK", "convert it to RGB"});
  fails(bytes_of(fixture("images/smaller.png")), {"cat/1.png", "4 x 5", "6 x 5", "resize"});
  std::string flipped = bytes_of(fixture("images/rgb.png"));
  flipped[60] = static_cast<char>(flipped[60] ^ 0x55);
  fails(flipped, {"cat/1.png", "damaged PNG"});
}

TEST(ImageErrors, HugeImagesAreRefusedBeforeAnyMemoryIsTaken) {
  std::string bytes = bytes_of(fixture("images/rgb.jpg"));
  const std::size_t frame = bytes.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  for (std::size_t i = frame + 5; i < frame + 9; ++i) bytes[i] = '\x7F';
  expect_error<BadFile>(
      [&] { probe_image(as_bytes(bytes), "a.jpg", max_pixels); },
      {"a.jpg", "32639 x 32639 = 1065304321", "at most 100000000", "--max-pixels", "max-pixels="});
}

TEST(EncodePng, RoundTrips) {
  const auto pixels = array_of(fixture("images/rgb.png-rgb.npy"));
  const std::string colour = encode_png(pixels, fixture_shape);
  EXPECT_EQ(decode(colour, "colour"), pixels);
  const std::span<const std::uint8_t> grey(pixels.data(), 30);
  const auto found = decode(encode_png(grey, {6, 5, 1}), "grey");
  for (std::size_t i = 0; i < 90; ++i) EXPECT_EQ(found[i], grey[i / 3]);
}

}  // namespace
}  // namespace winnow::io
