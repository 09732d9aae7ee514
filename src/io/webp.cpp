#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>

#include "io/exif.hpp"
#include "io/image_codecs.hpp"
#include "io/image_decode.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

Orientation stored_orientation(const WebPData& file) {
  const std::unique_ptr<WebPDemuxer, DemuxerDeleter> demuxer(WebPDemux(&file));
  if (!demuxer || (WebPDemuxGetI(demuxer.get(), WEBP_FF_FORMAT_FLAGS) & EXIF_FLAG) == 0) return 1;
  WebPChunkIterator chunk{};
  if (WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) == 0) return 1;
  const Orientation found =
      exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size)));
  WebPDemuxReleaseChunkIterator(&chunk);
  return found;
}

/// libwebp has no reading by rows of what is complete: start() decodes the whole image.
class WebpReader final : public ImageReader {
 public:
  WebpReader(std::span<const std::byte> bytes, const std::string& name, std::int64_t max_pixels)
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to uchar
      : file_{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, name_(name) {
    WebPBitstreamFeatures features;
    check(WebPGetFeatures(file_.bytes, file_.size, &features));
    if (features.has_animation != 0) {
      throw BadFile(
          fmt::format("{}: an animated WebP; expected a single picture; extract one frame", name_));
    }
    shape_ = checked_image_shape(features.height, features.width, 3, name_, max_pixels);
    orientation_ = stored_orientation(file_);
  }

  PixelRange start(PixelRange rows, PixelRange /*columns*/) override {
    const auto size = static_cast<std::size_t>(shape_.size());
    pixels_ = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    WebPDecoderConfig config;
    WebPInitDecoderConfig(&config);
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = {pixels_.get(), 3 * shape_.width, size};
    check(WebPDecode(file_.bytes, file_.size, &config));
    next_row_ = rows.begin;
    return {0, shape_.width};
  }

  void read_row(std::span<std::uint8_t> out) override {
    std::copy_n(pixels_.get() + next_row_++ * 3 * shape_.width, out.size(), out.begin());
  }

  void finish() override {}

 private:
  void check(VP8StatusCode status) const {
    if (status == VP8_STATUS_OK) return;
    if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
    throw BadFile(fmt::format(
        "{}: damaged WebP: {}; make or copy the file again", name_,
        status == VP8_STATUS_NOT_ENOUGH_DATA ? "it is truncated" : "its bitstream is not valid"));
  }

  WebPData file_;
  const std::string& name_;
  std::unique_ptr<std::uint8_t[]> pixels_;
  std::int64_t next_row_ = 0;
};

}  // namespace

std::unique_ptr<ImageReader> open_webp(std::span<const std::byte> bytes, const std::string& name,
                                       std::int64_t max_pixels) {
  return std::make_unique<WebpReader>(bytes, name, max_pixels);
}

}  // namespace winnow::io
