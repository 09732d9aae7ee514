#pragma once

#include <cstdint>
#include <memory>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow {

enum class EncoderKind { patch_kmeans, pixels };

template <>
struct EnumNames<EncoderKind> {
  static constexpr EnumName<EncoderKind> values[] = {{EncoderKind::patch_kmeans, "patch-kmeans"},
                                                     {EncoderKind::pixels, "pixels"}};
};

namespace embedding {

/// A fitted map from examples to vectors. Immutable and thread-safe.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Numbers per example.
  virtual std::int64_t dimensions() const = 0;

  /// [n, dimensions()] rows of a whole dataset, in its order.
  /// @throws BadFile for an unreadable image; InvalidArgument for images of another shape than the
  ///         encoder was fitted on.
  virtual Matrix<float> encode(const io::Dataset& dataset, Progress& progress = silent()) const = 0;
};

/// How an encoder is fitted.
struct EncoderOptions {
  EncoderKind encoder = EncoderKind::patch_kmeans;
  std::int64_t dimensions = 512;
  std::int64_t patch_size = 6;
  std::int64_t words = 600;
  std::int64_t patches = 300'000;
  std::int64_t dictionary_iterations = 12;
  std::int64_t fit_images = 20'000;
  Seed seed{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.encoder,
          FieldInfo{.name = "encoder", .help = "What turns an example into a vector."});
    visit(self.dimensions,
          FieldInfo{.name = "dimensions",
                    .help = "Length of the vectors (patch-kmeans; at most 4 x words "
                            "and the number of examples).",
                    .unit = "numbers",
                    .min = 1});
    visit(self.patch_size, FieldInfo{.name = "patch-size",
                                     .help = "Side of the square patches (patch-kmeans).",
                                     .unit = "pixels",
                                     .min = 2});
    visit(self.words, FieldInfo{.name = "words",
                                .help = "Entries of the patch dictionary (patch-kmeans).",
                                .min = 2});
    visit(self.patches, FieldInfo{.name = "patches",
                                  .help = "Random patches the dictionary learns from "
                                          "(patch-kmeans).",
                                  .min = 2});
    visit(self.dictionary_iterations,
          FieldInfo{.name = "dictionary-iterations",
                    .help = "k-means updates of the dictionary (patch-kmeans).",
                    .min = 1});
    visit(self.fit_images, FieldInfo{.name = "fit-images",
                                     .help = "Random examples that the principal components are "
                                             "fitted on; every example is encoded (patch-kmeans).",
                                     .unit = "examples",
                                     .min = 2});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

/// Fits an encoder on a dataset, without labels.
///
/// `pixels`: pixels / 255 (or the vectors of an npy dataset as they are) minus their mean over the
/// dataset.
///
/// `patch-kmeans`: every patch_size x patch_size patch, stride 1, has its mean taken out and is
/// divided by sqrt(variance + 10) (grey levels squared), ZCA-whitened with 1 added to the
/// eigenvalues, and coded against a k-means dictionary by the triangle code
/// max(0, mean_j |x - c_j| - |x - c_j|); codes are summed over the four quadrants of the image, the
/// square root of the 4 x words sums is taken, and PCA gives `dimensions` numbers, each divided by
/// sqrt(its variance + 1 % of the mean variance).
///
/// @throws InvalidArgument  options, a dataset without images or smaller than a patch; BadFile.
/// Same bits for any number of threads. Cost per image with P patches of q numbers and w words:
/// 2 P q (w + q) + 8 w dimensions operations. Memory: fit_images x 4 words float32, and the result.
///
/// Coates, Ng and Lee, "An analysis of single-layer networks in unsupervised feature learning",
/// AISTATS 2011. The square root is Perronnin, Sanchez and Mensink's (ECCV 2010).
std::unique_ptr<Encoder> fit_encoder(const io::Dataset& dataset, const EncoderOptions& options,
                                     Progress& progress = silent());

}  // namespace embedding
}  // namespace winnow
