#include "winnow/train/image_store.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

namespace winnow::train {

namespace {

constexpr std::int64_t images_at_a_time = 1024;

}  // namespace

ImageStore::ImageStore(const io::Dataset& dataset, Progress& progress)
    : dataset_(dataset), labels_(dataset.labels()) {
  labels_.resize(static_cast<std::size_t>(dataset.size()), 0);
  const std::int64_t size = dataset.image_shape().size();
  const std::int64_t memory =
      std::int64_t{sysconf(_SC_PHYS_PAGES)} * std::int64_t{sysconf(_SC_PAGESIZE)};
  if (dataset.size() * size > memory / 4) return;
  progress.stage(fmt::format("read images of {}", dataset.name()), dataset.size(), "images");
  pixels_.resize(static_cast<std::size_t>(dataset.size() * size));
  for (std::int64_t begin = 0; begin < dataset.size(); begin += images_at_a_time) {
    progress.throw_if_cancelled();
    const std::int64_t count = std::min(images_at_a_time, dataset.size() - begin);
    std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
    std::iota(ids.begin(), ids.end(), begin);
    dataset.read_images(ids, std::span(pixels_).subspan(static_cast<std::size_t>(begin * size),
                                                        static_cast<std::size_t>(count * size)));
    progress.advance(count);
  }
  progress.done("");
}

LabelledImages ImageStore::view() const {
  return {
      .pixels = pixels_, .shape = dataset_.image_shape(), .labels = labels_, .dataset = &dataset_};
}

}  // namespace winnow::train
