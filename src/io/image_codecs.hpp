#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "io/image_orientation.hpp"
#include "io/image_resample.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// One image file whose header has been read and whose pixels come row by row, as 8-bit RGB.
/// Calls in order: reduce() if wanted, start(), read_row() for every row, finish().
///
/// Errors of the file, found at any call, are BadFile. Bytes and name outlive the reader.
class ImageReader {
 public:
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;
  virtual ~ImageReader() = default;

  /// As stored, not turned; three channels. Nothing of the image's size has been
  /// allocated yet.
  const ImageShape& shape() const { return shape_; }
  Orientation orientation() const { return orientation_; }

  /// Makes the image smaller while decoding where that is cheap: each pixel then stands for
  /// `factor` x `factor` stored ones, those at the end for what is left. `factor` is 2, 4 or 8.
  /// @return Whether it will.
  virtual bool reduce(int /*factor*/) { return false; }

  /// Goes to the first row of `rows`.
  /// @return The columns that rows will hold, `columns` or more.
  virtual PixelRange start(PixelRange rows, PixelRange columns) = 0;
  /// The next row. @param out  3 x the columns that start() told.
  virtual void read_row(std::span<std::uint8_t> out) = 0;
  /// Looks for damage in what was not read.
  virtual void finish() = 0;

 protected:
  ImageReader() = default;

  ImageShape shape_;
  Orientation orientation_ = 1;
};

/// @throws BadFile also when there are more than `max_pixels` pixels.
std::unique_ptr<ImageReader> open_jpeg(std::span<const std::byte> bytes, const std::string& name,
                                       std::int64_t max_pixels);
std::unique_ptr<ImageReader> open_png(std::span<const std::byte> bytes, const std::string& name,
                                      std::int64_t max_pixels);
std::unique_ptr<ImageReader> open_webp(std::span<const std::byte> bytes, const std::string& name,
                                       std::int64_t max_pixels);

}  // namespace winnow::io
