#include "embedding/pixels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::embedding {

namespace {

/// Numbers that are read at a time.
constexpr std::int64_t values_per_block = std::int64_t{1} << 24U;

std::int64_t width_of(const io::Dataset& dataset) {
  return dataset.has_images() ? dataset.image_shape().size() : dataset.vector_width();
}

/// Raw rows from `begin`: pixels / 255 or plain vectors.
void read_rows(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(out.rows()));
  std::iota(ids.begin(), ids.end(), begin);
  if (!dataset.has_images()) {
    dataset.read_vectors(ids, {out.data(), static_cast<std::size_t>(out.size())});
    return;
  }
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(out.size()));
  dataset.read_images(ids, pixels);
  std::transform(pixels.begin(), pixels.end(), out.data(),
                 [](std::uint8_t value) { return static_cast<float>(value) / 255.0F; });
}

class Pixels final : public Encoder {
 public:
  explicit Pixels(std::vector<double> mean) : mean_(std::move(mean)) {}

  std::int64_t dimensions() const override { return static_cast<std::int64_t>(mean_.size()); }
  std::int64_t group_size() const override { return 1; }

 private:
  void encode_range(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
                    Progress& progress) const override {
    if (width_of(dataset) != dimensions()) {
      throw InvalidArgument(
          fmt::format("{}: examples have {} numbers; the encoder was fitted on {}", dataset.name(),
                      width_of(dataset), dimensions()));
    }
    const std::int64_t block = std::max<std::int64_t>(1, values_per_block / dimensions());
    for (std::int64_t row = 0; row < out.rows(); row += block) {
      const auto rows = out.block(row, std::min(block, out.rows() - row));
      read_rows(dataset, begin + row, rows);
      parallel_blocks(rows.rows(), progress, [&](std::int64_t i) {
        const auto values = rows.row(i);
        for (std::size_t j = 0; j < values.size(); ++j) {
          values[j] = static_cast<float>(values[j] - mean_[j]);
        }
      });
      progress.advance(rows.rows());
    }
  }

  std::vector<double> mean_;
};

}  // namespace

std::unique_ptr<Encoder> fit_pixels(const io::Dataset& dataset, Progress& progress) {
  const std::int64_t width = width_of(dataset);
  const std::int64_t block = std::clamp<std::int64_t>(values_per_block / width, 1, dataset.size());
  std::vector<double> mean(static_cast<std::size_t>(width));
  Matrix<float> rows(block, width);
  progress.stage("mean of pixels", dataset.size(), "examples");
  for (std::int64_t begin = 0; begin < dataset.size(); begin += block) {
    const auto part = rows.view().block(0, std::min(block, dataset.size() - begin));
    read_rows(dataset, begin, part);
    for (std::int64_t i = 0; i < part.rows(); ++i) {
      const auto row = part.row(i);
      for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += row[j];
    }
    progress.advance(part.rows());
    progress.throw_if_cancelled();
  }
  for (double& value : mean) value /= static_cast<double>(dataset.size());
  progress.done("");
  return std::make_unique<Pixels>(std::move(mean));
}

}  // namespace winnow::embedding
