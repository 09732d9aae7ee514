#include "embedding/patch_kmeans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "embedding/patch_dictionary.hpp"
#include "embedding/projection.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::embedding {

namespace {

/// Images that are read at a time; of them, no more than make this many bytes.
constexpr std::int64_t images_per_block = 2048;
constexpr std::int64_t bytes_per_block = std::int64_t{1} << 28U;
constexpr double component_floor = 0.01;

/// Square roots of the pooled codes of images `ids`, [ids.size(), code_length()].
void pooled_codes(const PatchDictionary& dictionary, const io::Dataset& dataset,
                  std::span<const std::int64_t> ids, MatrixView<float> codes, Progress& progress) {
  constexpr std::int64_t images_per_task = 16;
  const std::int64_t image_bytes = dictionary.shape.size();
  const auto count = static_cast<std::int64_t>(ids.size());
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * image_bytes));
  dataset.read_images(ids, pixels);
  parallel_blocks((count + images_per_task - 1) / images_per_task, progress, [&](std::int64_t t) {
    thread_local PatchDictionary::Scratch scratch;
    const std::int64_t end = std::min((t + 1) * images_per_task, count);
    for (std::int64_t i = t * images_per_task; i < end; ++i) {
      const auto code = codes.row(i);
      dictionary.encode({pixels.data() + i * image_bytes, static_cast<std::size_t>(image_bytes)},
                        scratch, code);
      for (float& value : code) value = std::sqrt(value);
      progress.advance(1);
    }
  });
}

Matrix<float> pooled_codes(const PatchDictionary& dictionary, const io::Dataset& dataset,
                           std::span<const std::int64_t> ids, Progress& progress) {
  const auto count = static_cast<std::int64_t>(ids.size());
  const std::int64_t block =
      std::clamp<std::int64_t>(bytes_per_block / dictionary.shape.size(), 1, images_per_block);
  Matrix<float> codes(count, dictionary.code_length());
  for (std::int64_t begin = 0; begin < count; begin += block) {
    const std::int64_t size = std::min(block, count - begin);
    pooled_codes(dictionary, dataset,
                 ids.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size)),
                 codes.view().block(begin, size), progress);
  }
  return codes;
}

class PatchKMeans final : public Encoder {
 public:
  PatchKMeans(PatchDictionary dictionary, Projection projection)
      : dictionary_(std::move(dictionary)), projection_(std::move(projection)) {}

  std::int64_t dimensions() const override { return projection_.directions.rows(); }

  std::int64_t group_size() const override { return images_per_block; }

 private:
  void encode_range(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
                    Progress& progress) const override {
    if (dataset.image_shape() != dictionary_.shape) {
      const auto& shape = dataset.image_shape();
      throw InvalidArgument(fmt::format(
          "{}: images are {} x {} x {}; the encoder was fitted on {} x {} x {}", dataset.name(),
          shape.height, shape.width, shape.channels, dictionary_.shape.height,
          dictionary_.shape.width, dictionary_.shape.channels));
    }
    for (std::int64_t row = 0; row < out.rows(); row += images_per_block) {
      std::vector<std::int64_t> ids(
          static_cast<std::size_t>(std::min(images_per_block, out.rows() - row)));
      std::iota(ids.begin(), ids.end(), begin + row);
      Matrix<float> codes = pooled_codes(dictionary_, dataset, ids, progress);
      projection_.apply(codes, out.block(row, codes.rows()));
    }
  }

  PatchDictionary dictionary_;
  Projection projection_;
};

}  // namespace

std::unique_ptr<Encoder> fit_patch_kmeans(const io::Dataset& dataset, const EncoderOptions& options,
                                          Progress& progress) {
  PatchDictionary dictionary = fit_dictionary(dataset, options, progress);
  const std::int64_t images = std::min(options.fit_images, dataset.size());
  const std::int64_t dimensions =
      std::min({options.dimensions, dictionary.code_length(), dataset.size()});
  RandomStream stream(options.seed, "pca-images");
  std::vector<std::int64_t> ids = stream.sample(dataset.size(), images);
  std::sort(ids.begin(), ids.end());
  progress.stage("encode for components", images, "images");
  Matrix<float> codes = pooled_codes(dictionary, dataset, ids, progress);
  progress.done("");
  progress.stage("principal components", 0, "");
  Projection projection = fit_projection(codes, dimensions, component_floor, progress);
  progress.done(fmt::format("{} of {} kept", dimensions, codes.cols()));
  return std::make_unique<PatchKMeans>(std::move(dictionary), std::move(projection));
}

}  // namespace winnow::embedding
