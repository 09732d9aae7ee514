#include "io/image_codecs.hpp"
#include "io/image_decode.hpp"
#include "winnow/core/not_built.hpp"

namespace winnow::io {

namespace {

constexpr const char* option = "WINNOW_IMAGES";

}  // namespace

std::unique_ptr<ImageReader> open_jpeg(std::span<const std::byte> /*bytes*/,
                                       const std::string& name, std::int64_t /*max_pixels*/) {
  throw_not_built(name + ": JPEG images", "libjpeg-turbo and libexif", option);
}

std::unique_ptr<ImageReader> open_png(std::span<const std::byte> /*bytes*/, const std::string& name,
                                      std::int64_t /*max_pixels*/) {
  throw_not_built(name + ": PNG images", "libpng and libexif", option);
}

std::unique_ptr<ImageReader> open_webp(std::span<const std::byte> /*bytes*/,
                                       const std::string& name, std::int64_t /*max_pixels*/) {
  throw_not_built(name + ": WebP images", "libwebp and libexif", option);
}

std::string encode_png(std::span<const std::uint8_t> /*pixels*/, const ImageShape& /*shape*/) {
  throw_not_built("images to look at", "libpng", option);
}

}  // namespace winnow::io
