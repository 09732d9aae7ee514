#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include "io/exif.hpp"
#include "io/image_orientation.hpp"
#include "unit/io/image_files.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {
namespace {

/// Few pixels, so that damaged headers that claim many are errors soon.
constexpr std::int64_t few_pixels = 100'000;

/// Decodes whatever `bytes` may be. Only BadFile may come out of it.
void decode_any(const std::string& bytes) {
  const int crop = *rc::gen::inRange(1, 9);
  const ImageTransform transform = *rc::gen::element(ImageTransform{}, ImageTransform{crop, crop},
                                                     ImageTransform{crop + 2, crop});
  try {
    const ImageShape shape =
        transformed_shape(probe_image(as_bytes(bytes), "x", few_pixels), transform);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.size()));
    decode_image(as_bytes(bytes), "x", {transform, few_pixels}, shape, pixels);
  } catch (const BadFile&) {
  }
}

/// Up to five bytes changed and perhaps the end cut off.
RC_GTEST_PROP(ImageCodecsProperty, DamagedFilesAreReadOrBadFiles, ()) {
  std::string bytes = bytes_of(
      fixture("images/" + *rc::gen::element<std::string>(
                              "rgb.png", "palette-2.png", "palette-alpha.png", "grey-16.png",
                              "rgba-16.png", "interlaced.png", "turned.png", "rgb.jpg",
                              "progressive.jpg", "ycck.jpg", "exif-6.jpg", "lossy.webp",
                              "alpha.webp", "lossless.webp", "turned.webp", "animated.webp")));
  const int changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i) {
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  }
  if (*rc::gen::arbitrary<bool>()) bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
  decode_any(bytes);
}

/// Any bytes after what a format begins with.
RC_GTEST_PROP(ImageCodecsProperty, AnyBytesAreReadOrBadFiles, (const std::string& rest)) {
  decode_any(*rc::gen::element<std::string>(
                 "", "\xFF\xD8\xFF", "\x89PNG\r\n\x1A\n", "RIFF\x20\x01\x01\x01WEBPVP8 ",
                 "RIFF\x20\x01\x01\x01WEBPVP8L", "RIFF\x20\x01\x01\x01WEBPVP8X") +
             rest);
}

/// EXIF data of any kind tells an orientation, and libexif survives it.
RC_GTEST_PROP(ImageCodecsProperty, AnyExifHasAnOrientation, (std::string exif)) {
  const std::string known = bytes_of(fixture("images/exif-6.jpg"));
  if (*rc::gen::arbitrary<bool>()) {
    exif = known.substr(known.find("Exif"), 40);
    exif[*rc::gen::inRange<std::size_t>(0, exif.size())] = *rc::gen::arbitrary<char>();
  }
  const Orientation found = exif_orientation(as_bytes(exif));
  RC_ASSERT(found >= 1 && found <= 8);
}

/// Any image of one colour stays that, however it is resized.
RC_GTEST_PROP(ImageTransformProperty, OneColourStays, ()) {
  const ImageShape shape{*rc::gen::inRange(1, 200), *rc::gen::inRange(1, 200),
                         *rc::gen::element(1, 3)};
  const int crop = *rc::gen::inRange(1, 60);
  const ImageTransform transform{crop + *rc::gen::inRange(0, 20), crop};
  const auto value = *rc::gen::arbitrary<std::uint8_t>();
  const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.size()), value);
  std::vector<std::uint8_t> out(
      static_cast<std::size_t>(transformed_shape(shape, transform).size()));
  transform_image(pixels, shape, transform, out);
  RC_ASSERT(std::all_of(out.begin(), out.end(), [&](std::uint8_t v) { return v == value; }));
}

}  // namespace
}  // namespace winnow::io
