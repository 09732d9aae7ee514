#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string_view>

#include "io/datasets.hpp"
#include "io/image_decode.hpp"
#include "io/image_store.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t images_per_block = 16;
constexpr std::int64_t headers_per_block = 256;

std::string lower_extension(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return extension;
}

/// Images in formats that are not read: to pass over them would drop examples silently.
bool has_other_image_extension(const std::string& path) {
  constexpr std::array<std::string_view, 12> others = {".webp", ".gif",  ".bmp",  ".tif",
                                                       ".tiff", ".avif", ".heic", ".jfif",
                                                       ".jp2",  ".jxl",  ".ppm",  ".pgm"};
  return std::find(others.begin(), others.end(), lower_extension(path)) != others.end();
}

std::unique_ptr<ImageStore> open_store(const DatasetSpec& spec) {
  std::error_code ignored;
  if (fs::is_directory(spec.location, ignored)) return open_folder_store(spec.location);
  if (fs::exists(spec.location, ignored)) return open_tar_store(spec.location);
  throw BadFile(fmt::format("{}: no such folder or .tar", spec.location));
}

/// The folder of a split, "" when the tree has no splits. Splits are there when the only folders
/// are train and test (or val).
std::string split_folder(const ImageStore& store, const std::string& split) {
  const std::vector<std::string> tops = store.folders("");
  const auto has = [&](std::string_view name) {
    return std::find(tops.begin(), tops.end(), name) != tops.end();
  };
  const std::size_t known = static_cast<std::size_t>(has("train")) + has("test") + has("val");
  if (!has("train") || known < 2 || known != tops.size()) return "";
  if (split == "test") return has("test") ? "test" : "val";
  return "train";
}

class ImageDataset final : public Dataset {
 public:
  ImageDataset(const DatasetSpec& spec, Progress& progress) : store_(open_store(spec)) {
    name_ = spec.text;
    inputs_.push_back({spec.location, ""});
    progress.stage("list images", 0, "files");
    const std::string folder = split_folder(*store_, spec.split);
    if (!folder.empty()) {
      split_ = spec.split.empty() ? "train" : spec.split;
      forbid_images_beside_splits();
    }
    if (folder.empty() && !spec.split.empty()) {
      throw InvalidArgument(
          fmt::format("{}: no splits in it; expected the folders train and test "
                      "(or val) and no others",
                      spec.text));
    }
    // Both splits number the classes as train does.
    class_names_ = store_->folders(folder.empty() ? "" : "train");
    const std::int64_t skipped = take_files(folder);
    require_images(folder);
    if (skipped > 0) {
      progress.warn(fmt::format("{}: passed over {} files that are not images, the first {}",
                                spec.text, skipped, first_skipped_));
    }
    seal();
    progress.done(fmt::format("{} images, {} classes", size(), class_names_.size()));
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  std::string key(std::int64_t id) const override { return at(id).path; }
  bool has_images() const override { return true; }

  ImageShape image_shape() const override {
    const std::scoped_lock lock(shape_mutex_);
    if (!shape_) shape_ = common_shape();
    return *shape_;
  }

  void read_images(std::span<const std::int64_t> ids, std::span<std::uint8_t> out) const override {
    const ImageShape shape = image_shape();
    check_request(*this, ids, out.size(), shape.size());
    const auto size = static_cast<std::size_t>(shape.size());
    const auto count = static_cast<std::int64_t>(ids.size());
    parallel_blocks((count + images_per_block - 1) / images_per_block, silent(),
                    [&](std::int64_t block) {
                      const std::int64_t begin = block * images_per_block;
                      const std::int64_t end = std::min(count, begin + images_per_block);
                      for (std::int64_t i = begin; i < end; ++i) {
                        const StoredFile& file = at(ids[static_cast<std::size_t>(i)]);
                        decode_image(store_->bytes(file).bytes, store_->name(file.path), {}, shape,
                                     out.subspan(static_cast<std::size_t>(i) * size, size));
                      }
                    });
  }

  EncodedImage encoded_image(std::int64_t id) const override {
    check_request(*this, {&id, 1}, 0, 0);
    const StoredBytes stored = store_->bytes(at(id));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
    const char* text = reinterpret_cast<const char*>(stored.bytes.data());
    return {image_mime(stored.bytes, store_->name(at(id).path)),
            std::string(text, stored.bytes.size())};
  }

  std::optional<fs::path> file(std::int64_t id) const override { return store_->disk_path(at(id)); }

 private:
  const StoredFile& at(std::int64_t id) const { return files_[static_cast<std::size_t>(id)]; }

  /// Keeps the images below `folder` in class order, then byte order, and labels them. Returns how
  /// many other files there are.
  std::int64_t take_files(const std::string& folder) {
    const std::size_t prefix = folder.empty() ? 0 : folder.size() + 1;
    std::vector<std::pair<std::int32_t, StoredFile>> found;
    std::int64_t skipped = 0;
    for (auto& file : store_->files(folder)) {
      if (has_other_image_extension(file.path)) {
        throw BadFile(
            fmt::format("{}: an image in a format that is not read; expected JPEG or "
                        "PNG; convert it",
                        store_->name(file.path)));
      }
      if (!has_image_extension(file.path)) {
        if (skipped++ == 0 || file.path < first_skipped_) first_skipped_ = file.path;
        continue;
      }
      const std::int32_t label = class_of(file.path, prefix);
      found.emplace_back(label, std::move(file));
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : a.second.path < b.second.path;
    });
    for (auto& [label, file] : found) {
      labels_.push_back(label);
      files_.push_back(std::move(file));
    }
    return skipped;
  }

  [[noreturn]] void throw_stray(const std::string& path) const {
    throw BadFile(fmt::format("{}: an image outside the class folders; expected CLASS/NAME",
                              store_->name(path)));
  }

  void forbid_images_beside_splits() const {
    for (const auto& path : store_->loose_files("")) {
      if (has_image_extension(path) || has_other_image_extension(path)) throw_stray(path);
    }
  }

  std::int32_t class_of(const std::string& path, std::size_t prefix) const {
    const std::size_t slash = path.find('/', prefix);
    if (slash == std::string::npos) throw_stray(path);
    const std::string name = path.substr(prefix, slash - prefix);
    const auto found = std::lower_bound(class_names_.begin(), class_names_.end(), name);
    if (found == class_names_.end() || *found != name) {
      throw BadFile(fmt::format("{}: class '{}' has no folder in train", store_->name(path), name));
    }
    return static_cast<std::int32_t>(found - class_names_.begin());
  }

  /// A class without images is a mistake, but where it is the test split that lacks it.
  void require_images(const std::string& folder) const {
    if (files_.empty()) {
      throw BadFile(fmt::format("{}: no JPEG or PNG images in it; expected CLASS/NAME.png",
                                store_->name(folder)));
    }
    if (split_ == "test") return;
    std::vector<bool> seen(class_names_.size());
    for (const std::int32_t label : labels_) seen[static_cast<std::size_t>(label)] = true;
    for (std::size_t c = 0; c < seen.size(); ++c) {
      if (seen[c]) continue;
      const std::string path = folder.empty() ? class_names_[c] : folder + "/" + class_names_[c];
      throw BadFile(
          fmt::format("{}: no JPEG or PNG images in this class folder; add some or "
                      "remove it",
                      store_->name(path)));
    }
  }

  ImageShape shape_of(std::int64_t id) const {
    const StoredBytes stored = store_->bytes(at(id));
    return probe_image(stored.bytes, store_->name(at(id).path), DecodeOptions{}.max_pixels);
  }

  ImageShape common_shape() const {
    const ImageShape first = shape_of(0);
    const std::int64_t n_blocks = (size() + headers_per_block - 1) / headers_per_block;
    std::vector<std::int64_t> differs(static_cast<std::size_t>(n_blocks), -1);
    parallel_blocks(n_blocks, silent(), [&](std::int64_t block) {
      const std::int64_t end = std::min(size(), (block + 1) * headers_per_block);
      for (std::int64_t id = block * headers_per_block; id < end; ++id) {
        if (shape_of(id) == first) continue;
        differs[static_cast<std::size_t>(block)] = id;
        return;
      }
    });
    const auto bad = std::find_if(differs.begin(), differs.end(), [](auto id) { return id >= 0; });
    if (bad == differs.end()) return first;
    const ImageShape other = shape_of(*bad);
    throw BadFile(fmt::format(
        "{}: {} x {} pixels, but {} has {} x {}; resize all images to one size, e.g. with "
        "ImageMagick's mogrify -resize {}x{}!",
        store_->name(at(*bad).path), other.height, other.width, at(0).path, first.height,
        first.width, first.width, first.height));
  }

  std::unique_ptr<ImageStore> store_;
  std::vector<StoredFile> files_;
  std::string first_skipped_;
  mutable std::mutex shape_mutex_;
  mutable std::optional<ImageShape> shape_;
};

}  // namespace

bool has_image_extension(const std::string& path) {
  const std::string extension = lower_extension(path);
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

bool images_have_test_split(const DatasetSpec& spec) {
  return !split_folder(*open_store(spec), "test").empty();
}

std::unique_ptr<Dataset> open_image_dataset(const DatasetSpec& spec, Progress& progress) {
  return std::make_unique<ImageDataset>(spec, progress);
}

}  // namespace winnow::io
