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
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

/// A parsed `--data` value: `kind[:location][,labels=FILE][#split]`.
struct DatasetSpec {
  std::string kind;      ///< fashion-mnist, mnist, images, npy
  std::string location;  ///< folder or file; may be "" for fashion-mnist
  std::string labels;    ///< npy only
  std::string split;     ///< "", "train" or "test"
  std::string text;      ///< as typed

  /// @throws InvalidArgument on an unknown kind (naming the near one) or a malformed spec.
  static DatasetSpec parse(std::string_view text);
  /// The same dataset with another split.
  DatasetSpec with_split(std::string_view new_split) const;
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
  std::string mime;  ///< image/png or image/jpeg
  std::string bytes;
};

/// A dataset: n examples with keys, maybe labels, maybe images. Read-only and thread-safe.
class Dataset {
 public:
  virtual ~Dataset() = default;

  const std::string& name() const { return name_; }    ///< The spec as typed.
  const std::string& split() const { return split_; }  ///< "", "train", "test"
  virtual std::int64_t size() const = 0;
  /// Path inside the dataset, or `split/position`.
  virtual std::string key(std::int64_t id) const = 0;
  /// [n] class indices in [0, n_classes), or empty.
  const std::vector<std::int32_t>& labels() const { return labels_; }
  /// [n_classes]; "0", "1", ... when classes have no names; empty without labels.
  const std::vector<std::string>& class_names() const { return class_names_; }
  bool has_labels() const { return !labels_.empty(); }
  const Fingerprint& fingerprint() const { return fingerprint_; }
  const std::vector<InputFile>& inputs() const { return inputs_; }

  virtual bool has_images() const = 0;
  /// The shape that all images share. @throws BadFile naming the first image that differs.
  virtual ImageShape image_shape() const = 0;
  /// Pixels of images `ids`, [ids.size(), height * width * channels], HWC, 0..255.
  /// @throws BadFile naming an unreadable image.
  virtual void read_images(std::span<const std::int64_t> ids,
                           std::span<std::uint8_t> out) const = 0;
  /// The image for a page: original bytes when they are JPEG or PNG, else a PNG made here.
  virtual EncodedImage encoded_image(std::int64_t id) const = 0;
  /// Width (number of columns) of a dataset of plain vectors, 0 for images.
  virtual std::int64_t vector_width() const { return 0; }
  /// Rows `ids` of a dataset of plain vectors, [ids.size(), vector_width()].
  virtual void read_vectors(std::span<const std::int64_t> ids, std::span<float> out) const;
  /// Path of the example's own file on disk, or nothing (IDX, tar, npy).
  virtual std::optional<std::filesystem::path> file(std::int64_t /*id*/) const { return {}; }

 protected:
  /// Sets the fingerprint from keys and labels; derived constructors call it last.
  void seal();

  std::string name_;
  std::string split_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> class_names_;
  Fingerprint fingerprint_;
  std::vector<InputFile> inputs_;
};

/// Opens a dataset; without `#split` one that has splits opens as `train`.
/// @throws InvalidArgument unknown kind or split; BadFile; per format.
std::unique_ptr<Dataset> open_dataset(const DatasetSpec& spec, Progress& progress = silent());

/// The `test` split of the same dataset, or null when it has none.
std::unique_ptr<Dataset> open_test_split(const DatasetSpec& spec, Progress& progress = silent());

}  // namespace winnow::io
