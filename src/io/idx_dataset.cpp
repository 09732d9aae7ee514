#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "io/datasets.hpp"
#include "io/idx.hpp"
#include "io/image_decode.hpp"
#include "io/raw_images.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr const char* fashion_folder = "/usr/share/datasets/fashion-mnist";
constexpr int n_classes = 10;

std::vector<std::string> class_names_of(const std::string& kind) {
  if (kind == "fashion-mnist") {
    return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  }
  return {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
}

fs::path folder_of(const DatasetSpec& spec) {
  return spec.location.empty() ? fs::path(fashion_folder) : fs::path(spec.location);
}

/// `train-images-idx3-ubyte`, also with a dot before `idx3`, also compressed; the first there is.
std::optional<fs::path> find_file(const fs::path& folder, const std::string& stem,
                                  const std::string& suffix) {
  for (const char* separator : {"-", "."}) {
    for (const char* packed : {"", ".gz"}) {
      const fs::path path = folder / fmt::format("{}{}{}{}", stem, separator, suffix, packed);
      std::error_code ignored;
      if (fs::exists(path, ignored)) return path;
    }
  }
  return {};
}

fs::path require_file(const DatasetSpec& spec, const std::string& stem, const std::string& suffix) {
  const fs::path folder = folder_of(spec);
  if (auto path = find_file(folder, stem, suffix)) return *path;
  const std::string advice =
      spec.kind == "fashion-mnist"
          ? fmt::format(
                "install Debian's package dataset-fashion-mnist or name the folder: "
                "fashion-mnist:DIR")
          : "name the folder that holds the four IDX files: mnist:DIR";
  throw BadFile(fmt::format("{}: no file {}-{} (or .gz) in this folder; {}", folder.string(), stem,
                            suffix, advice));
}

std::string file_prefix(const std::string& split) { return split == "test" ? "t10k" : "train"; }

class IdxDataset final : public RawImages {
 public:
  explicit IdxDataset(const DatasetSpec& spec)
      : images_(require_file(spec, file_prefix(spec.split) + "-images", "idx3-ubyte"), 3) {
    name_ = spec.text;
    split_ = spec.split.empty() ? "train" : spec.split;
    class_names_ = class_names_of(spec.kind);
    const IdxFile labels(require_file(spec, file_prefix(spec.split) + "-labels", "idx1-ubyte"), 1);
    if (labels.shape()[0] != images_.shape()[0]) {
      throw BadFile(fmt::format("{}: {} labels, but {} has {} images", labels.input().path,
                                labels.shape()[0], images_.input().path, images_.shape()[0]));
    }
    labels_.assign(labels.values().begin(), labels.values().end());
    labels.require_intact();
    const auto bad = std::find_if(labels_.begin(), labels_.end(),
                                  [](std::int32_t label) { return label >= n_classes; });
    if (bad != labels_.end()) {
      throw BadFile(fmt::format("{}: row {} is label {}; expected [0, {})", labels.input().path,
                                bad - labels_.begin(), *bad, n_classes));
    }
    inputs_ = {images_.input(), labels.input()};
    set_shape(checked_image_shape(images_.shape()[1], images_.shape()[2], 1, images_.input().path,
                                  spec.reading.max_pixels),
              spec.reading);
    seal();
  }

  std::int64_t size() const override { return images_.shape()[0]; }
  std::string key(std::int64_t id) const override { return fmt::format("{}/{}", split_, id); }

 protected:
  void copy_pixels(std::int64_t id, std::span<std::uint8_t> out) const override {
    const auto pixels =
        images_.values().subspan(static_cast<std::size_t>(id) * out.size(), out.size());
    std::copy(pixels.begin(), pixels.end(), out.begin());
  }
  void require_intact() const override { images_.require_intact(); }

 private:
  IdxFile images_;
};

}  // namespace

bool idx_has_test_split(const DatasetSpec& spec) {
  return find_file(folder_of(spec), "t10k-images", "idx3-ubyte").has_value();
}

std::unique_ptr<Dataset> open_idx_dataset(const DatasetSpec& spec) {
  return std::make_unique<IdxDataset>(spec);
}

}  // namespace winnow::io
