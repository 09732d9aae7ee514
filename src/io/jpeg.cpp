#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE and size_t before it

#include <fmt/format.h>
#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "io/exif.hpp"
#include "io/image_codecs.hpp"
#include "io/image_decode.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

/// Progressive files have about ten scans; a small file of very many, each of which is decoded over
/// the whole image, keeps a decoder busy for hours.
constexpr int max_scans = 500;

/// Ink to light as Pillow converts it: (255 - ink) * black / 255, rounded. Both are stored
/// inverted, as Adobe does and Pillow takes for granted.
std::uint8_t light(int inverted_ink, int inverted_black) {
  const int product = (255 - inverted_ink) * inverted_black + 128;
  const int shade = ((product >> 8) + product) >> 8;
  return static_cast<std::uint8_t>(inverted_black - shade);
}

/// libjpeg's decompressor over bytes in memory. libjpeg reports errors by a function that must not
/// return: the functions that set the jump hold no object with a destructor, and return false when
/// it was taken. Settings are libjpeg's defaults, which are Pillow's: exact integer DCT, smooth
/// upsampling of colours.
class JpegReader final : public ImageReader {
 public:
  JpegReader(std::span<const std::byte> bytes, const std::string& name, std::int64_t max_pixels)
      : bytes_(bytes), name_(name) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = &on_error;
    errors_.emit_message = &on_message;
    errors_.output_message = [](j_common_ptr /*info*/) {};
    progress_.progress_monitor = &on_progress;
    const bool read = read_header();
    if (!read) destroy_and_fail();
    try {
      take_header(max_pixels);
    } catch (...) {
      jpeg_destroy_decompress(&info_);
      throw;
    }
  }
  ~JpegReader() override { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool reduce(int factor) override {
    info_.scale_num = static_cast<unsigned int>(8 / factor);
    info_.scale_denom = 8;
    return true;
  }

  PixelRange start(PixelRange rows, PixelRange columns) override {
    // Next to the columns that are decoded, colours are smoothed as at the image's border.
    constexpr std::int64_t margin = 2;
    if (!start_output()) fail();
    const std::int64_t begin = std::max<std::int64_t>(0, columns.begin - margin);
    const std::int64_t end = std::min<std::int64_t>(info_.output_width, columns.end + margin);
    left_ = static_cast<JDIMENSION>(begin);
    if (!crop_and_skip(static_cast<JDIMENSION>(end - begin), static_cast<JDIMENSION>(rows.begin))) {
      fail();
    }
    if (info_.out_color_space == JCS_CMYK) inks_.resize(std::size_t{4} * info_.output_width);
    return {left_, std::int64_t{left_} + info_.output_width};
  }

  void read_row(std::span<std::uint8_t> out) override {
    if (info_.out_color_space != JCS_CMYK) {
      if (!read_line(out.data())) fail();
      return;
    }
    if (!read_line(inks_.data())) fail();
    for (std::size_t i = 0; i < inks_.size() / 4; ++i) {
      const std::uint8_t* ink = inks_.data() + 4 * i;
      for (std::size_t c = 0; c < 3; ++c) out[3 * i + c] = light(ink[c], ink[3]);
    }
  }

  void finish() override {
    std::vector<std::uint8_t> last(std::size_t{4} * info_.output_width);
    if (!read_rest(last.data())) fail();
  }

 private:
  static JpegReader* self_of(j_common_ptr info) {
    return static_cast<JpegReader*>(info->client_data);
  }

  static void on_error(j_common_ptr info) {
    info->err->format_message(info, self_of(info)->message_);
    std::longjmp(self_of(info)->jump_, 1);  // NOLINT(cert-err52-cpp): libjpeg leaves no other way
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

  static void on_progress(j_common_ptr info) {
    JpegReader* self = self_of(info);
    if (self->info_.input_scan_number <= max_scans) return;
    std::snprintf(self->message_, sizeof(self->message_), "more than %d scans", max_scans);
    std::longjmp(self->jump_, 1);  // NOLINT(cert-err52-cpp): libjpeg leaves no other way
  }

  bool read_header() {
    // NOLINTNEXTLINE(cert-err52-cpp): libjpeg leaves no other way
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to uchar
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  void take_header(std::int64_t max_pixels) {
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE:
      case JCS_YCbCr:
      case JCS_RGB:
        info_.out_color_space = JCS_RGB;
        break;
      case JCS_CMYK:
      case JCS_YCCK:
        info_.out_color_space = JCS_CMYK;
        break;
      default:
        throw BadFile(
            fmt::format("{}: a {}-channel JPEG; expected grey, RGB or CMYK; convert it to RGB",
                        name_, info_.num_components));
    }
    shape_ = checked_image_shape(info_.image_height, info_.image_width, 3, name_, max_pixels);
    constexpr std::string_view mark("Exif\0\0", 6);
    for (jpeg_saved_marker_ptr at = info_.marker_list; at != nullptr; at = at->next) {
      const auto block = std::as_bytes(std::span(at->data, at->data_length));
      if (block.size() < mark.size() || std::memcmp(at->data, mark.data(), mark.size()) != 0) {
        continue;
      }
      orientation_ = exif_orientation(block);
      return;
    }
  }

  bool start_output() {
    // NOLINTNEXTLINE(cert-err52-cpp): libjpeg leaves no other way
    if (setjmp(jump_) != 0) return false;
    jpeg_start_decompress(&info_);
    return true;
  }

  /// Moves `left_` to where the columns that libjpeg can cut out begin.
  bool crop_and_skip(JDIMENSION width, JDIMENSION rows) {
    // NOLINTNEXTLINE(cert-err52-cpp): libjpeg leaves no other way
    if (setjmp(jump_) != 0) return false;
    if (width < info_.output_width) jpeg_crop_scanline(&info_, &left_, &width);
    if (rows > 0) jpeg_skip_scanlines(&info_, rows);
    return true;
  }

  bool read_line(JSAMPROW row) {
    // NOLINTNEXTLINE(cert-err52-cpp): libjpeg leaves no other way
    if (setjmp(jump_) != 0) return false;
    jpeg_read_scanlines(&info_, &row, 1);
    return true;
  }

  /// To skip the last row as well would be to stop before what is left of the file is decoded.
  bool read_rest(JSAMPROW row) {
    // NOLINTNEXTLINE(cert-err52-cpp): libjpeg leaves no other way
    if (setjmp(jump_) != 0) return false;
    if (info_.output_scanline + 1 < info_.output_height) {
      jpeg_skip_scanlines(&info_, info_.output_height - info_.output_scanline - 1);
    }
    while (info_.output_scanline < info_.output_height) jpeg_read_scanlines(&info_, &row, 1);
    jpeg_finish_decompress(&info_);
    return true;
  }

  [[noreturn]] void destroy_and_fail() {
    jpeg_destroy_decompress(&info_);
    fail();
  }

  [[noreturn]] void fail() const {
    throw BadFile(
        fmt::format("{}: damaged JPEG: {}; make or copy the file again", name_, message_));
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  char message_[JMSG_LENGTH_MAX] = {};
  JDIMENSION left_ = 0;
  std::vector<std::uint8_t> inks_;
};

}  // namespace

std::unique_ptr<ImageReader> open_jpeg(std::span<const std::byte> bytes, const std::string& name,
                                       std::int64_t max_pixels) {
  return std::make_unique<JpegReader>(bytes, name, max_pixels);
}

}  // namespace winnow::io
