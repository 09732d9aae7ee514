#pragma once

#include <cstdint>
#include <span>

#include "io/image_transform.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// Base of datasets whose pixels lie decoded in a file: derived classes give the pixels of one
/// image, this one transforms and encodes them.
class RawImages : public Dataset {
 public:
  bool has_images() const final { return true; }
  ImageShape image_shape() const final { return shape_; }
  void read_images(std::span<const std::int64_t> ids, std::span<std::uint8_t> out) const final;
  /// A PNG of the pixels in the file, before they are resized.
  EncodedImage encoded_image(std::int64_t id) const final;

 protected:
  /// @param source  Shape of every image in the file.
  void set_shape(const ImageShape& source, const ReadingOptions& reading);
  /// Pixels of one image as it is in the file, HWC, [source.size()].
  virtual void copy_pixels(std::int64_t id, std::span<std::uint8_t> out) const = 0;
  /// Called after copy_pixels(). @throws BadFile when the file shrank meanwhile.
  virtual void require_intact() const {}

 private:
  ImageShape source_;
  ImageShape shape_;
  ImageTransform transform_;
};

}  // namespace winnow::io
