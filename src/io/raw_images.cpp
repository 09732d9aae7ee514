#include "io/raw_images.hpp"

#include <algorithm>
#include <vector>

#include "io/datasets.hpp"
#include "io/image_decode.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::io {

namespace {

constexpr std::int64_t images_per_block = 64;

}  // namespace

void RawImages::set_shape(const ImageShape& source, const ReadingOptions& reading) {
  source_ = source;
  transform_ = ImageTransform::of(reading);
  shape_ = transformed_shape(source_, transform_);
}

void RawImages::read_images(std::span<const std::int64_t> ids, std::span<std::uint8_t> out) const {
  check_request(*this, ids, out.size(), shape_.size());
  const auto size = static_cast<std::size_t>(shape_.size());
  const auto count = static_cast<std::int64_t>(ids.size());
  const std::int64_t n_blocks = (count + images_per_block - 1) / images_per_block;
  parallel_blocks(n_blocks, silent(), [&](std::int64_t block) {
    const std::int64_t end = std::min(count, (block + 1) * images_per_block);
    std::vector<std::uint8_t> source(transform_.keeps() ? 0
                                                        : static_cast<std::size_t>(source_.size()));
    for (std::int64_t i = block * images_per_block; i < end; ++i) {
      const std::int64_t id = ids[static_cast<std::size_t>(i)];
      const auto pixels = out.subspan(static_cast<std::size_t>(i) * size, size);
      if (transform_.keeps()) {
        copy_pixels(id, pixels);
      } else {
        copy_pixels(id, source);
        transform_image(source, source_, transform_, pixels);
      }
    }
  });
  require_intact();
}

EncodedImage RawImages::encoded_image(std::int64_t id) const {
  check_request(*this, {&id, 1}, 0, 0);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(source_.size()));
  copy_pixels(id, pixels);
  require_intact();
  return {"image/png", encode_png(pixels, source_)};
}

}  // namespace winnow::io
