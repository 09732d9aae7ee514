#include "embedding/file_encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::embedding {

std::string content_hash(const std::filesystem::path& file) {
  const MappedFile content(file);
  return content.intact([&] {
    Hasher hasher;
    hasher.add(content.bytes().data(), content.bytes().size());
    return hash_text(hasher.digest());
  });
}

std::vector<std::uint8_t> read_range(const io::Dataset& dataset, std::int64_t begin,
                                     std::int64_t count) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), begin);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * dataset.image_shape().size()));
  dataset.read_images(ids, pixels);
  return pixels;
}

void require_finite_rows(MatrixView<const float> rows, const io::Dataset& dataset,
                         std::int64_t begin, const std::string& encoder) {
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    const auto bad = std::ranges::find_if(row, [](float value) { return !std::isfinite(value); });
    if (bad == row.end()) continue;
    throw NonFiniteInput(fmt::format(
        "{}: the embedding of {} row {} ({}) has {} in column {}; expected finite values; look at "
        "that image, or whether the encoder was trained and exported well",
        encoder, dataset.name(), begin + i, dataset.key(begin + i), *bad, bad - row.begin()));
  }
}

}  // namespace winnow::embedding
