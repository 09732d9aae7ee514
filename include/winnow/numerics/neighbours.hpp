#pragma once

#include <cstdint>
#include <span>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::numerics {

/// How nearest_neighbours() runs.
struct NeighbourOptions {
  std::int64_t k = 20;  ///< Neighbours per query; 1 <= k <= reference rows.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.k,
          FieldInfo{.name = "neighbours", .help = "Nearest neighbours per query.", .min = 1});
  }
  void validate() const { validate_fields(*this); }
};

/// The k most similar reference rows of every query, most similar first; ties: lowest index.
struct Neighbours {
  Matrix<std::int64_t> index;  ///< [queries, k]
  Matrix<float> similarity;    ///< [queries, k], dot products.
};

/// Exact nearest neighbours by dot product; on unit rows that is cosine similarity.
///
/// @param queries     [m, d], finite.
/// @param references  [n, d], finite.
/// @param exclude     [m] reference row that each query skips (its own), or empty.
/// @throws InvalidArgument  k out of range, or widths or lengths that differ.
/// Same bits for any number of threads. O(m n d) time, O(m k) memory plus a block per thread.
Neighbours nearest_neighbours(MatrixView<const float> queries, MatrixView<const float> references,
                              const NeighbourOptions& options, Progress& progress = silent(),
                              std::span<const std::int64_t> exclude = {});

/// Share of queries whose class is the majority among their k nearest neighbours, in [0, 1].
/// A tie of votes goes to the class with the larger summed similarity, then to the lower class.
///
/// @param neighbours        of the queries among the references.
/// @param query_labels      [queries]
/// @param reference_labels  [references], classes >= 0.
double knn_accuracy(const Neighbours& neighbours, std::span<const std::int32_t> query_labels,
                    std::span<const std::int32_t> reference_labels);

}  // namespace winnow::numerics
