#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "io/datasets.hpp"
#include "io/image_decode.hpp"
#include "io/image_store.hpp"
#include "io/ordered_blocks.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t images_per_block = 16;
constexpr std::int64_t headers_per_block = 256;
constexpr int largest_own_side = 96;
constexpr int default_side = 64;
constexpr std::size_t most_warnings = 20;  // about single images

/// Whether images of this shape are used as they are, unless others differ.
bool is_small(const ImageShape& shape) {
  return shape.height <= largest_own_side && shape.width <= largest_own_side;
}

ImageTransform default_transform() {
  ReadingOptions options;
  options.image_size = default_side;
  return ImageTransform::of(options);
}

/// How all images are brought to one shape, and that shape.
struct Target {
  ImageTransform transform;
  ImageShape shape;
};

/// The first image's shape, and one that differs from it if any does.
struct Sizes {
  ImageShape first;
  std::optional<ImageShape> other;
};

/// What a pass over some of the images has found.
struct Checked {
  std::optional<Sizes> sizes;
  std::vector<std::pair<std::int64_t, std::string>> damaged;  // position in the store, message

  void add(const ImageShape& shape) {
    if (!sizes) sizes = Sizes{shape, {}};
    if (!sizes->other && shape != sizes->first) sizes->other = shape;
  }
};

Target square(const ImageTransform& transform) {
  return {transform, {transform.crop, transform.crop, 3}};
}

class ImageDataset final : public Dataset {
 public:
  ImageDataset(const DatasetSpec& spec, Progress& progress)
      : reading_(spec.reading), progress_(progress) {
    name_ = spec.text;
    progress.stage("list images", 0, "files");
    ImageListing listing = list_images(spec, progress);
    store_ = std::move(listing.store);
    split_ = std::move(listing.split);
    labels_ = std::move(listing.labels);
    class_names_ = std::move(listing.class_names);
    inputs_ = std::move(listing.inputs);
    if (reading_.image_size > 0) target_ = square(ImageTransform::of(reading_));
    progress.done(fmt::format("{} images, {} classes", store_->size(), class_names_.size()));
    if (reading_.skip_unreadable) skip_unreadable();
    seal();
  }

  std::int64_t size() const override {
    return kept_ ? static_cast<std::int64_t>(kept_->size()) : store_->size();
  }
  std::string key(std::int64_t id) const override { return store_->key(index_of(id)); }
  bool has_images() const override { return true; }
  ImageShape image_shape() const override { return target().shape; }

  void read_images(std::span<const std::int64_t> ids, std::span<std::uint8_t> out) const override {
    const Target target = this->target();
    check_request(*this, ids, out.size(), target.shape.size());
    const DecodeOptions options{target.transform, reading_.max_pixels};
    const auto size = static_cast<std::size_t>(target.shape.size());
    const auto count = static_cast<std::int64_t>(ids.size());
    const auto n_blocks = (count + images_per_block - 1) / images_per_block;
    ordered_blocks(n_blocks, silent(), [&](std::int64_t block) {
      const std::int64_t end = std::min(count, (block + 1) * images_per_block);
      for (std::int64_t i = block * images_per_block; i < end; ++i) {
        const auto at = static_cast<std::size_t>(i);
        decode(index_of(ids[at]), options, target.shape, out.subspan(at * size, size));
      }
      return true;
    });
  }

  EncodedImage encoded_image(std::int64_t id) const override {
    check_request(*this, {&id, 1}, 0, 0);
    EncodedImage image;
    const std::int64_t index = index_of(id);
    store_->visit(index, [&](std::span<const std::byte> bytes) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
      const char* text = reinterpret_cast<const char*>(bytes.data());
      image = {image_mime(bytes, store_->name(index)), std::string(text, bytes.size())};
    });
    return image;
  }

  std::optional<fs::path> file(std::int64_t id) const override {
    return store_->file(index_of(id));
  }
  std::vector<ExampleFile> files(std::int64_t id) const override {
    check_request(*this, {&id, 1}, 0, 0);
    return store_->files(index_of(id));
  }

 private:
  std::int64_t index_of(std::int64_t id) const {
    return kept_ ? (*kept_)[static_cast<std::size_t>(id)] : id;
  }

  void decode(std::int64_t index, const DecodeOptions& options, const ImageShape& shape,
              std::span<std::uint8_t> out) const {
    advised([&] {
      store_->visit(index, [&](std::span<const std::byte> bytes) {
        decode_image(bytes, store_->name(index), options, shape, out);
      });
    });
  }

  ImageShape probe(std::int64_t index) const {
    ImageShape shape;
    advised([&] {
      store_->visit(index, [&](std::span<const std::byte> bytes) {
        shape = probe_image(bytes, store_->name(index), reading_.max_pixels);
      });
    });
    return shape;
  }

  /// Calls `read`; what it throws of a file also says how to do without it.
  template <class Read>
  void advised(const Read& read) const {
    try {
      read();
    } catch (const BadFile& error) {
      if (reading_.skip_unreadable) throw;
      throw BadFile(fmt::format("{}; --skip-unreadable leaves such images out", error.what()));
    }
  }

  Target target() const {
    const std::scoped_lock lock(target_mutex_);
    if (!target_) target_ = find_target();
    return *target_;
  }

  /// The images' own size if it is small and they share it.
  Target find_target() const {
    const Sizes sizes = sizes_ ? *sizes_ : find_sizes();
    const ImageShape& first = sizes.first;
    if (is_small(first) && !sizes.other) return {{}, first};
    const std::string found =
        sizes.other ? fmt::format("sizes such as {} x {} and {} x {}", first.height, first.width,
                                  sizes.other->height, sizes.other->width)
                    : fmt::format("{} x {} pixels", first.height, first.width);
    progress_.warn(fmt::format(
        "{}: images of {} are resized and cut to {} x {}; --image-size N chooses another size",
        name_, found, default_side, default_side));
    return square(default_transform());
  }

  /// Looks at headers, as far as needed to know.
  Sizes find_sizes() const {
    Sizes sizes{probe(index_of(0)), {}};
    if (!is_small(sizes.first)) return sizes;
    const std::int64_t n = size();
    const std::int64_t n_blocks = (n + headers_per_block - 1) / headers_per_block;
    std::vector<std::optional<ImageShape>> others(static_cast<std::size_t>(n_blocks));
    ordered_blocks(n_blocks, progress_, [&](std::int64_t block) {
      const std::int64_t end = std::min(n, (block + 1) * headers_per_block);
      for (std::int64_t id = block * headers_per_block; id < end; ++id) {
        const ImageShape shape = probe(index_of(id));
        if (shape == sizes.first) continue;
        others[static_cast<std::size_t>(block)] = shape;
        return false;
      }
      return true;
    });
    const auto other = std::find_if(others.begin(), others.end(),
                                    [](const auto& shape) { return shape.has_value(); });
    if (other != others.end()) sizes.other = *other;
    return sizes;
  }

  /// Decodes an image as read_images() will, and tells its own shape.
  ImageShape try_read(std::int64_t index, std::vector<std::uint8_t>& pixels) const {
    ImageShape shape;
    store_->visit(index, [&](std::span<const std::byte> bytes) {
      const std::string name = store_->name(index);
      shape = probe_image(bytes, name, reading_.max_pixels);
      DecodeOptions options{{}, reading_.max_pixels};
      if (target_) options.transform = target_->transform;
      if (!target_ && !is_small(shape)) options.transform = default_transform();
      const ImageShape expected = transformed_shape(shape, options.transform);
      pixels.resize(static_cast<std::size_t>(expected.size()));
      decode_image(bytes, name, options, expected, pixels);
    });
    return shape;
  }

  /// Reads every image once and keeps those that can be.
  void skip_unreadable() {
    const std::int64_t n = store_->size();
    progress_.stage("check images", n, "images");
    const std::int64_t n_blocks = (n + images_per_block - 1) / images_per_block;
    std::vector<Checked> blocks(static_cast<std::size_t>(n_blocks));
    parallel_blocks(n_blocks, progress_, [&](std::int64_t block) {
      Checked& checked = blocks[static_cast<std::size_t>(block)];
      std::vector<std::uint8_t> pixels;
      const std::int64_t end = std::min(n, (block + 1) * images_per_block);
      for (std::int64_t index = block * images_per_block; index < end; ++index) {
        try {
          checked.add(try_read(index, pixels));
        } catch (const BadFile& error) {
          checked.damaged.emplace_back(index, error.what());
        }
      }
      progress_.advance(end - block * images_per_block);
    });
    for (const Checked& checked : blocks) {
      if (!checked.sizes) continue;
      if (!sizes_) {
        sizes_ = checked.sizes;
      } else if (!sizes_->other) {
        sizes_->other =
            checked.sizes->first != sizes_->first ? checked.sizes->first : checked.sizes->other;
      }
      if (sizes_->other) break;
    }
    leave_out(blocks);
    progress_.done(fmt::format("{} of {} can be read", size(), n));
  }

  void leave_out(const std::vector<Checked>& blocks) {
    const std::int64_t n = store_->size();
    std::vector<std::int64_t> kept;
    std::vector<std::int32_t> labels;
    std::int64_t next = 0;
    const auto keep_until = [&](std::int64_t end) {
      for (; next < end; ++next) {
        kept.push_back(next);
        if (!labels_.empty()) labels.push_back(labels_[static_cast<std::size_t>(next)]);
      }
    };
    for (const Checked& checked : blocks) {
      for (const auto& [index, message] : checked.damaged) {
        keep_until(index);
        next = index + 1;
        if (skipped_.size() < most_warnings) {
          progress_.warn(fmt::format("{}; this image is left out", message));
        }
        const std::string prefix = store_->name(index) + ": ";
        skipped_.push_back({store_->key(index),
                            message.starts_with(prefix) ? message.substr(prefix.size()) : message});
      }
    }
    if (skipped_.empty()) return;
    keep_until(n);
    if (kept.empty()) {
      throw BadFile(fmt::format("{}: none of the {} images can be read, the first for: {}", name_,
                                n, skipped_[0].reason));
    }
    progress_.warn(fmt::format("{}: {} of {} images cannot be read and are left out", name_,
                               skipped_.size(), n));
    kept_ = std::move(kept);
    labels_ = std::move(labels);
  }

  ReadingOptions reading_;
  Progress& progress_;
  std::unique_ptr<ImageStore> store_;
  std::optional<std::vector<std::int64_t>> kept_;  // positions in the store, when not all
  std::optional<Sizes> sizes_;
  mutable std::mutex target_mutex_;
  mutable std::optional<Target> target_;
};

}  // namespace

std::unique_ptr<Dataset> open_image_dataset(const DatasetSpec& spec, Progress& progress) {
  return std::make_unique<ImageDataset>(spec, progress);
}

}  // namespace winnow::io
