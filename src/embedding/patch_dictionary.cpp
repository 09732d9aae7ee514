#include "embedding/patch_dictionary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/symmetric_eigen.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {

namespace {

constexpr float contrast_floor = 10.0F;  ///< grey levels squared
constexpr double zca_floor = 1.0;        ///< added to eigenvalues of normalised patches

/// Random patches of random images, [patches, q].
Matrix<float> draw_patches(const io::Dataset& dataset, const io::ImageShape& shape,
                           const EncoderOptions& options, Progress& progress) {
  constexpr std::int64_t per_block = 4096;
  const std::int64_t patch = options.patch_size;
  Matrix<float> patches(options.patches, patch * patch * shape.channels);
  progress.stage("draw patches", options.patches, "patches");
  // Images are visited in random order, several patches each: few images are read more than once.
  const std::int64_t images =
      std::min(dataset.size(), std::max<std::int64_t>(options.patches / 8, 1));
  RandomStream stream(options.seed, "patch-images");
  std::vector<std::int64_t> ids = stream.sample(dataset.size(), images);
  std::sort(ids.begin(), ids.end());
  std::vector<std::uint8_t> pixels;
  for (std::int64_t begin = 0; begin < images; begin += per_block) {
    const std::int64_t count = std::min(per_block, images - begin);
    const std::span<const std::int64_t> block(ids.data() + begin, static_cast<std::size_t>(count));
    pixels.resize(static_cast<std::size_t>(count * shape.size()));
    dataset.read_images(block, pixels);
    parallel_blocks(count, progress, [&](std::int64_t i) {
      const std::int64_t image = begin + i;
      RandomStream positions(options.seed, "patch-positions", static_cast<std::uint64_t>(image));
      const std::span<const std::uint8_t> bytes(pixels.data() + i * shape.size(),
                                                static_cast<std::size_t>(shape.size()));
      for (std::int64_t p = image; p < options.patches; p += images) {
        const auto y = positions.below(static_cast<std::uint64_t>(shape.height - patch + 1));
        const auto x = positions.below(static_cast<std::uint64_t>(shape.width - patch + 1));
        normalized_patch(bytes, shape, static_cast<std::int64_t>(y), static_cast<std::int64_t>(x),
                         patch, patches.row(p));
        progress.advance(1);
      }
    });
  }
  progress.done("");
  return patches;
}

/// ZCA: V diag(1 / sqrt(lambda + floor)) V^T.
Matrix<float> zca_matrix(MatrixView<const double> covariance) {
  const std::int64_t q = covariance.rows();
  const auto eigen = numerics::largest_eigenpairs(covariance, q);
  Matrix<float> zca(q, q);
  for (std::int64_t i = 0; i < q; ++i) {
    for (std::int64_t j = 0; j < q; ++j) {
      double sum = 0.0;
      for (std::int64_t k = 0; k < q; ++k) {
        const double lambda = std::max(eigen.values[static_cast<std::size_t>(k)], 0.0);
        sum += eigen.vectors(k, i) * eigen.vectors(k, j) / std::sqrt(lambda + zca_floor);
      }
      zca(i, j) = static_cast<float>(sum);
    }
  }
  return zca;
}

/// (rows - mean) whitening, in blocks.
Matrix<float> whiten(MatrixView<const float> rows, std::span<const float> mean,
                     MatrixView<const float> whitening) {
  constexpr std::int64_t block_rows = 4096;
  Matrix<float> result(rows.rows(), rows.cols());
  parallel_blocks((rows.rows() + block_rows - 1) / block_rows, silent(), [&](std::int64_t block) {
    const std::int64_t begin = block * block_rows;
    const std::int64_t count = std::min(block_rows, rows.rows() - begin);
    Matrix<float> centred(count, rows.cols());
    for (std::int64_t i = 0; i < count; ++i) {
      std::ranges::transform(rows.row(begin + i), mean, centred.row(i).begin(), std::minus<>());
    }
    numerics::product(centred, numerics::Transpose::no, whitening, numerics::Transpose::no,
                      result.view().block(begin, count));
  });
  return result;
}

}  // namespace

void normalized_patch(std::span<const std::uint8_t> image, const io::ImageShape& shape,
                      std::int64_t y, std::int64_t x, std::int64_t patch_size,
                      std::span<float> out) {
  const std::int64_t line = patch_size * shape.channels;
  std::int64_t sum = 0;
  std::int64_t squares = 0;
  for (std::int64_t r = 0; r < patch_size; ++r) {
    const std::uint8_t* source = image.data() + ((y + r) * shape.width + x) * shape.channels;
    float* target = out.data() + r * line;
    std::int32_t line_sum = 0;
    std::int32_t line_squares = 0;
    for (std::int64_t i = 0; i < line; ++i) {
      const std::int32_t value = source[i];
      line_sum += value;
      line_squares += value * value;
      target[i] = static_cast<float>(value);
    }
    sum += line_sum;
    squares += line_squares;
  }
  const auto count = static_cast<float>(out.size());
  const float mean = static_cast<float>(sum) / count;
  const float variance = std::max(0.0F, static_cast<float>(squares) / count - mean * mean);
  const float scale = 1.0F / std::sqrt(variance + contrast_floor);
  for (float& value : out) value = (value - mean) * scale;
}

void PatchDictionary::encode(std::span<const std::uint8_t> image, Scratch& scratch,
                             std::span<float> code) const {
  const std::int64_t across = patches_per_row();
  const std::int64_t down = patches_per_column();
  const std::int64_t count = across * down;
  if (scratch.products.rows() != count || scratch.products.cols() != words.rows() ||
      scratch.patches.cols() != patch_length()) {
    scratch.patches = Matrix<float>(count, patch_length());
    scratch.whitened = Matrix<float>(count, patch_length());
    scratch.products = Matrix<float>(count, words.rows());
  }
  for (std::int64_t y = 0; y < down; ++y) {
    for (std::int64_t x = 0; x < across; ++x) {
      const auto patch = scratch.patches.row(y * across + x);
      normalized_patch(image, shape, y, x, patch_size, patch);
      for (std::size_t i = 0; i < patch.size(); ++i) patch[i] -= mean[i];
    }
  }
  using numerics::Transpose;
  numerics::product(scratch.patches, Transpose::no, whitening, Transpose::no, scratch.whitened);
  numerics::product(scratch.whitened, Transpose::no, words, Transpose::yes, scratch.products);
  const auto& kernels = numerics::kernels();
  for (std::int64_t y = 0; y < down; ++y) {
    for (std::int64_t x = 0; x < across; ++x) {
      const std::int64_t p = y * across + x;
      const auto patch = scratch.whitened.row(p);
      const std::int64_t quadrant = (2 * y >= down ? 2 : 0) + (2 * x >= across ? 1 : 0);
      kernels.add_triangle(
          static_cast<float>(kernels.dot(patch.data(), patch.data(), patch_length())),
          words_squared.data(), scratch.products.row(p).data(),
          code.data() + quadrant * words.rows(), words.rows());
    }
  }
}

PatchDictionary fit_dictionary(const io::Dataset& dataset, const EncoderOptions& options,
                               Progress& progress) {
  PatchDictionary dictionary;
  dictionary.shape = dataset.image_shape();
  dictionary.patch_size = options.patch_size;
  if (options.patch_size > std::min(dictionary.shape.height, dictionary.shape.width)) {
    throw InvalidArgument(
        fmt::format("patch-size = {}; expected at most the images' {} x {} pixels",
                    options.patch_size, dictionary.shape.height, dictionary.shape.width));
  }
  if (options.words > options.patches) {
    throw InvalidArgument(
        fmt::format("words = {}; expected at most patches = {}", options.words, options.patches));
  }
  const Matrix<float> patches = draw_patches(dataset, dictionary.shape, options, progress);
  const std::vector<double> mean = numerics::column_means(patches);
  dictionary.mean.assign(mean.begin(), mean.end());
  dictionary.whitening = zca_matrix(numerics::covariance(patches, mean, progress));
  const Matrix<float> whitened = whiten(patches, dictionary.mean, dictionary.whitening);
  auto words = cluster::kmeans(whitened,
                               {.n_clusters = options.words,
                                .iterations = options.dictionary_iterations,
                                .geometry = Geometry::euclidean,
                                .seed = options.seed},
                               progress);
  dictionary.words = std::move(words.centroids);
  for (std::int64_t j = 0; j < options.words; ++j) {
    const auto word = dictionary.words.row(j);
    dictionary.words_squared.push_back(static_cast<float>(numerics::dot(word, word)));
  }
  return dictionary;
}

}  // namespace winnow::embedding
