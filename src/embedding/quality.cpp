#include "winnow/embedding/quality.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::embedding {

KnnQuality knn_quality(const LabelledEmbeddings& train, const LabelledEmbeddings& test,
                       const numerics::NeighbourOptions& options, Seed seed, Progress& progress) {
  constexpr std::int64_t most_queries = 10'000;
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
                     fitting.k, leave_one_out};
  progress.done("");
  return quality;
}

}  // namespace winnow::embedding
