#include "winnow/io/dataset_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

/// Some examples of another dataset, renumbered.
class DatasetPart final : public Dataset {
 public:
  DatasetPart(std::unique_ptr<Dataset> whole, std::vector<std::int64_t> ids)
      : whole_(std::move(whole)), ids_(std::move(ids)) {
    name_ = whole_->name();
    split_ = whole_->split();
    inputs_ = whole_->inputs();
    class_names_ = whole_->class_names();
    if (whole_->has_labels()) {
      for (const auto id : ids_) labels_.push_back(whole_->labels()[static_cast<std::size_t>(id)]);
    }
    seal();
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(ids_.size()); }
  std::string key(std::int64_t id) const override { return whole_->key(at(id)); }
  bool has_images() const override { return whole_->has_images(); }
  ImageShape image_shape() const override { return whole_->image_shape(); }
  void read_images(std::span<const std::int64_t> ids, std::span<std::uint8_t> out) const override {
    whole_->read_images(in_whole(ids), out);
  }
  EncodedImage encoded_image(std::int64_t id) const override {
    return whole_->encoded_image(at(id));
  }
  std::int64_t vector_width() const override { return whole_->vector_width(); }
  void read_vectors(std::span<const std::int64_t> ids, std::span<float> out) const override {
    whole_->read_vectors(in_whole(ids), out);
  }
  std::optional<std::filesystem::path> file(std::int64_t id) const override {
    return whole_->file(at(id));
  }
  std::vector<ExampleFile> files(std::int64_t id) const override { return whole_->files(at(id)); }

 private:
  std::int64_t at(std::int64_t id) const { return ids_.at(static_cast<std::size_t>(id)); }
  std::vector<std::int64_t> in_whole(std::span<const std::int64_t> ids) const {
    std::vector<std::int64_t> found;
    for (const auto id : ids) found.push_back(at(id));
    return found;
  }

  std::unique_ptr<Dataset> whole_;
  std::vector<std::int64_t> ids_;  ///< ascending
};

}  // namespace

std::unique_ptr<Dataset> random_part(std::unique_ptr<Dataset> dataset, std::int64_t n, Seed seed) {
  if (n < 1 || n > dataset->size()) {
    throw InvalidArgument(fmt::format("{}: {} examples wanted; expected 1 to {}", dataset->name(),
                                      n, dataset->size()));
  }
  auto ids = RandomStream(seed, "dataset-part").sample(dataset->size(), n);
  std::sort(ids.begin(), ids.end());
  return std::make_unique<DatasetPart>(std::move(dataset), std::move(ids));
}

}  // namespace winnow::io
