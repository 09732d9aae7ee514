#include "io/image_decode.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "io/image_codecs.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

ImageShape checked_image_shape(std::int64_t height, std::int64_t width, int channels,
                               const std::string& name, std::int64_t max_pixels) {
  if (height < 1 || width < 1) {
    throw BadFile(
        fmt::format("{}: an image of {} x {} pixels; expected at least one", name, height, width));
  }
  if (height > max_pixels / width) {
    throw BadFile(fmt::format(
        "{}: an image of {} x {} = {} pixels; expected at most {}; shrink it, or allow more with "
        "--max-pixels or max-pixels= in the dataset spec",
        name, height, width, height * width, max_pixels));
  }
  return {static_cast<int>(height), static_cast<int>(width), channels};
}

void require_shape(const ImageShape& found, const ImageShape& expected, const std::string& name) {
  if (found == expected) return;
  throw BadFile(
      fmt::format("{}: {} x {} pixels; expected {} x {} as the first image has; resize "
                  "all images to one size",
                  name, found.height, found.width, expected.height, expected.width));
}

std::string image_mime(std::span<const std::byte> bytes, const std::string& name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  throw BadFile(fmt::format("{}: {}; expected a JPEG or PNG image", name,
                            text.empty() ? "the file is empty" : "neither JPEG nor PNG inside"));
}

ImageShape probe_image(std::span<const std::byte> bytes, const std::string& name,
                       std::int64_t max_pixels) {
  return image_mime(bytes, name) == "image/png" ? probe_png(bytes, name, max_pixels)
                                                : probe_jpeg(bytes, name, max_pixels);
}

void decode_image(std::span<const std::byte> bytes, const std::string& name,
                  const DecodeOptions& options, const ImageShape& expected,
                  std::span<std::uint8_t> out) {
  const ImageShape shape = probe_image(bytes, name, options.max_pixels);
  require_shape(transformed_shape(shape, options.transform), expected, name);
  const auto decode = image_mime(bytes, name) == "image/png" ? decode_png : decode_jpeg;
  if (options.transform.keeps()) {
    decode(bytes, name, shape, out);
    return;
  }
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.size()));
  decode(bytes, name, shape, pixels);
  transform_image(pixels, shape, options.transform, out);
}

}  // namespace winnow::io
