#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/embedding/encoder.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::embedding {

/// Whitened patches and their k-means words: the part of patch-kmeans before pooling and PCA.
struct PatchDictionary {
  io::ImageShape shape;  ///< Of the images it was fitted on.
  std::int64_t patch_size = 0;
  std::vector<float> mean;  ///< [q] of contrast-normalised patches, q = patch_size^2 channels.
  Matrix<float> whitening;  ///< [q, q], symmetric (ZCA).
  Matrix<float> words;      ///< [w, q]
  std::vector<float> words_squared;  ///< [w] |c_j|^2

  std::int64_t patches_per_row() const { return shape.width - patch_size + 1; }
  std::int64_t patches_per_column() const { return shape.height - patch_size + 1; }
  std::int64_t patch_length() const { return patch_size * patch_size * shape.channels; }
  /// Length of the pooled code: four quadrants of words.
  std::int64_t code_length() const { return 4 * words.rows(); }

  /// Adds the pooled triangle code of one image (HWC bytes) to `code` [code_length()].
  /// `Scratch` keeps the buffers of one thread from image to image.
  struct Scratch {
    Matrix<float> patches, whitened, products;
  };
  void encode(std::span<const std::uint8_t> image, Scratch& scratch, std::span<float> code) const;
};

/// One patch at (y, x), contrast-normalised: mean out, divided by sqrt(variance + 10).
void normalized_patch(std::span<const std::uint8_t> image, const io::ImageShape& shape,
                      std::int64_t y, std::int64_t x, std::int64_t patch_size,
                      std::span<float> out);

PatchDictionary fit_dictionary(const io::Dataset& dataset, const EncoderOptions& options,
                               Progress& progress);

}  // namespace winnow::embedding
