#include "io/image_orientation.hpp"

#include <libexif/exif-data.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <string_view>
#include <vector>

namespace winnow::io {

namespace {

constexpr std::string_view exif_mark("Exif\0\0", 6);

struct ExifDeleter {
  void operator()(ExifData* data) const { exif_data_unref(data); }
};

bool exchanges_sides(Orientation orientation) { return orientation >= 5; }

}  // namespace

Orientation exif_orientation(std::span<const std::byte> exif) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to uchar
  const auto* bytes = reinterpret_cast<const unsigned char*>(exif.data());
  std::vector<unsigned char> block(exif_mark.begin(), exif_mark.end());
  const bool marked =
      exif.size() >= exif_mark.size() && std::equal(exif_mark.begin(), exif_mark.end(), bytes);
  block.insert(block.end(), bytes + (marked ? exif_mark.size() : 0), bytes + exif.size());

  const std::unique_ptr<ExifData, ExifDeleter> data(exif_data_new());
  if (!data) throw std::bad_alloc();
  exif_data_unset_option(data.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
  exif_data_load_data(data.get(), block.data(), static_cast<unsigned int>(block.size()));
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->components != 1) return 1;
  const int value = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return value >= 1 && value <= 8 ? value : 1;
}

ImageShape upright_shape(const ImageShape& stored, Orientation orientation) {
  if (!exchanges_sides(orientation)) return stored;
  return {stored.width, stored.height, stored.channels};
}

void turn_upright(std::span<const std::uint8_t> pixels, const ImageShape& stored,
                  Orientation orientation, std::span<std::uint8_t> out) {
  assert(pixels.size() == out.size() && orientation >= 1 && orientation <= 8);
  const ImageShape upright = upright_shape(stored, orientation);
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const std::int64_t row = std::int64_t{stored.width} * stored.channels;
  const std::int64_t down = from_bottom ? -row : row;
  const std::int64_t right = from_right ? -stored.channels : stored.channels;
  const std::int64_t start =
      (from_bottom ? (stored.height - 1) * row : 0) + (from_right ? row - stored.channels : 0);
  const std::int64_t next_row = exchanges_sides(orientation) ? right : down;
  const std::int64_t next_pixel = exchanges_sides(orientation) ? down : right;
  std::uint8_t* to = out.data();
  for (int y = 0; y < upright.height; ++y) {
    const std::uint8_t* from = pixels.data() + start + y * next_row;
    for (int x = 0; x < upright.width; ++x, from += next_pixel) {
      to = std::copy_n(from, upright.channels, to);
    }
  }
}

}  // namespace winnow::io
