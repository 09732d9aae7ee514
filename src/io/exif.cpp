#include "io/exif.hpp"

#include <libexif/exif-data.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

namespace winnow::io {

namespace {

constexpr std::string_view exif_mark("Exif\0\0", 6);

struct ExifDeleter {
  void operator()(ExifData* data) const { exif_data_unref(data); }
};

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

}  // namespace winnow::io
