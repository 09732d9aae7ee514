#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/script_encoder.hpp"

namespace winnow {

enum class EncoderKind { patch_kmeans, pixels, torchscript };

template <>
struct EnumNames<EncoderKind> {
  static constexpr EnumName<EncoderKind> values[] = {{EncoderKind::patch_kmeans, "patch-kmeans"},
                                                     {EncoderKind::pixels, "pixels"},
                                                     {EncoderKind::torchscript, "torchscript"}};
};

namespace embedding {

/// An encoder by its name, or the TorchScript file that is one.
struct EncoderChoice {
  EncoderKind kind = EncoderKind::patch_kmeans;
  std::filesystem::path file;  ///< of torchscript, else empty

  EncoderChoice() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a kind that needs no file is a choice.
  EncoderChoice(EncoderKind named) : kind(named) {}
  explicit EncoderChoice(std::filesystem::path script)
      : kind(EncoderKind::torchscript), file(std::move(script)) {}

  static constexpr const char* forms = "patch-kmeans|pixels|FILE.ts";
  /// What is no name but has a dot or a slash, or exists, is a file.
  /// @throws InvalidArgument for anything else, naming the near name.
  static EncoderChoice parse(std::string_view field, std::string_view text);
  /// What parse() takes.
  std::string text() const;
  /// What images of different sizes are brought to unless the user says otherwise, as
  /// ReadingOptions::image_size: 224 for TorchScript, 0 for others.
  std::int64_t default_image_size() const;
};

/// A fitted map from examples to vectors. Immutable; one thread at a time calls it.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Numbers per example.
  virtual std::int64_t dimensions() const = 0;

  /// Examples are encoded in groups of this many, counted from the first of a range: a range that
  /// begins at a multiple of it gives the bits that the whole dataset gives.
  virtual std::int64_t group_size() const = 0;

  /// What the values depend on beside options, seed and dataset, e.g. the file's hash; an object.
  virtual Json details() const { return Json::object(); }

  /// Rows of the examples [begin, begin + out.rows()) of a dataset, in its order. `progress`
  /// advances by one an example; the caller opens the stage.
  /// @param out  [count, dimensions()]
  /// @throws BadFile for an unreadable image; NonFiniteInput naming the example where an encoder
  ///         gives NaN or Inf; InvalidArgument for images of another shape than the encoder was
  ///         fitted on, or a range beyond the dataset.
  void encode(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
              Progress& progress) const;

  /// [n, dimensions()] rows of a whole dataset. @throws as above.
  Matrix<float> encode(const io::Dataset& dataset, Progress& progress = silent()) const;

 private:
  virtual void encode_range(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
                            Progress& progress) const = 0;
};

/// How an encoder is fitted.
struct EncoderOptions {
  EncoderChoice encoder{};
  std::int64_t dimensions = 512;
  std::int64_t patch_size = 6;
  std::int64_t words = 600;
  std::int64_t patches = 300'000;
  std::int64_t dictionary_iterations = 12;
  std::int64_t fit_images = 20'000;
  train::ScriptOptions script{};
  Seed seed{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.encoder,
          FieldInfo{.name = "encoder",
                    .help = "What turns an example into a vector; FILE.ts is TorchScript."});
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
    train::ScriptOptions::fields(self.script, visit);
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken; BadFile for a
  ///         TorchScript file that is not there.
  void validate() const;
};

/// Fits an encoder on a dataset, without labels.
///
/// TorchScript: the module is loaded and tried on the first images; nothing is fitted.
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
/// @throws InvalidArgument  options, a dataset without images or smaller than a patch; BadFile; as
///         train::load_script_encoder().
/// Same bits for any number of threads. Cost per image with P patches of q numbers and w words:
/// 2 P q (w + q) + 8 w dimensions operations. Memory: fit_images x 4 words float32.
///
/// Coates, Ng and Lee, "An analysis of single-layer networks in unsupervised feature learning",
/// AISTATS 2011. The square root is Perronnin, Sanchez and Mensink's (ECCV 2010).
std::unique_ptr<Encoder> fit_encoder(const io::Dataset& dataset, const EncoderOptions& options,
                                     Progress& progress = silent());

}  // namespace embedding
}  // namespace winnow
