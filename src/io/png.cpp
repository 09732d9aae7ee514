#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <vector>

#include "io/image_codecs.hpp"
#include "io/image_decode.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

/// libpng's reading state over bytes in memory. libpng reports errors by longjmp: the functions
/// that set the jump hold no object with a destructor, and return false when it was taken.
class PngReader {
 public:
  PngReader(std::span<const std::byte> bytes, const std::string& name)
      : bytes_(bytes), name_(name) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &on_error, &on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
    png_set_read_fn(png_, this, &on_read);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  ImageShape shape(std::int64_t max_pixels) {
    if (!read_header()) fail();
    return checked_image_shape(png_get_image_height(png_, info_), png_get_image_width(png_, info_),
                               3, name_, max_pixels);
  }

  /// All pixels as 8-bit RGBA; after shape().
  std::vector<std::uint8_t> pixels(const ImageShape& shape) {
    const std::size_t row_bytes = std::size_t{4} * static_cast<std::size_t>(shape.width);
    std::vector<std::uint8_t> rgba(row_bytes * static_cast<std::size_t>(shape.height));
    std::vector<png_bytep> rows;
    rows.reserve(static_cast<std::size_t>(shape.height));
    for (int i = 0; i < shape.height; ++i) rows.push_back(rgba.data() + i * row_bytes);
    if (!read_pixels(rows.data(), row_bytes)) fail();
    return rgba;
  }

 private:
  static void on_error(png_structp png, png_const_charp message) {
    auto* self = static_cast<PngReader*>(png_get_error_ptr(png));
    std::strncpy(self->message_, message, sizeof(self->message_) - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}
  static void on_read(png_structp png, png_bytep out, png_size_t size) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (size > self->bytes_.size() - self->position_) png_error(png, "truncated");
    std::memcpy(out, self->bytes_.data() + self->position_, size);
    self->position_ += size;
  }

  bool read_header() {
    // NOLINTNEXTLINE(cert-err52-cpp): libpng's way to report errors
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_read_info(png_, info_);
    return true;
  }

  bool read_pixels(png_bytepp rows, std::size_t row_bytes) {
    // NOLINTNEXTLINE(cert-err52-cpp): libpng's way to report errors
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_gray_to_rgb(png_);
    png_set_add_alpha(png_, 0xFF, PNG_FILLER_AFTER);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != row_bytes) png_error(png_, "unexpected pixel layout");
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  [[noreturn]] void fail() const {
    throw BadFile(fmt::format("{}: damaged PNG near byte {}: {}; make or copy the file again",
                              name_, position_, message_));
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t position_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  char message_[160] = {};
};

}  // namespace

ImageShape probe_png(std::span<const std::byte> bytes, const std::string& name,
                     std::int64_t max_pixels) {
  return PngReader(bytes, name).shape(max_pixels);
}

void decode_png(std::span<const std::byte> bytes, const std::string& name, const ImageShape& shape,
                std::span<std::uint8_t> out) {
  PngReader reader(bytes, name);
  require_shape(reader.shape(shape.size()), shape, name);
  const std::vector<std::uint8_t> rgba = reader.pixels(shape);
  for (std::size_t i = 0; i < out.size() / 3; ++i) {
    const unsigned alpha = rgba[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      out[3 * i + c] = static_cast<std::uint8_t>((rgba[4 * i + c] * alpha + 127) / 255);
    }
  }
}

std::string encode_png(std::span<const std::uint8_t> pixels, const ImageShape& shape) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(shape.width);
  image.height = static_cast<png_uint_32>(shape.height);
  image.format = shape.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    throw WorkFailed(fmt::format("cannot encode a PNG of {} x {} pixels: {}", shape.height,
                                 shape.width, image.message));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace winnow::io
