#include <gtest/gtest.h>

#include "io/image_decode.hpp"
#include "unit/io/image_files.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {
namespace {

constexpr ImageShape fixture_shape{6, 5, 3};

class Images : public ::testing::TestWithParam<const char*> {};

/// What Pillow decodes (JPEG and WebP with the same libraries), or what NumPy made.
TEST_P(Images, DecodeToTheRightPixels) {
  const std::string name = GetParam();
  const std::string bytes = bytes_of(fixture("images/" + name));
  const PixelArray expected = pixels_of("images/" + name + "-rgb.npy");
  EXPECT_EQ(probe_image(as_bytes(bytes), name, max_pixels), expected.shape);
  EXPECT_EQ(decoded(bytes, name, {}), expected.values);
}

/// Cut anywhere, an image is an error that names the file, never half a picture, also where what is
/// missing lies outside of what a transform needs.
TEST_P(Images, TruncatedAreErrors) {
  const std::string name = GetParam();
  const std::string bytes = bytes_of(fixture("images/" + name));
  for (const ImageTransform transform : {ImageTransform{}, ImageTransform{4, 1}}) {
    const ImageShape shape =
        transformed_shape(pixels_of("images/" + name + "-rgb.npy").shape, transform);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.size()));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const std::string cut = bytes.substr(0, length);
      expect_error<BadFile>(
          [&] { decode_image(as_bytes(cut), name, {.transform = transform}, shape, pixels); },
          {name});
    }
  }
}

/// Decoding only what the crop needs gives the same as decoding all.
TEST_P(Images, TransformWhileDecoding) {
  const std::string name = GetParam();
  const std::string bytes = bytes_of(fixture("images/" + name));
  const PixelArray whole = pixels_of("images/" + name + "-rgb.npy");
  for (const ImageTransform transform :
       {ImageTransform{5, 5}, ImageTransform{4, 2}, ImageTransform{9, 1}, ImageTransform{23, 20}}) {
    EXPECT_EQ(decoded(bytes, name, transform), transformed(whole, transform))
        << transform.resize << " " << transform.crop;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Images,
    ::testing::Values("rgb.png", "grey.png", "rgba.png", "grey-alpha.png", "rgb-key.png",
                      "bilevel.png", "grey-2.png", "grey-4.png", "grey-16.png", "grey-alpha-16.png",
                      "rgb-16.png", "rgba-16.png", "palette.png", "palette-1.png", "palette-2.png",
                      "palette-4.png", "palette-alpha.png", "interlaced.png", "interlaced-16.png",
                      "turned.png", "grey.jpg", "rgb.jpg", "progressive.jpg", "cmyk.jpg",
                      "ycck.jpg", "exif-1.jpg", "exif-2.jpg", "exif-3.jpg", "exif-4.jpg",
                      "exif-5.jpg", "exif-6.jpg", "exif-7.jpg", "exif-8.jpg", "lossy.webp",
                      "lossless.webp", "alpha.webp", "alpha-lossless.webp", "turned.webp"));

TEST(ImageErrors, NameFileAndReason) {
  const auto fails = [](const std::string& bytes, const std::vector<std::string>& found) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(fixture_shape.size()));
    expect_error<BadFile>(
        [&] { decode_image(as_bytes(bytes), "cat/1.png", {}, fixture_shape, pixels); }, found);
  };
  fails("", {"cat/1.png", "empty"});
  fails("GIF89a", {"cat/1.png", "neither JPEG, PNG nor WebP"});
  fails("RIFF1234WAVE", {"cat/1.png", "neither JPEG, PNG nor WebP"});
  fails(bytes_of(fixture("images/animated.webp")), {"cat/1.png", "animated", "single picture"});
  fails(bytes_of(fixture("images/smaller.png")), {"cat/1.png", "4 x 5", "6 x 5", "--image-size"});
  std::string flipped = bytes_of(fixture("images/rgb.png"));
  flipped[60] = static_cast<char>(flipped[60] ^ 0x55);
  fails(flipped, {"cat/1.png", "damaged PNG"});
  std::string torn = bytes_of(fixture("images/lossless.webp"));
  torn[torn.find("VP8L") + 8] = 0;  // the signature of its bitstream
  fails(torn, {"cat/1.png", "damaged WebP"});
}

/// The header's sides, changed to 32639 x 32639.
TEST(ImageErrors, HugeImagesAreRefusedBeforeAnyMemoryIsTaken) {
  std::string jpeg = bytes_of(fixture("images/rgb.jpg"));
  jpeg.replace(jpeg.find("\xFF\xC0") + 5, 4, 4, '\x7F');
  const std::vector<std::string> found = {"a.x", "32639 x 32639 = 1065304321", "at most 100000000",
                                          "--max-pixels", "max-pixels="};
  expect_error<BadFile>([&] { probe_image(as_bytes(jpeg), "a.x", max_pixels); }, found);
  const std::string png =
      "\x89PNG\r\n\x1A\n" +
      png_chunk("IHDR", std::string(2, '\0') + "\x7F\x7F" + std::string(2, '\0') + "\x7F\x7F" +
                            std::string("\x08\2\0\0\0", 5)) +
      png_chunk("IDAT", "");
  expect_error<BadFile>([&] { probe_image(as_bytes(png), "a.x", max_pixels); }, found);
}

TEST(ImageErrors, TheLimitOnPixelsIsExact) {
  for (const char* name : {"rgb.png", "rgb.jpg", "lossy.webp", "exif-6.jpg"}) {
    const std::string bytes = bytes_of(fixture(std::string("images/") + name));
    EXPECT_EQ(probe_image(as_bytes(bytes), name, 30).size(), 90);
    expect_error<BadFile>([&] { probe_image(as_bytes(bytes), name, 29); },
                          {name, "= 30 pixels", "at most 29"});
  }
}

TEST(ImageErrors, OrientationOutsideOfOneToEightIsNone) {
  std::string bytes = bytes_of(fixture("images/exif-6.jpg"));
  const std::size_t tag = bytes.find(std::string("\x01\x12\x00\x03", 4));
  ASSERT_NE(tag, std::string::npos);
  ASSERT_EQ(bytes[tag + 9], 6);
  bytes[tag + 9] = 9;
  EXPECT_EQ(decoded(bytes, "a.jpg", {}), pixels_of("images/exif-1.jpg-rgb.npy").values);
}

/// Text that unpacks to 64 MiB, and more chunks than are kept: neither is read, nor does it harm.
TEST(ImageErrors, ChunksBesideThePixelsArePassedOver) {
  const std::string zeros(64 << 20, '\0');
  std::string packed(compressBound(zeros.size()), '\0');
  uLongf size = packed.size();
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): chars to uchar
  ASSERT_EQ(compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                      reinterpret_cast<const Bytef*>(zeros.data()), zeros.size(), 9),
            Z_OK);
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  std::string chunks = png_chunk("zTXt", std::string("Comment\0\0", 9) + packed.substr(0, size));
  for (int i = 0; i < 200; ++i) chunks += png_chunk("tEXt", std::string("Comment\0text", 12));
  std::string bytes = bytes_of(fixture("images/rgb.png"));
  bytes.insert(33, chunks);  // after the signature and IHDR
  EXPECT_EQ(decoded(bytes, "a.png", {}), pixels_of("images/rgb.png-rgb.npy").values);
}

/// libpng would make room for them first.
TEST(ImageErrors, ChunksThatReachPastTheEndAreRefused) {
  const std::string whole = bytes_of(fixture("images/rgb.png"));
  const std::string claim = std::string("\x7F\xFF\xFF\xFF", 4) + "eXIf";
  std::string before = whole;
  before.insert(33, claim);  // after the signature and IHDR
  expect_error<BadFile>([&] { probe_image(as_bytes(before), "a.png", max_pixels); },
                        {"a.png", "damaged PNG", "byte 33 claims 2147483647 bytes"});
  std::string after = whole;
  after.insert(whole.size() - 12, claim);  // before IEND
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(fixture_shape.size()));
  expect_error<BadFile>(
      [&] { decode_image(as_bytes(after), "a.png", {}, fixture_shape, pixels); },
      {"a.png", "damaged PNG", "claims 2147483647 bytes, but the file has 8 left"});
}

TEST(ImageMime, IsToldByTheFirstBytes) {
  for (const auto& [name, mime] :
       {std::pair("rgb.jpg", "image/jpeg"), std::pair("rgb.png", "image/png"),
        std::pair("lossy.webp", "image/webp")}) {
    EXPECT_EQ(image_mime(as_bytes(bytes_of(fixture(std::string("images/") + name))), name), mime);
  }
}

TEST(EncodePng, RoundTrips) {
  const auto pixels = pixels_of("images/rgb.png-rgb.npy").values;
  EXPECT_EQ(decoded(encode_png(pixels, fixture_shape), "colour", {}), pixels);
  const std::span<const std::uint8_t> grey(pixels.data(), 30);
  const auto found = decoded(encode_png(grey, {6, 5, 1}), "grey", {});
  for (std::size_t i = 0; i < 90; ++i) EXPECT_EQ(found[i], grey[i / 3]);
}

}  // namespace
}  // namespace winnow::io
