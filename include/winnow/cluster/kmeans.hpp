#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "winnow/cluster/rows.hpp"
#include "winnow/comm/communicator.hpp"
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

/// Where centroids start: rows drawn by k-means++, or any different rows.
enum class Init { plus_plus, random };

}  // namespace cluster

template <>
struct EnumNames<cluster::Init> {
  static constexpr EnumName<cluster::Init> values[] = {{cluster::Init::plus_plus, "k-means++"},
                                                       {cluster::Init::random, "random"}};
};

namespace cluster {

/// How kmeans() runs. Set fields by name; checked on entry.
struct KMeansOptions {
  std::int64_t n_clusters = 100;  ///< k; 1 <= k <= rows.
  std::int64_t iterations = 20;   ///< Centroid updates; exactly so many unless tolerance > 0.
  double tolerance = 0.0;         ///< Stop when the objective drops by less, relatively. [0, 1).
  Geometry geometry = Geometry::spherical;
  Init init = Init::plus_plus;  ///< Unless centroids to start from are given.
  std::int64_t restarts = 1;    ///< Seeds tried; the lowest final objective is kept.
  std::int64_t mini_batch = 0;  ///< Rows of a batch that replace all rows in updates; 0: all rows.
  Seed seed{};                  ///< Never taken from the clock.

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
    visit(self.init, FieldInfo{.name = "init",
                               .help = "Rows that centroids start from: k-means++, or any, all "
                                       "equally likely."});
    visit(self.restarts,
          FieldInfo{.name = "restarts",
                    .help = "Clusterings made from different rows; the one with the lowest "
                            "objective counts.",
                    .min = 1});
    visit(self.mini_batch,
          FieldInfo{.name = "mini-batch",
                    .help = "For a quick look: update with so many random rows an iteration "
                            "instead of all; 0 is exact k-means.",
                    .unit = "rows",
                    .min = 0});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken; tolerance with
  ///         mini-batches, which know no objective.
  void validate() const;
};

/// What kmeans() found. n = rows, d = columns, k = clusters; m = rows of this rank (n, with one).
struct KMeansResult {
  Matrix<float> centroids;               ///< [k, d]; unit rows when spherical.
  std::vector<std::int32_t> assignment;  ///< [m], in [0, k); ties: lowest index.
  std::vector<double> distance;          ///< [m] to the nearest centroid: 1 - cosine in [0, 2] when
                                 ///< spherical, else squared Euclidean, input units squared.
  std::int64_t first_row = 0;  ///< Number of this rank's first row.
  /// [iterations + 1], mean of `distance` by assignment; of mini-batches only the last.
  std::vector<double> objective;
  std::vector<std::int64_t> sizes;  ///< [k] rows per cluster.
  std::int64_t iterations = 0;      ///< Updates made.
  std::int64_t empty_clusters = 0;  ///< Clusters without a row at the end.
  bool converged = false;           ///< Tolerance met, or no row changed its cluster.
  std::int64_t restart = 0;         ///< Which of the restarts this is.
  /// Row-centroid distances that all assignments together stand for, and those of them that were
  /// computed: bounds told that the others cannot be the smallest. Then rows that products were to
  /// decide, as often as they were, and those of them that were left for distances in double. All
  /// but the first depend on the instruction set.
  std::int64_t comparisons = 0;
  std::int64_t computed = 0;
  std::int64_t compared_rows = 0;
  std::int64_t close_rows = 0;
  double seconds_seeding = 0.0;  ///< Wall time, first assignment included; varies from run to run,
  double seconds_iterating = 0.0;  ///< as do these.
  double seconds_scoring = 0.0;    ///< Of the last assignment.
};

/// What a clustering was after an iteration; from here it can be resumed.
struct KMeansState {
  Matrix<float> centroids;        ///< [k, d]
  std::vector<double> objective;  ///< [iterations + 1]
  std::int64_t restart = 0;       ///< Of these centroids.
  bool converged = false;
  Matrix<float> best_centroids;        ///< Of an earlier restart, where that was better; as the
  std::vector<double> best_objective;  ///< next three.
  std::int64_t best_restart = 0;
  bool best_converged = false;
};

/// Beyond options: where rows are, who shares the work, and how far it was before.
struct KMeansRun {
  comm::Communicator& communicator = comm::self();
  Progress& progress = silent();
  /// [k, d] centroids to start from instead of Init; unit rows when spherical. Then restarts = 1.
  std::optional<MatrixView<const float>> initial{};
  /// Goes on from here: the result has the bits of a run that was not interrupted.
  std::optional<KMeansState> resume{};
  /// Called after every iteration on every rank with what to resume from; not in mini-batches.
  std::function<void(const KMeansState&)> checkpoint{};
};

/// Lloyd's k-means with k-means++ seeding.
///
///     minimise (1/n) sum_i min_j dist(x_i, c_j)
///
/// Every row counts: nothing is subsampled, unless by `mini_batch` (Sculley 2010: c_j moves to the
/// mean of all rows that batches gave it so far; the assignment at the end is of all rows, exact).
/// Spherical centroids are the normalised means of their unit rows (Dhillon and Modha 2001). An
/// empty cluster moves to the row farthest from its centroid; with more clusters than distinct rows
/// some stay empty, and are counted.
///
/// The nearest centroid is that of the smallest `distance`, computed in double in a fixed order of
/// additions, ties to the lowest index. Products in float32, or in bfloat16 where the machine has
/// AMX, with a bound on their rounding errors, tell which centroids can be it; where that leaves
/// several, they are compared in double. Rows that bounds show to stay where they are (after
/// Hamerly 2010) are not compared at all. Sums are of whole numbers. `distance` always refers to
/// the centroids returned.
///
/// @param rows     [n, d] finite, d >= 1; unit rows when spherical (normalize_rows(), UnitRows).
/// @param options  seed included.
/// @throws InvalidArgument  bad options, no rows or columns, k > n, initial of another shape;
///         a state to resume whose objective is not that of these rows.
///
/// Same bits for any number of threads and ranks, any instruction set, and wherever the rows lie.
/// Cost: O(n k d) a step at most, O(n k d) for seeding with the first assignment included;
/// 16 n / ranks + O(k d) bytes. Ranks exchange 8 k d bytes an iteration, and k rows for seeding.
///
/// Lloyd, IEEE Trans. Inf. Theory 28(2), 1982.
/// Arthur and Vassilvitskii, "k-means++", SODA 2007.
/// Hamerly, "Making k-means even faster", SDM 2010.
/// Sculley, "Web-scale k-means clustering", WWW 2010.
KMeansResult kmeans(const Rows& rows, const KMeansOptions& options, const KMeansRun& run);

/// The same of a matrix, on one rank.
KMeansResult kmeans(MatrixView<const float> points, const KMeansOptions& options,
                    Progress& progress = silent(),
                    std::optional<MatrixView<const float>> initial = std::nullopt);

/// Nearest of given centroids: kmeans() with no update.
/// Arguments and errors as there.
KMeansResult assign(const Rows& rows, MatrixView<const float> centroids, Geometry geometry,
                    comm::Communicator& communicator = comm::self(), Progress& progress = silent());
KMeansResult assign(MatrixView<const float> points, MatrixView<const float> centroids,
                    Geometry geometry, Progress& progress = silent());

}  // namespace cluster
}  // namespace winnow
