#include "cli/neighbour_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "winnow/embedding/encoder.hpp"

namespace winnow::cli {

namespace {

using embedding::LabelledSource;

/// Nothing when it cannot be had, which `progress` is told.
std::optional<embedding::KnnQuality> quality_of(const LabelledSource& train,
                                                const LabelledSource& test, Seed seed,
                                                Progress& progress) {
  try {
    return embedding::knn_quality(train, test, {.k = 20}, seed, most_checked_values, progress);
  } catch (const InvalidArgument& error) {
    progress.warn(fmt::format("no neighbour check: {}", error.what()));
    return {};
  }
}

/// All rows of a dataset, encoded when they are asked for.
LabelledSource encoded(const embedding::Encoder& encoder, const io::Dataset& dataset,
                       Progress& progress) {
  return {dataset.size(), encoder.dimensions(),
          [&](std::span<const std::int64_t>) { return encoder.encode(dataset, progress); },
          dataset.labels()};
}

/// Accuracy of the raw pixels, null when there are too many of them.
Json pixel_accuracy(const Splits& splits, bool tested, Seed seed, Progress& progress) {
  const io::Dataset& train = *splits.train;
  const std::int64_t width = train.has_images() ? train.image_shape().size() : train.vector_width();
  const std::int64_t rows = train.size() + (tested ? splits.test->size() : 0);
  if (rows * width > most_checked_values) return nullptr;
  const auto pixels = embedding::fit_encoder(train, {.encoder = EncoderKind::pixels}, progress);
  const auto found = quality_of(
      encoded(*pixels, train, progress),
      tested ? encoded(*pixels, *splits.test, progress) : LabelledSource{}, seed, progress);
  return found ? Json(found->accuracy) : Json();
}

}  // namespace

Json check_neighbours(const Splits& splits, const LabelledSource& train, const LabelledSource& test,
                      bool are_pixels, Seed seed, Progress& progress) {
  const auto own = quality_of(train, test, seed, progress);
  if (!own) return nullptr;
  Json knn = {{"k", own->k}, {"queries", own->queries}, {"leave_one_out", own->leave_one_out}};
  if (own->references < train.rows) knn["references"] = own->references;
  knn["encoder"] = own->accuracy;
  knn["pixels"] =
      are_pixels ? Json(own->accuracy) : pixel_accuracy(splits, test.rows > 0, seed, progress);
  return knn;
}

}  // namespace winnow::cli
