#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow {

/// How closeness is measured: by angle, or by straight distance.
enum class Geometry { spherical, euclidean };

template <>
struct EnumNames<Geometry> {
  static constexpr EnumName<Geometry> values[] = {{Geometry::spherical, "spherical"},
                                                  {Geometry::euclidean, "euclidean"}};
};

namespace cluster {

/// How kmeans() runs. Set fields by name; checked on entry.
struct KMeansOptions {
  std::int64_t n_clusters = 100;  ///< k; 1 <= k <= rows.
  std::int64_t iterations = 20;   ///< Centroid updates; exactly so many unless tolerance > 0.
  double tolerance = 0.0;         ///< Stop when the objective drops by less, relatively. [0, 1).
  Geometry geometry = Geometry::spherical;
  Seed seed{};  ///< Never taken from the clock.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.n_clusters,
          FieldInfo{.name = "clusters", .help = "Number of clusters k.", .min = 1});
    visit(self.iterations, FieldInfo{.name = "iterations",
                                     .help = "Centroid updates; one more assignment gives the "
                                             "scores.",
                                     .min = 0});
    visit(self.tolerance,
          FieldInfo{.name = "tolerance",
                    .help = "Stop early when an update lowers the objective by less than this, "
                            "relatively; 0 never stops early.",
                    .min = 0,
                    .max = 1,
                    .max_open = true});
    visit(self.geometry, FieldInfo{.name = "geometry", .help = "Distance by angle, or straight."});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

/// What kmeans() found. n = rows, d = columns, k = clusters.
struct KMeansResult {
  Matrix<float> centroids;               ///< [k, d]; unit rows when spherical.
  std::vector<std::int32_t> assignment;  ///< [n], in [0, k); ties: lowest index.
  std::vector<double> distance;          ///< [n] to the nearest centroid: 1 - cosine in [0, 2] when
                                 ///< spherical, else squared Euclidean, input units squared.
  std::vector<double> objective;    ///< [iterations + 1], mean of `distance` by assignment.
  std::vector<std::int64_t> sizes;  ///< [k] rows per cluster.
  std::int64_t iterations = 0;      ///< Updates made.
  std::int64_t empty_clusters = 0;  ///< Clusters without a row at the end.
  std::int64_t close_rows = 0;      ///< Rows, over all assignments, that were decided in double.
  bool converged = false;           ///< Tolerance met, or no row changed its cluster.
  double seconds_seeding = 0.0;     ///< Wall time; varies from run to run, as do the next two.
  double seconds_iterating = 0.0;
  double seconds_scoring = 0.0;  ///< Of the last assignment.
};

/// Lloyd's k-means with k-means++ seeding.
///
///     minimise (1/n) sum_i min_j dist(x_i, c_j)
///
/// Every row counts: nothing is subsampled. Spherical centroids are the normalised means of their
/// unit rows (Dhillon and Modha 2001). An empty cluster moves to the row farthest from its
/// centroid; with more clusters than distinct rows some stay empty, and are counted.
///
/// The nearest centroid is that of the smallest `distance`, computed in double in a fixed order of
/// additions, ties to the lowest index. Products in float32, or in bfloat16 where the machine has
/// AMX, with a bound on their rounding errors, tell which centroids can be it; where that leaves
/// several, they are compared in double. `distance` always refers to the centroids returned.
///
/// @param points   [n, d] row-major, finite, d >= 1; unit rows when spherical (normalize_rows()).
/// @param options  seed included.
/// @param initial  [k, d] centroids to start from instead of k-means++; unit rows when spherical.
/// @throws InvalidArgument  bad options, no rows or columns, k > n, initial of another shape.
///
/// Same bits for any number of threads and any instruction set. Cost: O(n k d) a step and O(n k d)
/// for seeding; O(n + k d) extra memory.
///
/// Lloyd, IEEE Trans. Inf. Theory 28(2), 1982.
/// Arthur and Vassilvitskii, "k-means++", SODA 2007.
KMeansResult kmeans(MatrixView<const float> points, const KMeansOptions& options,
                    Progress& progress = silent(),
                    std::optional<MatrixView<const float>> initial = std::nullopt);

/// Nearest of given centroids: kmeans() with no update.
/// Arguments and errors as there.
KMeansResult assign(MatrixView<const float> points, MatrixView<const float> centroids,
                    Geometry geometry, Progress& progress = silent());

}  // namespace cluster
}  // namespace winnow
