#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/numerics/neighbours.hpp"

namespace winnow::embedding {

/// How well neighbours in an embedding share a class.
struct KnnQuality {
  double accuracy = 0.0;        ///< Share of queries whose neighbours' majority is right, [0, 1].
  std::int64_t queries = 0;     ///< Examples asked.
  std::int64_t references = 0;  ///< Examples that could be neighbours.
  std::int64_t k = 0;           ///< Neighbours that voted.
  bool leave_one_out = false;   ///< Queries were references themselves, each without its own row.
};

/// Rows and classes of a dataset, [n, d] and [n].
struct LabelledEmbeddings {
  MatrixView<const float> rows;
  std::span<const std::int32_t> labels;
};

/// k-nearest-neighbour accuracy by cosine, exact: `test` against `train`, or, when `test` has no
/// rows, up to 10,000 random rows of `train` against all others.
///
/// k shrinks to the number of references when there are fewer.
/// @throws InvalidArgument  widths that differ, labels of another length, a row of norm 0.
/// Same bits for any number of threads. O(queries n d).
KnnQuality knn_quality(const LabelledEmbeddings& train, const LabelledEmbeddings& test,
                       const numerics::NeighbourOptions& options, Seed seed,
                       Progress& progress = silent());

/// Rows on disk with their classes: read(ids) gives those rows, [ids.size(), dimensions], ids
/// increasing.
struct LabelledSource {
  std::int64_t rows = 0;
  std::int64_t dimensions = 0;
  std::function<Matrix<float>(std::span<const std::int64_t> ids)> read;
  std::span<const std::int32_t> labels;  ///< [rows]
};

/// The same for rows that need not fit into memory: all of them when they are at most `most_values`
/// numbers, else random ones, at most 10,000 of `test` and as many of `train` as the limit leaves.
/// @throws as above, and what read() throws.
KnnQuality knn_quality(const LabelledSource& train, const LabelledSource& test,
                       const numerics::NeighbourOptions& options, Seed seed,
                       std::int64_t most_values, Progress& progress = silent());

}  // namespace winnow::embedding
