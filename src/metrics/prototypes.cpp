#include "winnow/metrics/prototypes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::metrics {

namespace {

/// Labels as positions among those that occur, in ascending order: memory follows the classes that
/// there are, whatever their numbers.
struct DenseLabels {
  std::vector<std::int32_t> values;  ///< [n]
  std::int64_t classes = 0;
};

DenseLabels dense(std::span<const std::int32_t> labels) {
  std::vector<std::int32_t> present(labels.begin(), labels.end());
  std::ranges::sort(present);
  present.erase(std::unique(present.begin(), present.end()), present.end());
  DenseLabels result{{}, static_cast<std::int64_t>(present.size())};
  result.values.reserve(labels.size());
  for (const auto label : labels) {
    const auto position = std::ranges::lower_bound(present, label) - present.begin();
    result.values.push_back(static_cast<std::int32_t>(position));
  }
  return result;
}

/// [classes, d] sums of rows in row order, each class on one thread.
Matrix<double> class_sums(MatrixView<const float> rows, std::span<const std::int32_t> labels,
                          std::int64_t classes) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    members[static_cast<std::size_t>(labels[i])].push_back(static_cast<std::int64_t>(i));
  }
  Matrix<double> sums(classes, rows.cols());
  const auto add_to = numerics::kernels().add_to;
  parallel_blocks(classes, silent(), [&](std::int64_t c) {
    for (const auto i : members[static_cast<std::size_t>(c)]) {
      add_to(rows.row(i).data(), sums.row(c).data(), rows.cols());
    }
  });
  return sums;
}

/// Sums as means (euclidean) or as unit directions (spherical; zero when the rows cancel out).
Matrix<float> prototypes_of(const Matrix<double>& sums, std::span<const std::int64_t> counts,
                            Geometry geometry) {
  Matrix<float> prototypes(sums.rows(), sums.cols());
  for (std::int64_t c = 0; c < sums.rows(); ++c) {
    const auto count = static_cast<double>(counts[static_cast<std::size_t>(c)]);
    double scale = count;
    if (geometry == Geometry::spherical) {
      double squares = 0.0;
      for (const double value : sums.row(c)) squares += value * value;
      scale = std::sqrt(squares);
      if (scale <= 1e-12 * count) continue;
    }
    for (std::int64_t j = 0; j < sums.cols(); ++j) {
      prototypes(c, j) = static_cast<float>(sums(c, j) / scale);
    }
  }
  return prototypes;
}

}  // namespace

PrototypeScores self_prototypes(const cluster::Rows& rows, const cluster::KMeansOptions& options,
                                const cluster::KMeansRun& run,
                                std::optional<MatrixView<const float>> centroids) {
  PrototypeScores result;
  if (centroids) {
    Matrix<float> unit;
    if (options.geometry == Geometry::spherical) {
      unit = numerics::normalize_rows(*centroids);
      centroids = unit;
    }
    result.kmeans =
        cluster::assign(rows, *centroids, options.geometry, run.communicator, run.progress);
  } else {
    result.kmeans = cluster::kmeans(rows, options, run);
  }
  result.scores = result.kmeans.distance;
  if (options.geometry == Geometry::euclidean) {
    for (double& score : result.scores) score = std::sqrt(score);
  }
  return result;
}

PrototypeScores self_prototypes(MatrixView<const float> embeddings,
                                const cluster::KMeansOptions& options, Progress& progress,
                                std::optional<MatrixView<const float>> centroids) {
  Matrix<float> unit;
  if (options.geometry == Geometry::spherical) {
    unit = numerics::normalize_rows(embeddings);
    embeddings = unit;
  }
  return self_prototypes(cluster::MatrixRows(embeddings), options, {.progress = progress},
                         centroids);
}

std::vector<double> supervised_prototypes(MatrixView<const float> embeddings,
                                          std::span<const std::int32_t> labels, Geometry geometry) {
  if (embeddings.empty()) throw InvalidArgument("supervised_prototypes: no embeddings");
  if (static_cast<std::int64_t>(labels.size()) != embeddings.rows()) {
    throw InvalidArgument(fmt::format("supervised_prototypes: {} labels for {} embeddings",
                                      labels.size(), embeddings.rows()));
  }
  const auto lowest = std::ranges::min_element(labels);
  if (*lowest < 0) {
    throw InvalidArgument(fmt::format("label of row {} is {}; expected a class index >= 0",
                                      lowest - labels.begin(), *lowest));
  }
  Matrix<float> unit;
  if (geometry == Geometry::spherical) {
    unit = numerics::normalize_rows(embeddings);
    embeddings = unit;
  }
  const auto [classes_of, n_classes] = dense(labels);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(n_classes));
  for (const auto c : classes_of) ++counts[static_cast<std::size_t>(c)];
  const Matrix<float> prototypes =
      prototypes_of(class_sums(embeddings, classes_of, n_classes), counts, geometry);
  std::vector<double> scores(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = embeddings.row(static_cast<std::int64_t>(i));
    const auto prototype = prototypes.row(classes_of[i]);
    scores[i] = geometry == Geometry::spherical
                    ? std::clamp(1.0 - numerics::dot(row, prototype), 0.0, 2.0)
                    : std::sqrt(numerics::squared_distance(row, prototype));
  }
  return scores;
}

std::vector<double> random_scores(std::int64_t n, Seed seed) {
  RandomStream stream(seed, "random-metric");
  std::vector<double> scores(static_cast<std::size_t>(n));
  for (double& score : scores) score = stream.uniform();
  return scores;
}

}  // namespace winnow::metrics
