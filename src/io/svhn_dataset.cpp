#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "io/datasets.hpp"
#include "io/mat_file.hpp"
#include "io/raw_images.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t side = 32;
constexpr std::size_t plane_size = std::size_t{side} * side;
constexpr std::size_t image_bytes = 3 * plane_size;
constexpr std::int64_t n_classes = 10;

fs::path file_of(const DatasetSpec& spec, const std::string& split) {
  return fs::path(spec.location) / fmt::format("{}_32x32.mat", split);
}

/// Cropped digits, X [32, 32, 3, n] and y [n, 1]; held in memory.
class SvhnDataset final : public RawImages {
 public:
  SvhnDataset(const DatasetSpec& spec, Progress& progress)
      : SvhnDataset(spec, spec.split.empty() ? "train" : spec.split, progress) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  std::string key(std::int64_t id) const override { return fmt::format("{}/{}", split_, id); }

 protected:
  void copy_pixels(std::int64_t id, std::span<std::uint8_t> out) const override {
    const auto image =
        pixels_.bytes().subspan(static_cast<std::size_t>(id) * image_bytes, image_bytes);
    // In the file the row is the fastest index, then the column, then the channel.
    std::size_t next = 0;
    for (std::size_t row = 0; row < side; ++row) {
      for (std::size_t column = 0; column < side; ++column) {
        for (std::size_t channel = 0; channel < 3; ++channel) {
          out[next++] = image[channel * plane_size + column * side + row];
        }
      }
    }
  }

 private:
  SvhnDataset(const DatasetSpec& spec, const std::string& split, Progress& progress)
      : SvhnDataset(spec, split, open_file(spec, split), progress) {}

  SvhnDataset(const DatasetSpec& spec, const std::string& split, const MatFile& file,
              Progress& progress)
      : pixels_(file.read(checked_images(file), progress)) {
    name_ = spec.text;
    split_ = split;
    for (int digit = 0; digit < n_classes; ++digit) class_names_.push_back(std::to_string(digit));
    take_labels(file, progress);
    inputs_.push_back(file.input());
    set_shape({side, side, 3}, spec.reading);
    seal();
  }

  static MatFile open_file(const DatasetSpec& spec, const std::string& split) {
    const fs::path path = file_of(spec, split);
    std::error_code ignored;
    if (fs::exists(path, ignored)) return MatFile(path);
    throw BadFile(fmt::format(
        "{}: no file {} in this folder; name the folder that holds SVHN's cropped digits (format "
        "2): svhn:DIR",
        spec.location, path.filename().string()));
  }

  /// X, and that y fits it, before anything of the two is read.
  static const MatVariable& checked_images(const MatFile& file) {
    const MatVariable& images = file.variable("X");
    std::vector<std::int64_t> shape = images.shape;
    if (shape.size() == 3) shape.push_back(1);
    if (images.type != "uint8" || shape.size() != 4 || shape[0] != side || shape[1] != side ||
        shape[2] != 3 || shape[3] == 0) {
      throw BadFile(fmt::format("{}: X is [{}] {}; expected [32, 32, 3, n] uint8, n at least 1",
                                file.input().path, fmt::join(images.shape, ", "), images.type));
    }
    const MatVariable& labels = file.variable("y");
    const auto& rows = labels.shape;
    if (rows.size() != 2 || std::min(rows[0], rows[1]) != 1 || rows[0] * rows[1] != shape[3]) {
      throw BadFile(fmt::format("{}: y is [{}]; expected [{}, 1], a label for each of X's images",
                                file.input().path, fmt::join(rows, ", "), shape[3]));
    }
    return images;
  }

  /// The digit 0 is label 10 in these files.
  void take_labels(const MatFile& file, Progress& progress) {
    const std::string name = fmt::format("{}: y", file.input().path);
    for (const std::int64_t label : file.read(file.variable("y"), progress).integers(name)) {
      if (label < 1 || label > n_classes) {
        throw BadFile(fmt::format("{}: row {} is {}; expected 1 to 10 (10 is the digit 0)", name,
                                  labels_.size(), label));
      }
      labels_.push_back(static_cast<std::int32_t>(label % n_classes));
    }
  }

  MatArray pixels_;
};

}  // namespace

bool svhn_has_test_split(const DatasetSpec& spec) {
  std::error_code ignored;
  return fs::exists(file_of(spec, "test"), ignored);
}

std::unique_ptr<Dataset> open_svhn_dataset(const DatasetSpec& spec, Progress& progress) {
  return std::make_unique<SvhnDataset>(spec, progress);
}

}  // namespace winnow::io
