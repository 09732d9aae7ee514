#include "embedding/pixels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {

namespace {

class Pixels final : public Encoder {
 public:
  explicit Pixels(std::vector<double> mean) : mean_(std::move(mean)) {}

  std::int64_t dimensions() const override { return static_cast<std::int64_t>(mean_.size()); }

  Matrix<float> encode(const io::Dataset& dataset, Progress& progress) const override {
    Matrix<float> rows = read_rows(dataset, progress);
    if (rows.cols() != dimensions()) {
      throw InvalidArgument(
          fmt::format("{}: examples have {} numbers; the encoder was fitted on {}", dataset.name(),
                      rows.cols(), dimensions()));
    }
    parallel_blocks(rows.rows(), silent(), [&](std::int64_t i) {
      const auto row = rows.row(i);
      for (std::size_t j = 0; j < row.size(); ++j) row[j] = static_cast<float>(row[j] - mean_[j]);
    });
    return rows;
  }

 private:
  std::vector<double> mean_;
};

}  // namespace

Matrix<float> read_rows(const io::Dataset& dataset, Progress& progress) {
  constexpr std::int64_t block = 4096;
  const bool images = dataset.has_images();
  const std::int64_t width = images ? dataset.image_shape().size() : dataset.vector_width();
  Matrix<float> rows(dataset.size(), width);
  progress.stage("read", dataset.size(), "examples");
  std::vector<std::uint8_t> pixels;
  for (std::int64_t begin = 0; begin < dataset.size(); begin += block) {
    const std::int64_t count = std::min(block, dataset.size() - begin);
    std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
    std::iota(ids.begin(), ids.end(), begin);
    float* target = rows.row(begin).data();
    if (images) {
      pixels.resize(static_cast<std::size_t>(count * width));
      dataset.read_images(ids, pixels);
      std::transform(pixels.begin(), pixels.end(), target,
                     [](std::uint8_t value) { return static_cast<float>(value) / 255.0F; });
    } else {
      dataset.read_vectors(ids, {target, static_cast<std::size_t>(count * width)});
    }
    progress.advance(count);
    progress.throw_if_cancelled();
  }
  progress.done("");
  return rows;
}

std::unique_ptr<Encoder> fit_pixels(const io::Dataset& dataset, Progress& progress) {
  return std::make_unique<Pixels>(numerics::column_means(read_rows(dataset, progress)));
}

}  // namespace winnow::embedding
