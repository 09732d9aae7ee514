#include "winnow/embedding/quality.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {

namespace {

constexpr std::int64_t most_queries = 10'000;

/// Some of the rows of a source, in its order.
struct Drawn {
  Matrix<float> rows;
  std::vector<std::int32_t> labels;

  Drawn(const LabelledSource& source, std::int64_t count, Seed seed, std::string_view purpose) {
    if (static_cast<std::int64_t>(source.labels.size()) != source.rows) {
      throw InvalidArgument(
          fmt::format("knn_quality: {} labels for {} examples", source.labels.size(), source.rows));
    }
    std::vector<std::int64_t> ids(static_cast<std::size_t>(source.rows));
    std::iota(ids.begin(), ids.end(), std::int64_t{0});
    if (count < source.rows) {
      ids = RandomStream(seed, purpose).sample(source.rows, count);
      std::sort(ids.begin(), ids.end());
    }
    if (ids.empty()) return;
    rows = source.read(ids);
    labels.reserve(ids.size());
    for (const std::int64_t id : ids) labels.push_back(source.labels[static_cast<std::size_t>(id)]);
  }
  LabelledEmbeddings view() const { return {rows, labels}; }
};

}  // namespace

KnnQuality knn_quality(const LabelledEmbeddings& train, const LabelledEmbeddings& test,
                       const numerics::NeighbourOptions& options, Seed seed, Progress& progress) {
  if (static_cast<std::int64_t>(train.labels.size()) != train.rows.rows()) {
    throw InvalidArgument(fmt::format("knn_quality: {} labels for {} examples", train.labels.size(),
                                      train.rows.rows()));
  }
  const Matrix<float> references = numerics::normalize_rows(train.rows);
  Matrix<float> queries;
  std::vector<std::int32_t> labels(test.labels.begin(), test.labels.end());
  std::vector<std::int64_t> own_rows;
  const bool leave_one_out = test.rows.empty();
  if (leave_one_out) {
    if (references.rows() < 2) throw InvalidArgument("knn_quality: expected at least two examples");
    RandomStream stream(seed, "knn-queries");
    own_rows = stream.sample(references.rows(), std::min(references.rows(), most_queries));
    std::sort(own_rows.begin(), own_rows.end());
    queries = Matrix<float>(static_cast<std::int64_t>(own_rows.size()), references.cols());
    labels.clear();
    for (std::size_t i = 0; i < own_rows.size(); ++i) {
      std::ranges::copy(references.row(own_rows[i]),
                        queries.row(static_cast<std::int64_t>(i)).begin());
      labels.push_back(train.labels[static_cast<std::size_t>(own_rows[i])]);
    }
  } else {
    queries = numerics::normalize_rows(test.rows);
  }
  numerics::NeighbourOptions fitting = options;
  fitting.k = std::min(options.k, references.rows() - (leave_one_out ? 1 : 0));
  progress.stage("nearest neighbours", queries.rows(), "queries");
  const auto neighbours =
      numerics::nearest_neighbours(queries, references, fitting, progress, own_rows);
  KnnQuality quality{numerics::knn_accuracy(neighbours, labels, train.labels), queries.rows(),
                     references.rows(), fitting.k, leave_one_out};
  progress.done("");
  return quality;
}

KnnQuality knn_quality(const LabelledSource& train, const LabelledSource& test,
                       const numerics::NeighbourOptions& options, Seed seed,
                       std::int64_t most_values, Progress& progress) {
  const std::int64_t most_rows = most_values / std::max<std::int64_t>(1, train.dimensions);
  const bool all = train.rows + test.rows <= most_rows;
  const std::int64_t queries =
      all ? test.rows
          : std::min({test.rows, most_queries, std::max<std::int64_t>(1, most_rows / 2)});
  const std::int64_t references = all ? train.rows : std::max<std::int64_t>(2, most_rows - queries);
  const Drawn reference_rows(train, references, seed, "knn-references");
  const Drawn query_rows(test, queries, seed, "knn-test-queries");
  return knn_quality(reference_rows.view(), query_rows.view(), options, seed, progress);
}

}  // namespace winnow::embedding
