#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "io/datasets.hpp"
#include "io/raw_images.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr int side = 32;
constexpr std::size_t plane_size = std::size_t{side} * side;
constexpr std::size_t image_bytes = 3 * plane_size;

constexpr std::array<const char*, 10> names_of_10 = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

constexpr std::array<const char*, 100> names_of_100 = {
    "apple",       "aquarium_fish", "baby",      "bear",       "beaver",       "bed",
    "bee",         "beetle",        "bicycle",   "bottle",     "bowl",         "boy",
    "bridge",      "bus",           "butterfly", "camel",      "can",          "castle",
    "caterpillar", "cattle",        "chair",     "chimpanzee", "clock",        "cloud",
    "cockroach",   "couch",         "crab",      "crocodile",  "cup",          "dinosaur",
    "dolphin",     "elephant",      "flatfish",  "forest",     "fox",          "girl",
    "hamster",     "house",         "kangaroo",  "keyboard",   "lamp",         "lawn_mower",
    "leopard",     "lion",          "lizard",    "lobster",    "man",          "maple_tree",
    "motorcycle",  "mountain",      "mouse",     "mushroom",   "oak_tree",     "orange",
    "orchid",      "otter",         "palm_tree", "pear",       "pickup_truck", "pine_tree",
    "plain",       "plate",         "poppy",     "porcupine",  "possum",       "rabbit",
    "raccoon",     "ray",           "road",      "rocket",     "rose",         "sea",
    "seal",        "shark",         "shrew",     "skunk",      "skyscraper",   "snail",
    "snake",       "spider",        "squirrel",  "streetcar",  "sunflower",    "sweet_pepper",
    "table",       "tank",          "telephone", "television", "tiger",        "tractor",
    "train",       "trout",         "tulip",     "turtle",     "wardrobe",     "whale",
    "willow_tree", "wolf",          "woman",     "worm"};

/// What the two differ in. A record is `label_bytes` bytes, of which the last is the (fine) label,
/// then the planes R, G and B.
struct Variant {
  const char* kind;
  const char* folder;      ///< that the archive unpacks to
  const char* other_form;  ///< the folder or file of the Python version
  std::vector<std::string> train_files;
  std::string test_file;
  const char* names_file;
  std::size_t label_bytes;
  std::vector<std::string> class_names;

  std::vector<std::string> files(const std::string& split) const {
    return split == "test" ? std::vector{test_file} : train_files;
  }
  std::size_t record_bytes() const { return label_bytes + image_bytes; }
};

Variant variant_of(const std::string& kind) {
  if (kind == "cifar10") {
    return {.kind = "cifar10",
            .folder = "cifar-10-batches-bin",
            .other_form = "cifar-10-batches-py",
            .train_files = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                            "data_batch_4.bin", "data_batch_5.bin"},
            .test_file = "test_batch.bin",
            .names_file = "batches.meta.txt",
            .label_bytes = 1,
            .class_names = {names_of_10.begin(), names_of_10.end()}};
  }
  return {.kind = "cifar100",
          .folder = "cifar-100-binary",
          .other_form = "cifar-100-python",
          .train_files = {"train.bin"},
          .test_file = "test.bin",
          .names_file = "fine_label_names.txt",
          .label_bytes = 2,
          .class_names = {names_of_100.begin(), names_of_100.end()}};
}

bool present(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The folder of the files: the one named, or the archive's own inside it.
fs::path folder_of(const DatasetSpec& spec, const Variant& variant) {
  const fs::path inside = fs::path(spec.location) / variant.folder;
  return present(inside) ? inside : fs::path(spec.location);
}

void require_files(const fs::path& folder, const Variant& variant, const std::string& split) {
  for (const auto& name : variant.files(split)) {
    if (present(folder / name)) continue;
    std::string stem = variant.files(split).front();
    stem.resize(stem.size() - std::string_view(".bin").size());
    const bool python = present(folder / variant.other_form) || present(folder / stem);
    throw BadFile(fmt::format(
        "{}: no file {} in this folder; {}", folder.string(), name,
        python ? fmt::format("it holds the Python version: download the binary one, which unpacks "
                             "to {}",
                             variant.folder)
               : fmt::format("name the folder that the binary version of the dataset unpacks to: "
                             "{}:DIR/{}",
                             variant.kind, variant.folder)));
  }
}

/// Lines of the file of class names, if it is there; blank ones at its end do not count.
std::vector<std::string> read_class_names(const fs::path& folder, const Variant& variant) {
  const fs::path path = folder / variant.names_file;
  if (!present(path)) return variant.class_names;
  constexpr std::size_t max_bytes = 1 << 20;
  const std::string text = read_file(path, max_bytes);
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    names.push_back(std::move(line));
    begin = end + 1;
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  const bool differ = std::set<std::string>(names.begin(), names.end()).size() == names.size();
  if (names.size() != variant.class_names.size() || !differ) {
    throw BadFile(fmt::format("{}: {} class names; expected {} different ones, one a line",
                              path.string(), names.size(), variant.class_names.size()));
  }
  return names;
}

class CifarDataset final : public RawImages {
 public:
  explicit CifarDataset(const DatasetSpec& spec) : variant_(variant_of(spec.kind)) {
    name_ = spec.text;
    split_ = spec.split.empty() ? "train" : spec.split;
    const fs::path folder = folder_of(spec, variant_);
    require_files(folder, variant_, split_);
    class_names_ = read_class_names(folder, variant_);
    for (const auto& name : variant_.files(split_)) add(MappedFile(folder / name));
    set_shape({side, side, 3}, spec.reading);
    seal();
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  std::string key(std::int64_t id) const override { return fmt::format("{}/{}", split_, id); }

 protected:
  void copy_pixels(std::int64_t id, std::span<std::uint8_t> out) const override {
    const auto next = std::upper_bound(first_.begin(), first_.end(), id);
    const auto batch = static_cast<std::size_t>(next - first_.begin()) - 1;
    const auto row = static_cast<std::size_t>(id - first_[batch]);
    const auto planes = files_[batch].bytes().subspan(
        row * variant_.record_bytes() + variant_.label_bytes, image_bytes);
    for (std::size_t i = 0; i < plane_size; ++i) {
      for (std::size_t channel = 0; channel < 3; ++channel) {
        out[3 * i + channel] = std::to_integer<std::uint8_t>(planes[channel * plane_size + i]);
      }
    }
  }

  void require_intact() const override {
    for (const auto& file : files_) file.require_intact();
  }

 private:
  void add(MappedFile file) {
    file.intact([&] { read_labels_of(file); });
    file.require_unchanged();
    files_.push_back(std::move(file));
  }

  /// Checks the records, takes their labels and hashes the file.
  void read_labels_of(const MappedFile& file) {
    const std::string name = file.path().string();
    const auto bytes = file.bytes();
    const std::size_t record = variant_.record_bytes();
    const std::size_t n = bytes.size() / record;
    if (n == 0 || bytes.size() % record != 0) {
      throw BadFile(fmt::format(
          "{}: {} bytes, record {} ends at byte {}; expected records of {} bytes ({} of labels, "
          "then {} x {} x 3 pixels); copy or download it again",
          name, bytes.size(), n, bytes.size(), record, variant_.label_bytes, side, side));
    }
    first_.push_back(size());
    const auto n_classes = static_cast<std::int32_t>(class_names_.size());
    for (std::size_t row = 0; row < n; ++row) {
      const std::size_t at = row * record + variant_.label_bytes - 1;
      const auto label = std::to_integer<std::int32_t>(bytes[at]);
      if (label >= n_classes) {
        throw BadFile(fmt::format("{}: row {} (byte {}) is label {}; expected [0, {})", name, row,
                                  at, label, n_classes));
      }
      labels_.push_back(label);
    }
    Hasher hasher;
    hasher.add(bytes.data(), bytes.size());
    inputs_.push_back({name, hash_text(hasher.digest())});
  }

  Variant variant_;
  std::vector<MappedFile> files_;
  std::vector<std::int64_t> first_;  ///< sample id of each file's first record
};

}  // namespace

bool cifar_has_test_split(const DatasetSpec& spec) {
  const Variant variant = variant_of(spec.kind);
  return present(folder_of(spec, variant) / variant.test_file);
}

std::unique_ptr<Dataset> open_cifar_dataset(const DatasetSpec& spec) {
  return std::make_unique<CifarDataset>(spec);
}

}  // namespace winnow::io
