#pragma once

#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE and size_t before it

#include <jpeglib.h>

#include <cstdlib>
#include <span>
#include <string>
#include <vector>

// Used by tests and benchmarks.

namespace winnow::io {

/// A JPEG of RGB pixels, [height, width, 3]. `configure` changes libjpeg's defaults.
template <class Configure>
std::string write_jpeg(std::span<const std::uint8_t> pixels, int height, int width,
                       const Configure& configure) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_height = static_cast<JDIMENSION>(height);
  info.image_width = static_cast<JDIMENSION>(width);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  configure(info);
  jpeg_start_compress(&info, TRUE);
  const auto row_size = 3 * static_cast<std::size_t>(width);
  while (info.next_scanline < info.image_height) {
    const auto source = pixels.subspan(info.next_scanline * row_size, row_size);
    std::vector<std::uint8_t> row(source.begin(), source.end());  // libjpeg wants it writable
    JSAMPROW at = row.data();
    jpeg_write_scanlines(&info, &at, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): uchar to chars
  std::string found(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg allocated it
  return found;
}

}  // namespace winnow::io
