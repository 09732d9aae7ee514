#include "winnow/cluster/kmeans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cluster/assigner.hpp"
#include "cluster/distance.hpp"
#include "cluster/mini_batch.hpp"
#include "cluster/seeding.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/stopwatch.hpp"

namespace winnow::cluster {

namespace {

void check_input(const Rows& rows, std::int64_t n_clusters) {
  if (rows.rows() < 1 || rows.cols() < 1) {
    throw InvalidArgument(
        fmt::format("kmeans: points are [{}, {}]; expected at least one row and "
                    "one column",
                    rows.rows(), rows.cols()));
  }
  if (n_clusters > rows.rows()) {
    throw InvalidArgument(fmt::format("clusters = {}; expected at most {}, the number of rows",
                                      n_clusters, rows.rows()));
  }
}

void check_centroids(MatrixView<const float> found, std::int64_t k, std::int64_t d) {
  if (found.rows() == k && found.cols() == d) return;
  throw InvalidArgument(fmt::format("initial centroids are [{}, {}]; expected [{}, {}]",
                                    found.rows(), found.cols(), k, d));
}

Matrix<float> copy_of(MatrixView<const float> view) {
  Matrix<float> copy(view.rows(), view.cols());
  std::copy_n(view.data(), view.size(), copy.data());
  return copy;
}

std::vector<std::int32_t> all_of(std::int64_t k) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(k));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

/// Moves each empty cluster to the row that is farthest from its own centroid (ties: lowest id),
/// as long as such a row differs from its centroid by more than rounding.
void repair_empty(Assigner& assigner, std::span<const std::int64_t> sizes,
                  Matrix<float>& centroids) {
  std::vector<std::int64_t> empty;
  for (std::int64_t j = 0; j < centroids.rows(); ++j) {
    if (sizes[static_cast<std::size_t>(j)] == 0) empty.push_back(j);
  }
  if (empty.empty()) return;
  const auto wanted = std::min<std::int64_t>(std::ssize(empty), assigner.n());
  const auto far = assigner.farthest(wanted);
  const Matrix<float> rows = assigner.fetch(far.rows);
  for (std::size_t e = 0; e < far.rows.size(); ++e) {
    const auto row = rows.row(static_cast<std::int64_t>(e));
    // Float rows equal to their centroid are a few ulps of their length away from it; unit rows
    // are of length 1 to an ulp.
    const double rounding = assigner.geometry() == Geometry::spherical
                                ? unit_rounding
                                : 1e-12 * numerics::dot(row, row);
    if (far.distances[e] <= rounding) break;
    std::ranges::copy(row, centroids.row(empty[e]).begin());
  }
}

/// How far each centroid moved, rounded up.
std::vector<double> drifts_of(const Matrix<float>& before, const Matrix<float>& after) {
  std::vector<double> drifts(static_cast<std::size_t>(after.rows()));
  for (std::int64_t j = 0; j < after.rows(); ++j) {
    drifts[static_cast<std::size_t>(j)] =
        std::sqrt(numerics::squared_distance(before.row(j), after.row(j))) * (1.0 + 1e-9);
  }
  return drifts;
}

/// One clustering, from seeds to the last assignment.
class Lloyd {
 public:
  Lloyd(const Rows& rows, const KMeansOptions& options, const KMeansRun& run)
      : options_(options),
        run_(run),
        assigner_(rows, options.geometry, run.communicator, run.progress) {}

  /// @param state  to begin with: nothing, or centroids with the objectives so far
  void cluster(KMeansState state) {
    state_ = std::move(state);
    start();
    const Stopwatch watch;
    run_.progress.stage("k-means", (options_.iterations - iterations()) * assigner_.part().size(),
                        "rows");
    CentroidSums sums(options_.n_clusters, assigner_.cols(), assigner_.n(), assigner_.magnitudes());
    if (iterations() < options_.iterations && !is_done()) assigner_.fill(sums);
    while (iterations() < options_.iterations && !is_done()) {
      iterate(sums);
      if (run_.checkpoint) run_.checkpoint(state_);
    }
    seconds_iterating_ = watch.seconds() - seconds_scoring_;
  }

  const KMeansState& state() const { return state_; }

  void finish(KMeansResult& result) {
    result.centroids = std::move(state_.centroids);
    result.objective = std::move(state_.objective);
    result.iterations = std::ssize(result.objective) - 1;
    result.converged = state_.converged;
    result.restart = state_.restart;
    take_assignment(assigner_, result);
    add_costs(result);
  }

  void add_costs(KMeansResult& result) {
    result.comparisons += assigner_.comparable();
    result.computed += assigner_.tally().compared;
    result.compared_rows += assigner_.tally().rows;
    result.close_rows += assigner_.tally().close;
    result.seconds_seeding += seconds_seeding_;
    result.seconds_iterating += seconds_iterating_;
    result.seconds_scoring += seconds_scoring_;
  }

  static void take_assignment(Assigner& assigner, KMeansResult& result) {
    result.first_row = assigner.part().begin;
    result.assignment = std::move(assigner.nearest());
    result.distance = std::move(assigner.distance());
    result.sizes.assign(static_cast<std::size_t>(result.centroids.rows()), 0);
    for (const auto j : result.assignment) ++result.sizes[static_cast<std::size_t>(j)];
    assigner.communicator().sum(result.sizes);
    result.empty_clusters = std::ranges::count(result.sizes, std::int64_t{0});
  }

 private:
  std::int64_t iterations() const { return std::ssize(state_.objective) - 1; }
  bool is_done() const { return options_.tolerance > 0.0 && state_.converged; }

  /// Centroids to begin with, and the nearest of every row.
  void start() {
    const Stopwatch watch;
    const std::int64_t k = options_.n_clusters;
    if (state_.centroids.empty()) {
      run_.progress.stage("seed", k, "centroids");
      const auto restart = static_cast<std::uint64_t>(state_.restart);
      state_.centroids = options_.init == Init::random
                             ? seed_at_random(assigner_, k, options_.seed, restart)
                             : seed_plus_plus(assigner_, k, options_.seed, restart);
    } else {
      run_.progress.stage("assign", assigner_.part().size(), "rows");
      assigner_.challenge(state_.centroids, all_of(k));
      run_.progress.advance(assigner_.part().size());
    }
    const double mean = assigner_.mean_distance();
    if (state_.objective.empty()) state_.objective = {mean};
    if (state_.objective.back() != mean) {
      throw InvalidArgument(
          fmt::format("the clustering to resume had an objective of {:.17g}, which is {:.17g} of "
                      "these rows; expected the rows that it was made of",
                      state_.objective.back(), mean));
    }
    seconds_seeding_ = watch.seconds();
    run_.progress.done(fmt::format("objective {:.6g}", mean));
  }

  void iterate(CentroidSums& sums) {
    const Matrix<float> before = state_.centroids;
    sums.combine(run_.communicator);
    sums.update(state_.centroids, options_.geometry);
    repair_empty(assigner_, sums.sizes(), state_.centroids);
    const auto drifts = drifts_of(before, state_.centroids);
    const Stopwatch watch;
    const double last = state_.objective.back();
    if (std::ranges::all_of(drifts, [](double drift) { return drift == 0.0; })) {
      assigner_.skip(options_.n_clusters);
      state_.objective.push_back(last);
    } else {
      assigner_.reassign(state_.centroids, drifts, sums);
      state_.objective.push_back(assigner_.mean_distance());
    }
    state_.converged = assigner_.changed() == 0;
    if (options_.tolerance > 0.0 && last - state_.objective.back() <= options_.tolerance * last) {
      state_.converged = true;
    }
    seconds_scoring_ = watch.seconds();
  }

  const KMeansOptions& options_;
  const KMeansRun& run_;
  Assigner assigner_;
  KMeansState state_;
  double seconds_seeding_ = 0.0;
  double seconds_iterating_ = 0.0;
  double seconds_scoring_ = 0.0;
};

KMeansResult assign_to(const Rows& rows, Matrix<float> centroids, Geometry geometry,
                       comm::Communicator& communicator, Progress& progress) {
  const Stopwatch watch;
  Assigner assigner(rows, geometry, communicator, progress);
  KMeansResult result;
  result.centroids = std::move(centroids);
  assigner.challenge(result.centroids, all_of(result.centroids.rows()));
  progress.advance(assigner.part().size());
  result.objective = {assigner.mean_distance()};
  result.comparisons = assigner.comparable();
  result.computed = assigner.tally().compared;
  result.compared_rows = assigner.tally().rows;
  result.close_rows = assigner.tally().close;
  Lloyd::take_assignment(assigner, result);
  result.seconds_scoring = watch.seconds();
  return result;
}

/// Whether the best restart so far is better than the one that just ended; the first of equals.
bool earlier_is_better(const KMeansState& state) {
  return !state.best_objective.empty() && state.best_objective.back() <= state.objective.back();
}

KMeansResult cluster_all_rows(const Rows& rows, const KMeansOptions& options,
                              const KMeansRun& run) {
  KMeansState state;
  if (run.resume) {
    state = *run.resume;
    check_centroids(state.centroids, options.n_clusters, rows.cols());
  } else if (run.initial) {
    state.centroids = copy_of(*run.initial);
  }
  KMeansResult result;
  while (true) {
    Lloyd lloyd(rows, options, run);
    lloyd.cluster(std::move(state));
    const KMeansState& done = lloyd.state();
    const bool last = done.restart + 1 >= options.restarts;
    if (last && !earlier_is_better(done)) {
      lloyd.finish(result);
      return result;
    }
    lloyd.add_costs(result);
    state = {};
    state.restart = done.restart + 1;
    const bool earlier = earlier_is_better(done);
    state.best_centroids = earlier ? done.best_centroids : done.centroids;
    state.best_objective = earlier ? done.best_objective : done.objective;
    state.best_restart = earlier ? done.best_restart : done.restart;
    state.best_converged = earlier ? done.best_converged : done.converged;
    if (last) break;
  }
  run.progress.stage("assign", rows.rows(), "rows");
  KMeansResult best = assign_to(rows, std::move(state.best_centroids), options.geometry,
                                run.communicator, run.progress);
  best.objective = std::move(state.best_objective);
  best.iterations = std::ssize(best.objective) - 1;
  best.restart = state.best_restart;
  best.converged = state.best_converged;
  best.comparisons += result.comparisons;
  best.computed += result.computed;
  best.compared_rows += result.compared_rows;
  best.close_rows += result.close_rows;
  best.seconds_seeding = result.seconds_seeding;
  best.seconds_iterating = result.seconds_iterating + result.seconds_scoring;
  return best;
}

KMeansResult cluster_by_mini_batches(const Rows& rows, const KMeansOptions& options,
                                     const KMeansRun& run) {
  const Stopwatch watch;
  std::optional<KMeansResult> best;
  for (std::int64_t restart = 0; restart < options.restarts; ++restart) {
    run.progress.stage("mini-batches", 0, "rows");
    Assigner assigner(rows, options.geometry, run.communicator, run.progress);
    Matrix<float> centroids =
        mini_batch_centroids(assigner, options, static_cast<std::uint64_t>(restart),
                             run.initial ? copy_of(*run.initial) : Matrix<float>{});
    run.progress.stage("assign", rows.rows(), "rows");
    KMeansResult result =
        assign_to(rows, std::move(centroids), options.geometry, run.communicator, run.progress);
    result.iterations = options.iterations;
    result.restart = restart;
    if (!best || result.objective.back() < best->objective.back()) best = std::move(result);
  }
  best->seconds_iterating = watch.seconds() - best->seconds_scoring;
  return *std::move(best);
}

}  // namespace

void KMeansOptions::validate() const {
  validate_fields(*this);
  if (mini_batch > 0 && tolerance > 0.0) {
    throw InvalidArgument(fmt::format(
        "tolerance = {}: mini-batches know no objective of all rows; leave out one of the two",
        tolerance));
  }
}

KMeansResult kmeans(const Rows& rows, const KMeansOptions& options, const KMeansRun& run) {
  options.validate();
  check_input(rows, options.n_clusters);
  if (run.initial) {
    check_centroids(*run.initial, options.n_clusters, rows.cols());
    if (options.restarts > 1) {
      throw InvalidArgument(
          fmt::format("restarts = {}: all would start from the centroids given; "
                      "expected 1",
                      options.restarts));
    }
  }
  KMeansResult result = options.mini_batch > 0 ? cluster_by_mini_batches(rows, options, run)
                                               : cluster_all_rows(rows, options, run);
  run.progress.done(fmt::format("{} iterations, objective {:.6g}, {} empty", result.iterations,
                                result.objective.back(), result.empty_clusters));
  return result;
}

KMeansResult kmeans(MatrixView<const float> points, const KMeansOptions& options,
                    Progress& progress, std::optional<MatrixView<const float>> initial) {
  return kmeans(MatrixRows(points), options, {.progress = progress, .initial = initial});
}

KMeansResult assign(const Rows& rows, MatrixView<const float> centroids, Geometry geometry,
                    comm::Communicator& communicator, Progress& progress) {
  check_input(rows, 1);
  if (centroids.empty() || centroids.cols() != rows.cols()) {
    throw InvalidArgument(
        fmt::format("centroids are [{}, {}]; expected {} columns as the rows have",
                    centroids.rows(), centroids.cols(), rows.cols()));
  }
  progress.stage("assign", rows.rows(), "rows");
  KMeansResult result = assign_to(rows, copy_of(centroids), geometry, communicator, progress);
  progress.done(fmt::format("mean distance {:.6g}", result.objective.back()));
  return result;
}

KMeansResult assign(MatrixView<const float> points, MatrixView<const float> centroids,
                    Geometry geometry, Progress& progress) {
  return assign(MatrixRows(points), centroids, geometry, comm::self(), progress);
}

}  // namespace winnow::cluster
