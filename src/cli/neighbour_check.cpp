#include "cli/neighbour_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "winnow/embedding/encoder.hpp"
#include "winnow/embedding/quality.hpp"

namespace winnow::cli {

namespace {

/// Which rows of the two splits a check looks at.
struct Chosen {
  std::vector<std::int64_t> train;
  std::vector<std::int64_t> test;
  bool all = true;
};

std::vector<std::int64_t> some_of(std::int64_t n, std::int64_t count, Seed seed,
                                  std::string_view purpose) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  if (count >= n) return ids;
  ids = RandomStream(seed, purpose).sample(n, count);
  std::sort(ids.begin(), ids.end());
  return ids;
}

Chosen choose(std::int64_t n, std::int64_t n_test, std::int64_t most_rows, Seed seed) {
  constexpr std::int64_t most_queries = 10'000;
  Chosen chosen{.train = {}, .test = {}, .all = n + n_test <= most_rows};
  const std::int64_t queries =
      chosen.all ? n_test
                 : std::min({n_test, most_queries, std::max<std::int64_t>(most_rows / 2, 1)});
  const std::int64_t references = chosen.all ? n : std::max<std::int64_t>(most_rows - queries, 2);
  chosen.train = some_of(n, references, seed, "neighbour-references");
  chosen.test = some_of(n_test, queries, seed, "neighbour-queries");
  return chosen;
}

std::vector<std::int32_t> labels_at(const io::Dataset& dataset, std::span<const std::int64_t> ids) {
  std::vector<std::int32_t> labels;
  labels.reserve(ids.size());
  for (const std::int64_t id : ids)
    labels.push_back(dataset.labels()[static_cast<std::size_t>(id)]);
  return labels;
}

/// k-nearest-neighbour accuracy of one embedding; null when it cannot be had.
Json quality_of(const Splits& splits, const RowSource& train, const RowSource& test,
                const Chosen& chosen, Seed seed, Progress& progress) {
  try {
    const Matrix<float> rows = train.read(chosen.train);
    const auto labels = labels_at(*splits.train, chosen.train);
    Matrix<float> test_rows;
    std::vector<std::int32_t> test_labels;
    if (!chosen.test.empty()) {
      test_rows = test.read(chosen.test);
      test_labels = labels_at(*splits.test, chosen.test);
    }
    const auto quality =
        embedding::knn_quality({rows, labels}, {test_rows, test_labels}, {.k = 20}, seed, progress);
    Json json = {
        {"k", quality.k}, {"queries", quality.queries}, {"leave_one_out", quality.leave_one_out}};
    if (!chosen.all) json["references"] = rows.rows();
    json["encoder"] = quality.accuracy;
    return json;
  } catch (const InvalidArgument& error) {
    progress.warn(fmt::format("no neighbour check: {}", error.what()));
    return nullptr;
  }
}

RowSource encoded(const embedding::Encoder& encoder, const io::Dataset& dataset,
                  Progress& progress) {
  return {dataset.size(), encoder.dimensions(),
          [&](std::span<const std::int64_t>) { return encoder.encode(dataset, progress); }};
}

/// Accuracy of the raw pixels, null when there are more of them than `most_values`.
Json pixel_accuracy(const Splits& splits, const Chosen& chosen, Seed seed, Progress& progress,
                    std::int64_t most_values) {
  const io::Dataset& train = *splits.train;
  const std::int64_t width = train.has_images() ? train.image_shape().size() : train.vector_width();
  const std::int64_t n_test = chosen.test.empty() ? 0 : splits.test->size();
  if ((train.size() + n_test) * width > most_values) return nullptr;
  const auto pixels = embedding::fit_encoder(train, {.encoder = EncoderKind::pixels}, progress);
  const RowSource test =
      chosen.test.empty() ? RowSource{} : encoded(*pixels, *splits.test, progress);
  const Json found =
      quality_of(splits, encoded(*pixels, train, progress), test, chosen, seed, progress);
  return found.is_null() ? Json() : found["encoder"];
}

}  // namespace

Json check_neighbours(const Splits& splits, const RowSource& train, const RowSource& test,
                      bool are_pixels, Seed seed, Progress& progress, std::int64_t most_values) {
  if (!splits.train->has_labels()) return nullptr;
  const bool tested = test.rows > 0 && splits.test->has_labels();
  const Chosen chosen =
      choose(train.rows, tested ? test.rows : 0, most_values / train.dimensions, seed);
  Json knn = quality_of(splits, train, test, chosen, seed, progress);
  if (knn.is_null()) return knn;
  if (are_pixels) {
    knn["pixels"] = knn["encoder"];
  } else {
    knn["pixels"] =
        chosen.all ? pixel_accuracy(splits, chosen, seed, progress, most_values) : Json();
  }
  return knn;
}

}  // namespace winnow::cli
