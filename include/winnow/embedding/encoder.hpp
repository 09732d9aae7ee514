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
#include "winnow/train/network_encoder.hpp"
#include "winnow/train/script_encoder.hpp"
#include "winnow/train/self_supervised_options.hpp"

namespace winnow {

enum class EncoderKind { patch_kmeans, pixels, swav, simclr, network, torchscript };

template <>
struct EnumNames<EncoderKind> {
  static constexpr EnumName<EncoderKind> values[] = {{EncoderKind::patch_kmeans, "patch-kmeans"},
                                                     {EncoderKind::pixels, "pixels"},
                                                     {EncoderKind::swav, "swav"},
                                                     {EncoderKind::simclr, "simclr"},
                                                     {EncoderKind::network, "network"},
                                                     {EncoderKind::torchscript, "torchscript"}};
};

namespace embedding {

/// An encoder by its name, or the file that is one: TorchScript, or weights that winnow trained.
struct EncoderChoice {
  EncoderKind kind = EncoderKind::patch_kmeans;
  std::filesystem::path file;  ///< of torchscript and network, else empty

  EncoderChoice() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a kind that needs no file is a choice.
  EncoderChoice(EncoderKind named) : kind(named) {}
  /// NAME.safetensors is a network's weights, anything else TorchScript.
  explicit EncoderChoice(std::filesystem::path named)
      : kind(named.extension() == ".safetensors" ? EncoderKind::network : EncoderKind::torchscript),
        file(std::move(named)) {}

  static constexpr const char* forms = "patch-kmeans|pixels|swav|simclr|FILE.ts|FILE.safetensors";
  bool is_file() const { return kind == EncoderKind::torchscript || kind == EncoderKind::network; }
  bool is_learned() const { return kind == EncoderKind::swav || kind == EncoderKind::simclr; }
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
  NetworkFeatures features = NetworkFeatures::quarters;
  double whiten = -1.0;
  train::ScriptOptions script{};
  train::SelfSupervisedOptions learning{};  ///< Method, device and seed are those of this struct.
  std::int64_t check_images = 10'000;
  Seed seed{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.encoder,
          FieldInfo{.name = "encoder",
                    .help = "What turns an example into a vector; FILE.ts is TorchScript, "
                            "FILE.safetensors a network that winnow trained."});
    visit(self.dimensions,
          FieldInfo{.name = "dimensions",
                    .help = "Most numbers that a vector has (patch-kmeans, at most 4 x words "
                            "and the number of examples; and what is whitened).",
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
                                     .help = "Random examples that principal components are fitted "
                                             "on (patch-kmeans), and whitening; every example is "
                                             "encoded.",
                                     .unit = "examples",
                                     .min = 2});
    visit(self.features,
          FieldInfo{.name = "network-features",
                    .help = "What of a network is the embedding: what its last layer sees, or "
                            "averages over the quarters of the image after its last two stages "
                            "(swav, simclr, FILE.safetensors)."});
    visit(self.whiten,
          FieldInfo{.name = "whiten",
                    .help = "Centre and decorrelate what a network or TorchScript gives, adding "
                            "this share of the mean variance to each; 0: leave it as it is; -1 "
                            "takes 0.1 for swav, simclr and FILE.safetensors, 0 for FILE.ts.",
                    .min = -1});
    train::ScriptOptions::fields(self.script, visit);
    train::SelfSupervisedOptions::fields(self.learning, visit);
    visit(self.check_images,
          FieldInfo{.name = "ssl-check-images",
                    .help = "Random images, of either split, whose neighbours are looked at after "
                            "every pass (swav, simclr).",
                    .unit = "images",
                    .min = 0});
  }
  /// `whiten`, resolved: above 0, or 0 for none.
  double whitening() const;
  /// @throws InvalidArgument naming the field, its value and the bound broken; BadFile for a
  ///         file that is not there.
  void validate() const;
};

/// What fit_encoder() may use beside the dataset; only swav and simclr do. "": none.
struct FitContext {
  const io::Dataset* test = nullptr;   ///< Where the queries of their neighbour checks are.
  std::filesystem::path checkpoint{};  ///< Written after every pass.
  std::filesystem::path curves{};      ///< CSV, a row a pass; rewritten after every one.
  std::filesystem::path weights{};     ///< What was learned, .safetensors.
  bool resume = false;                 ///< Go on from `checkpoint` where there is one.
};

/// Fits an encoder on a dataset, without labels: those only serve to check neighbours.
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
/// `swav` and `simclr`: a network learns from the images, see train::SelfSupervisedTrainer; a
/// collapse is a warning. What `features` says of its layers is the embedding. A network's file:
/// the same of a network trained before, with labels or without.
///
/// Rows x of a network or TorchScript are whitened when `whiten`, r, is above 0:
/// (L + r mean(L))^(-1/2) V^T (x - mean), with mean and covariance V L V^T of random groups of the
/// dataset's examples, fit_images in all, and no more than `dimensions` directions or examples,
/// those of most variance; mean(L) is over these.
///
/// @throws InvalidArgument  options, a dataset without images or smaller than a patch; BadFile; as
///         train::load_script_encoder(), load_network_encoder() and SelfSupervisedTrainer::train().
/// Same bits for any number of threads. Cost per image with P patches of q numbers and w words:
/// 2 P q (w + q) + 8 w dimensions operations. Memory: fit_images x 4 words float32.
///
/// Coates, Ng and Lee, "An analysis of single-layer networks in unsupervised feature learning",
/// AISTATS 2011. The square root is Perronnin, Sanchez and Mensink's (ECCV 2010).
std::unique_ptr<Encoder> fit_encoder(const io::Dataset& dataset, const EncoderOptions& options,
                                     Progress& progress = silent(), const FitContext& context = {});

}  // namespace embedding
}  // namespace winnow
