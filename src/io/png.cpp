#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <string_view>
#include <vector>

#include "io/exif.hpp"
#include "io/image_codecs.hpp"
#include "io/image_decode.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

/// Of a chunk beside the pixels, bytes; and how many of these are kept.
constexpr png_alloc_size_t max_chunk_size = 4 << 20;
constexpr png_uint_32 max_chunks = 64;
constexpr std::size_t signature_size = 8;

/// libpng's reading state over bytes in memory. libpng reports errors by longjmp: the functions
/// that set the jump hold no object with a destructor, and return false when it was taken.
class PngReader final : public ImageReader {
 public:
  PngReader(std::span<const std::byte> bytes, const std::string& name, std::int64_t max_pixels)
      : bytes_(bytes), name_(name), state_(this) {
    pixels_at_ = check_chunks(signature_size, "IDAT");
    if (!read_header()) fail();
    shape_ = checked_image_shape(png_get_image_height(png(), info()),
                                 png_get_image_width(png(), info()), 3, name_, max_pixels);
    png_bytep exif = nullptr;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(png(), info(), &size, &exif) != 0) {
      orientation_ = exif_orientation(std::as_bytes(std::span(exif, size)));
    }
    interlaced_ = png_get_interlace_type(png(), info()) != PNG_INTERLACE_NONE;
  }

  PixelRange start(PixelRange rows, PixelRange /*columns*/) override {
    check_chunks(pixels_at_, "IEND");
    if (!start_rows()) fail();
    if (interlaced_) {
      const auto height = static_cast<std::size_t>(shape_.height);
      pixels_ = std::make_unique_for_overwrite<std::uint8_t[]>(height * row_size());
      std::vector<png_bytep> all;
      all.reserve(height);
      for (std::size_t i = 0; i < height; ++i) all.push_back(pixels_.get() + i * row_size());
      if (!read_image(all.data())) fail();
      next_row_ = rows.begin;
    } else {
      pixels_ = std::make_unique_for_overwrite<std::uint8_t[]>(row_size());
      pass_over(rows.begin);
    }
    return {0, shape_.width};
  }

  void read_row(std::span<std::uint8_t> out) override {
    if (interlaced_) {
      std::copy_n(pixels_.get() + static_cast<std::size_t>(next_row_) * row_size(), out.size(),
                  out.begin());
    } else if (!read_line(out.data())) {
      fail();
    }
    ++next_row_;
  }

  void finish() override {
    if (!interlaced_) pass_over(shape_.height);
    if (!read_end()) fail();
  }

 private:
  /// libpng's two structures.
  class State {
   public:
    explicit State(PngReader* reader) {
      png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, &on_error, &on_warning);
      if (png_ != nullptr) info_ = png_create_info_struct(png_);
      if (info_ == nullptr) {
        png_destroy_read_struct(&png_, nullptr, nullptr);
        throw std::bad_alloc();
      }
      png_set_read_fn(png_, reader, &on_read);
    }
    ~State() { png_destroy_read_struct(&png_, &info_, nullptr); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    png_structp png() const { return png_; }
    png_infop info() const { return info_; }

   private:
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
  };

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

  /// libpng makes room for some chunks before it looks whether their bytes are there.
  /// @return  Where the first chunk of type `last` begins, or the last one that is there.
  std::size_t check_chunks(std::size_t at, std::string_view last) const {
    constexpr std::size_t frame = 12;  // length, type, checksum
    std::size_t begin = at;
    while (bytes_.size() - begin >= frame) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to uchar
      const auto* chunk = reinterpret_cast<png_const_bytep>(bytes_.data() + begin);
      const std::size_t size = png_get_uint_32(chunk);
      const std::size_t left = bytes_.size() - begin - frame;
      if (size > left) {
        throw BadFile(fmt::format(
            "{}: damaged PNG: the chunk at byte {} claims {} bytes, but the file has {} left; make "
            "or copy the file again",
            name_, begin, size, left));
      }
      at = begin;
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
      if (std::string_view(reinterpret_cast<const char*>(chunk) + 4, 4) == last) break;
      begin += frame + size;
    }
    return at;
  }

  png_structp png() const { return state_.png(); }
  png_infop info() const { return state_.info(); }
  std::size_t row_size() const { return std::size_t{3} * static_cast<std::size_t>(shape_.width); }

  bool read_header() {
    // NOLINTNEXTLINE(cert-err52-cpp): libpng's way to report errors
    if (setjmp(png_jmpbuf(png())) != 0) return false;
    png_set_user_limits(png(), PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png(), max_chunk_size);
    png_set_chunk_cache_max(png(), max_chunks);
    png_read_info(png(), info());
    return true;
  }

  bool start_rows() {
    // NOLINTNEXTLINE(cert-err52-cpp): libpng's way to report errors
    if (setjmp(png_jmpbuf(png())) != 0) return false;
    png_set_expand(png());
    png_set_scale_16(png());
    png_set_strip_alpha(png());
    png_set_gray_to_rgb(png());
    png_set_interlace_handling(png());
    png_read_update_info(png(), info());
    if (png_get_rowbytes(png(), info()) != row_size()) png_error(png(), "unexpected pixel layout");
    return true;
  }

  bool read_image(png_bytepp rows) {
    // NOLINTNEXTLINE(cert-err52-cpp): libpng's way to report errors
    if (setjmp(png_jmpbuf(png())) != 0) return false;
    png_read_image(png(), rows);
    return true;
  }

  bool read_line(png_bytep row) {
    // NOLINTNEXTLINE(cert-err52-cpp): libpng's way to report errors
    if (setjmp(png_jmpbuf(png())) != 0) return false;
    png_read_row(png(), row, nullptr);
    return true;
  }

  bool read_end() {
    // NOLINTNEXTLINE(cert-err52-cpp): libpng's way to report errors
    if (setjmp(png_jmpbuf(png())) != 0) return false;
    png_read_end(png(), nullptr);
    return true;
  }

  void pass_over(std::int64_t end) {
    for (; next_row_ < end; ++next_row_) {
      if (!read_line(pixels_.get())) fail();
    }
  }

  [[noreturn]] void fail() const {
    throw BadFile(fmt::format("{}: damaged PNG near byte {}: {}; make or copy the file again",
                              name_, position_, message_));
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t position_ = 0;
  std::size_t pixels_at_ = 0;  ///< First chunk of pixels.
  char message_[160] = {};
  State state_;
  bool interlaced_ = false;
  std::unique_ptr<std::uint8_t[]> pixels_;  ///< Of an interlaced image all, else of one row.
  std::int64_t next_row_ = 0;
};

}  // namespace

std::unique_ptr<ImageReader> open_png(std::span<const std::byte> bytes, const std::string& name,
                                      std::int64_t max_pixels) {
  return std::make_unique<PngReader>(bytes, name, max_pixels);
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
