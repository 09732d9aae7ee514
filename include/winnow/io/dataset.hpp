#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::io {

/// How images are read. Part of the dataset: other values can mean other examples.
struct ReadingOptions {
  std::int64_t image_size = 0;
  std::int64_t resize_size = 0;
  bool skip_unreadable = false;
  std::int64_t max_pixels = 100'000'000;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.image_size,
          FieldInfo{.name = "image-size",
                    .help = "Side of the square that images are brought to, as torchvision's "
                            "ImageNet evaluation does; 0: their own size when all have one of at "
                            "most 96 x 96, else 64.",
                    .unit = "pixels",
                    .min = 0,
                    .max = 4096});
    visit(self.resize_size,
          FieldInfo{.name = "resize-size",
                    .help = "Length the shorter side is resized to before the centre is cut out; "
                            "0: round(image-size x 256 / 224).",
                    .unit = "pixels",
                    .min = 0,
                    .max = 8192});
    visit(
        self.skip_unreadable,
        FieldInfo{.name = "skip-unreadable",
                  .help = "Drop images that cannot be decoded instead of stopping; each is named, "
                          "and the dataset's fingerprint is another one."});
    visit(self.max_pixels, FieldInfo{.name = "max-pixels",
                                     .help = "Images of more pixels are refused before they are "
                                             "decoded.",
                                     .unit = "pixels",
                                     .min = 1});
  }
  /// @throws InvalidArgument naming the field; also resize-size below image-size or without it.
  void validate() const;
  bool operator==(const ReadingOptions&) const = default;
};

/// A parsed `--data` value: `kind[:location][,NAME=VALUE...][#split]`. Names are `labels`,
/// `label-column` and those of ReadingOptions; `skip-unreadable` stands alone.
struct DatasetSpec {
  std::string kind;          ///< fashion-mnist, mnist, cifar10, cifar100, svhn, images, npy
  std::string location;      ///< folder, file or pattern; may be "" for fashion-mnist
  std::string labels;        ///< file of labels that take the place of the dataset's own, or ""
  std::string label_column;  ///< column or JSON key of the labels; "": label
  std::string split;         ///< "", "train", "test" (or "extra" for svhn)
  ReadingOptions reading;
  std::string text;  ///< everything above, as it can be parsed again

  /// @throws InvalidArgument on an unknown kind or option (naming the near one), a value out of
  ///         range, or a malformed spec.
  static DatasetSpec parse(std::string_view text);
  /// The same dataset with another split.
  DatasetSpec with_split(std::string_view new_split) const;
  /// The same dataset with its own labels.
  DatasetSpec without_labels() const;
  /// The same dataset, read with the fields of `options` that differ from their defaults.
  /// @throws InvalidArgument when the spec says otherwise already.
  DatasetSpec with_reading(const ReadingOptions& options) const;
};

/// Height, width, channels of an 8-bit image; pixels are stored HWC.
struct ImageShape {
  int height = 0;
  int width = 0;
  int channels = 0;
  std::int64_t size() const { return std::int64_t{height} * width * channels; }
  bool operator==(const ImageShape&) const = default;
};

/// Bytes of an image file as they can be shown in a page.
struct EncodedImage {
  std::string mime;  ///< image/png, image/jpeg or image/webp
  std::string bytes;
};

/// One file of an example that consists of several.
struct ExampleFile {
  std::string name;  ///< path inside the dataset
  std::string bytes;
};

/// An example that `skip-unreadable` left out.
struct SkippedExample {
  std::string key;
  std::string reason;
};

/// A dataset: n examples with keys, maybe labels, maybe images. Read-only and thread-safe.
class Dataset {
 public:
  virtual ~Dataset() = default;

  const std::string& name() const { return name_; }    ///< The spec, reading options included.
  const std::string& split() const { return split_; }  ///< "", "train", "test"
  virtual std::int64_t size() const = 0;
  /// Path inside the dataset, or `split/position`.
  virtual std::string key(std::int64_t id) const = 0;
  /// [n] class indices in [0, n_classes), or empty.
  const std::vector<std::int32_t>& labels() const { return labels_; }
  /// [n_classes]; "0", "1", ... when classes have no names; empty without labels.
  const std::vector<std::string>& class_names() const { return class_names_; }
  bool has_labels() const { return !labels_.empty(); }
  /// Takes other labels, and the fingerprint that goes with them; before anybody shares the
  /// dataset.
  /// @throws DatasetMismatch unless there is one for each example.
  void relabel(Labels labels);
  const Fingerprint& fingerprint() const { return fingerprint_; }
  const std::vector<InputFile>& inputs() const { return inputs_; }
  /// Examples that could not be read and were left out, in order; empty without skip-unreadable.
  const std::vector<SkippedExample>& skipped() const { return skipped_; }

  virtual bool has_images() const = 0;
  /// The shape that all images have when they are read, ReadingOptions::image_size applied; without
  /// one, the first call may look at every header. @throws BadFile naming an unreadable image.
  virtual ImageShape image_shape() const = 0;
  /// Pixels of images `ids`, [ids.size(), height * width * channels], HWC, 0..255.
  /// @throws BadFile naming an unreadable image.
  virtual void read_images(std::span<const std::int64_t> ids,
                           std::span<std::uint8_t> out) const = 0;
  /// The image for a page: original bytes when they are an image file, else a PNG made here.
  virtual EncodedImage encoded_image(std::int64_t id) const = 0;
  /// Width (number of columns) of a dataset of plain vectors, 0 for images.
  virtual std::int64_t vector_width() const { return 0; }
  /// Rows `ids` of a dataset of plain vectors, [ids.size(), vector_width()].
  virtual void read_vectors(std::span<const std::int64_t> ids, std::span<float> out) const;
  /// Path of the example's own file on disk, or nothing (IDX, tar, npy).
  virtual std::optional<std::filesystem::path> file(std::int64_t /*id*/) const { return {}; }
  /// All files of an example that is more than its image (WebDataset: image, label and whatever
  /// else has its basename), else nothing.
  virtual std::vector<ExampleFile> files(std::int64_t /*id*/) const { return {}; }

 protected:
  /// Sets the fingerprint from keys, labels and the keys left out; derived constructors call it
  /// last.
  void seal();

  std::string name_;
  std::string split_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> class_names_;
  Fingerprint fingerprint_;
  std::vector<InputFile> inputs_;
  std::vector<SkippedExample> skipped_;
};

/// Numbers the classes of `dataset` as `reference` does, whose names must hold all of its own; both
/// have labels. Its fingerprint changes with the numbers.
/// @throws DatasetMismatch naming a class that `reference` does not have.
void align_classes(Dataset& dataset, const Dataset& reference);

/// Opens a dataset; without `#split` one that has splits opens as `train`. `progress` must live as
/// long as the dataset: images of many sizes are told of when their shape is first asked for.
/// @throws InvalidArgument unknown kind or split; BadFile; per format.
std::unique_ptr<Dataset> open_dataset(const DatasetSpec& spec, Progress& progress = silent());

/// The `test` split of the same dataset, or null when it has none. `labels` of the spec are those
/// of its own split: the test split keeps its own.
std::unique_ptr<Dataset> open_test_split(const DatasetSpec& spec, Progress& progress = silent());

}  // namespace winnow::io
