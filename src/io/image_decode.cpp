#include "io/image_decode.hpp"

#include <fmt/format.h>

#include <string_view>

#include "io/image_codecs.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

ImageShape checked_image_shape(std::int64_t height, std::int64_t width, int channels,
                               const std::string& name) {
  constexpr std::int64_t max_side = 16384;
  if (height < 1 || width < 1 || height > max_side || width > max_side) {
    throw BadFile(fmt::format("{}: an image of {} x {} pixels; expected sides in [1, {}]", name,
                              height, width, max_side));
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

ImageShape probe_image(std::span<const std::byte> bytes, const std::string& name) {
  return image_mime(bytes, name) == "image/png" ? probe_png(bytes, name) : probe_jpeg(bytes, name);
}

void decode_image(std::span<const std::byte> bytes, const std::string& name,
                  const ImageShape& shape, std::span<std::uint8_t> out) {
  if (image_mime(bytes, name) == "image/png") {
    decode_png(bytes, name, shape, out);
  } else {
    decode_jpeg(bytes, name, shape, out);
  }
}

}  // namespace winnow::io
