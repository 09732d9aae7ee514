#include "io/image_decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "io/image_codecs.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

std::unique_ptr<ImageReader> open_image(std::span<const std::byte> bytes, const std::string& name,
                                        std::int64_t max_pixels) {
  const std::string mime = image_mime(bytes, name);
  const auto open = mime == "image/png" ? open_png : mime == "image/jpeg" ? open_jpeg : open_webp;
  return open(bytes, name, max_pixels);
}

void require_shape(const ImageShape& found, const ImageShape& expected, const std::string& name) {
  if (found == expected) return;
  throw BadFile(
      fmt::format("{}: {} x {} pixels; expected {} x {} as the first image has; bring all to one "
                  "size with --image-size",
                  name, found.height, found.width, expected.height, expected.width));
}

/// The largest reduction that leaves the shorter side `least_oversampling` times as long as the
/// transform makes it.
int wanted_reduction(const ImageReader& reader, const ImageTransform& transform) {
  const auto& [height, width, channels] = reader.shape();
  const int shorter = std::min(height, width);
  for (const int factor : {8, 4, 2}) {
    // Turned, an incomplete pixel at the end would come to lie at the beginning.
    const bool whole = height % factor == 0 && width % factor == 0;
    if (reader.orientation() != 1 && !whole) continue;
    if (shorter >= std::int64_t{factor} * least_oversampling * transform.resize) return factor;
  }
  return 1;
}

int divided(int side, int factor) { return (side + factor - 1) / factor; }

/// The pixels as stored, reduced by `factor`.
void read_all(ImageReader& reader, int factor, std::span<std::uint8_t> out) {
  const int height = divided(reader.shape().height, factor);
  const int width = divided(reader.shape().width, factor);
  const auto row_size = static_cast<std::size_t>(3 * width);
  reader.start({0, height}, {0, width});
  for (std::size_t i = 0; i < out.size(); i += row_size) reader.read_row(out.subspan(i, row_size));
  reader.finish();
}

/// The pixels reduced by `factor` and turned upright.
std::vector<std::uint8_t> read_upright(ImageReader& reader, int factor) {
  const ImageShape stored{divided(reader.shape().height, factor),
                          divided(reader.shape().width, factor), 3};
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(stored.size()));
  read_all(reader, factor, pixels);
  if (reader.orientation() == 1) return pixels;
  std::vector<std::uint8_t> upright(pixels.size());
  turn_upright(pixels, stored, reader.orientation(), upright);
  return upright;
}

/// Decodes no more than the crop needs, and keeps no more than one row of it.
void read_resized(ImageReader& reader, const ResizedSides& sides, int crop,
                  std::span<std::uint8_t> out) {
  Resampler resampler(sides, crop, 3);
  const PixelRange columns = reader.start(resampler.rows(), resampler.columns());
  // libjpeg-turbo writes aligned rows past the cache, from where they are read again at once.
  constexpr std::size_t misaligned = 8;
  const auto size = static_cast<std::size_t>(3 * columns.size());
  std::vector<std::uint8_t> buffer(misaligned + size + resampler.padding());
  const auto row = std::span(buffer).subspan(misaligned);
  for (std::int64_t i = 0; i < resampler.rows().size(); ++i) {
    reader.read_row(row.first(size));
    resampler.add_row(row, columns.begin);
  }
  reader.finish();
  resampler.finish(out);
}

}  // namespace

ImageShape checked_image_shape(std::int64_t height, std::int64_t width, int channels,
                               const std::string& name, std::int64_t max_pixels) {
  constexpr std::int64_t max_side = std::numeric_limits<int>::max();
  if (height < 1 || width < 1 || height > max_side || width > max_side) {
    throw BadFile(fmt::format("{}: an image of {} x {} pixels; expected sides from 1 to {}", name,
                              height, width, max_side));
  }
  if (height * width > max_pixels) {
    throw BadFile(
        fmt::format("{}: an image of {} x {} = {} pixels; expected at most {}; shrink it, or allow "
                    "more with --max-pixels or max-pixels= in the dataset spec",
                    name, height, width, height * width, max_pixels));
  }
  return {static_cast<int>(height), static_cast<int>(width), channels};
}

std::string image_mime(std::span<const std::byte> bytes, const std::string& name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP") {
    return "image/webp";
  }
  throw BadFile(
      fmt::format("{}: {}; expected a JPEG, PNG or WebP image", name,
                  text.empty() ? "the file is empty" : "neither JPEG, PNG nor WebP inside"));
}

ImageShape probe_image(std::span<const std::byte> bytes, const std::string& name,
                       std::int64_t max_pixels) {
  const auto reader = open_image(bytes, name, max_pixels);
  return upright_shape(reader->shape(), reader->orientation());
}

void decode_image(std::span<const std::byte> bytes, const std::string& name,
                  const DecodeOptions& options, const ImageShape& expected,
                  std::span<std::uint8_t> out) {
  const auto reader = open_image(bytes, name, options.max_pixels);
  const bool turned = reader->orientation() != 1;
  const ImageShape upright = upright_shape(reader->shape(), reader->orientation());
  require_shape(transformed_shape(upright, options.transform), expected, name);
  if (options.transform.keeps()) {
    if (!turned) {
      read_all(*reader, 1, out);
    } else {
      const std::vector<std::uint8_t> pixels = read_upright(*reader, 1);
      std::copy(pixels.begin(), pixels.end(), out.begin());
    }
    return;
  }
  int factor = wanted_reduction(*reader, options.transform);
  if (factor > 1 && !reader->reduce(factor)) factor = 1;
  ResizedSides sides = resized_sides(upright.height, upright.width, options.transform);
  sides = {sides.rows.reduced(factor), sides.columns.reduced(factor)};
  if (turned) {
    resize_pixels(read_upright(*reader, factor), sides, options.transform.crop, 3, out);
  } else {
    read_resized(*reader, sides, options.transform.crop, out);
  }
}

}  // namespace winnow::io
