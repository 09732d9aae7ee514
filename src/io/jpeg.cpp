#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE and size_t before it

#include <fmt/format.h>
#include <jpeglib.h>

#include <jerror.h>

#include "io/image_codecs.hpp"
#include "io/image_decode.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

/// libjpeg's decompressor over bytes in memory. libjpeg reports errors by a function that must not
/// return: the functions that set the jump hold no object with a destructor, and return false when
/// it was taken.
class JpegReader {
 public:
  JpegReader(std::span<const std::byte> bytes, const std::string& name)
      : bytes_(bytes), name_(name) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = &on_error;
    errors_.emit_message = &on_message;
    errors_.output_message = [](j_common_ptr /*info*/) {};
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  ImageShape shape(std::int64_t max_pixels) {
    if (!read_header()) fail();
    const auto space = info_.jpeg_color_space;
    if (space != JCS_GRAYSCALE && space != JCS_YCbCr && space != JCS_RGB) {
      throw BadFile(fmt::format("{}: {} JPEG; expected grey or RGB; convert it to RGB", name_,
                                space == JCS_CMYK || space == JCS_YCCK
                                    ? "a CMYK"
                                    : fmt::format("a {}-channel", info_.num_components)));
    }
    return checked_image_shape(info_.image_height, info_.image_width, 3, name_, max_pixels);
  }

  /// RGB; after shape().
  void pixels(std::uint8_t* out) {
    if (!read_pixels(out)) fail();
  }

 private:
  static void on_error(j_common_ptr info) {
    auto* self = static_cast<JpegReader*>(info->client_data);
    info->err->format_message(info, self->message_);
    std::longjmp(self->jump_, 1);  // NOLINT(cert-err52-cpp): libjpeg leaves no other way
  }

  /// libjpeg fills what is missing of a damaged image with grey and only warns; that is an error
  /// here. Other warnings, as of bytes between segments, are harmless.
  static void on_message(j_common_ptr info, int level) {
    const int code = info->err->msg_code;
    if (level < 0 &&
        (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE)) {
      on_error(info);
    }
  }

  bool read_header() {
    // NOLINTNEXTLINE(cert-err52-cpp): libjpeg leaves no other way
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to uchar
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  bool read_pixels(std::uint8_t* out) {
    // NOLINTNEXTLINE(cert-err52-cpp): libjpeg leaves no other way
    if (setjmp(jump_) != 0) return false;
    info_.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = out + std::size_t{3} * info_.output_width * info_.output_scanline;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  [[noreturn]] void fail() const {
    throw BadFile(
        fmt::format("{}: damaged JPEG: {}; make or copy the file again", name_, message_));
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf jump_{};
  char message_[JMSG_LENGTH_MAX] = {};
};

}  // namespace

ImageShape probe_jpeg(std::span<const std::byte> bytes, const std::string& name,
                      std::int64_t max_pixels) {
  return JpegReader(bytes, name).shape(max_pixels);
}

void decode_jpeg(std::span<const std::byte> bytes, const std::string& name, const ImageShape& shape,
                 std::span<std::uint8_t> out) {
  JpegReader reader(bytes, name);
  require_shape(reader.shape(shape.size()), shape, name);
  reader.pixels(out.data());
}

}  // namespace winnow::io
