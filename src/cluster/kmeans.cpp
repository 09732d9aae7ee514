#include "winnow/cluster/kmeans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "cluster/seeding.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/rounded_product.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {

namespace {

constexpr std::int64_t block_rows = 512;

void check_input(MatrixView<const float> points, std::int64_t n_clusters) {
  if (points.empty()) {
    throw InvalidArgument(
        fmt::format("kmeans: points are [{}, {}]; expected at least one row and "
                    "one column",
                    points.rows(), points.cols()));
  }
  if (n_clusters > points.rows()) {
    throw InvalidArgument(fmt::format("clusters = {}; expected at most {}, the number of rows",
                                      n_clusters, points.rows()));
  }
}

double distance_to(std::span<const float> x, std::span<const float> c, Geometry geometry) {
  if (geometry == Geometry::euclidean) return numerics::squared_distance(x, c);
  return std::clamp(1.0 - numerics::dot(x, c), 0.0, 2.0);
}

/// Power of two near 1 / (largest entry)^2, as an exponent.
int balancing_exponent(MatrixView<const float> centroids) {
  constexpr int smallest_normal = std::numeric_limits<float>::min_exponent;
  float largest = 0.0F;
  for (std::int64_t i = 0; i < centroids.size(); ++i) {
    largest = std::max(largest, std::abs(centroids.data()[i]));
  }
  return largest > 0.0F ? -2 * std::max(std::ilogb(largest), smallest_normal) : 0;
}

/// What rows are compared with. |x - c|^2 = |x|^2 + 2 (|c|^2 / 2 - x.c): the bracket decides, and
/// multiplied by a power of two decides the same without overflow or underflow in float32.
struct Targets {
  Matrix<float> centroids;        ///< [k, d] c times the power of two
  std::vector<float> half_norms;  ///< [k] |c|^2 / 2 times it; 0 when spherical
  double longest = 0.0;           ///< largest |c| times it
  double highest = 0.0;           ///< largest of half_norms

  /// Bound on the error of x.c in float32, in any order of additions, for |x| = length: d u |x| |c|
  /// with u = 2^-24, and what is lost below the normal numbers.
  double product_error(double length) const {
    const double du = static_cast<double>(centroids.cols()) * 0x1p-24;
    return du / (1.0 - du) * length * longest +
           static_cast<double>(centroids.cols()) * 0x1p-126 * (1.0 + length);
  }
  /// The same of each bracket: |c|^2 / 2 and the difference round by u of their sizes. Twice what
  /// is needed, for the rounding of these bounds and of the distances that the brackets stand for.
  double error(double product, double length) const {
    return 2.0 * (product + 0x1p-23 * (length * longest + highest) + 0x1p-125);
  }
};

Targets targets_of(const Matrix<float>& centroids, Geometry geometry) {
  Targets targets{centroids, std::vector<float>(static_cast<std::size_t>(centroids.rows()))};
  if (geometry == Geometry::spherical) {
    targets.longest = 1.0 + 1e-6;
    return targets;
  }
  const int exponent = balancing_exponent(centroids);
  for (std::int64_t j = 0; j < centroids.rows(); ++j) {
    const double norm = numerics::dot(centroids.row(j), centroids.row(j));
    const double half = std::ldexp(0.5 * norm, exponent);
    targets.half_norms[static_cast<std::size_t>(j)] = static_cast<float>(half);
    targets.highest = std::max(targets.highest, half);
    targets.longest = std::max(targets.longest, std::ldexp(std::sqrt(norm), exponent));
    for (float& value : targets.centroids.row(j)) value = std::ldexp(value, exponent);
  }
  return targets;
}

/// What the bracket of the nearest centroid is at most; not finite when that overflows, which says
/// nothing about any centroid.
float highest_candidate(float smallest, double error) {
  const double limit = static_cast<double>(smallest) + 2.0 * error;
  return std::nextafter(static_cast<float>(limit), std::numeric_limits<float>::infinity());
}

/// The nearest centroid by distance_to(), the lowest index on ties, among those whose bracket is at
/// most `limit`, or all when that is not finite.
std::int32_t nearest_exactly(std::span<const float> x, const Matrix<float>& centroids,
                             Geometry geometry, const Targets& targets,
                             std::span<const float> products, float limit) {
  std::int32_t nearest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < products.size(); ++j) {
    if (std::isfinite(limit) && targets.half_norms[j] - products[j] > limit) continue;
    const double distance = distance_to(x, centroids.row(static_cast<std::int64_t>(j)), geometry);
    if (distance < least) {
      least = distance;
      nearest = static_cast<std::int32_t>(j);
    }
  }
  return nearest;
}

/// What assign_rows() counted.
struct Assigned {
  std::int64_t changed = 0;  ///< rows that are in another cluster than before
  std::int64_t close = 0;    ///< rows that products could not decide
};

/// Compares blocks of rows with all centroids.
class Comparison {
 public:
  /// A row's lowest bracket, and which others may be the nearest centroid's.
  struct Row {
    std::int32_t lowest = 0;
    float limit = 0.0F;
    std::int64_t candidates = 0;  ///< 1: `lowest` is the nearest; k where nothing is known
  };

  Comparison(const Matrix<float>& centroids, Geometry geometry)
      : targets_(targets_of(centroids, geometry)), geometry_(geometry) {
    if (numerics::RoundedProduct::pays(centroids.rows())) {
      rounded_.emplace(targets_.centroids, block_rows);
    }
  }

  const Targets& targets() const { return targets_; }

  /// @param rows  at most block_rows
  /// @param products  [rows, k], overwritten by x.c times the power of two
  void compare(MatrixView<const float> rows, MatrixView<float> products,
               std::span<Row> found) const {
    if (rounded_ && !too_coarse_) {
      std::array<double, block_rows> errors{};
      rounded_->apply(rows, products, errors);
      if (decide(rows, products, errors, found) <= most_candidates * rows.rows()) return;
      too_coarse_ = true;  // Of these data; nothing but speed depends on it.
    }
    numerics::product(rows, numerics::Transpose::no, targets_.centroids, numerics::Transpose::yes,
                      products);
    decide(rows, products, {}, found);
  }

 private:
  /// Rounded products that leave more candidates a row cost more than they save.
  static constexpr std::int64_t most_candidates = 8;

  /// @param errors  of each row's products; empty: those of float32
  /// @returns the candidates of all rows
  std::int64_t decide(MatrixView<const float> rows, MatrixView<const float> products,
                      std::span<const double> errors, std::span<Row> found) const {
    const auto& kernels = numerics::kernels();
    const std::int64_t k = products.cols();
    const float* half_norms = targets_.half_norms.data();
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const auto smallest = kernels.smallest_difference(half_norms, products.row(i).data(), k);
      const double length = geometry_ == Geometry::spherical
                                ? 1.0 + 1e-6
                                : std::sqrt(numerics::dot(rows.row(i), rows.row(i)));
      const double error = errors.empty() ? targets_.product_error(length) : errors[at];
      const float limit = highest_candidate(smallest.value, targets_.error(error, length));
      found[at] = {static_cast<std::int32_t>(smallest.index), limit, k};
      if (std::isfinite(limit)) {
        found[at].candidates =
            kernels.count_differences(half_norms, products.row(i).data(), limit, k);
      }
      sum += found[at].candidates;
    }
    return sum;
  }

  Targets targets_;
  Geometry geometry_;
  std::optional<numerics::RoundedProduct> rounded_;
  mutable std::atomic<bool> too_coarse_{false};
};

/// Assigns every row to its nearest centroid by distance_to(), the lowest index on ties.
Assigned assign_rows(MatrixView<const float> points, Geometry geometry, KMeansResult& result,
                     Progress& progress) {
  const std::int64_t k = result.centroids.rows();
  const Comparison comparison(result.centroids, geometry);
  const std::int64_t blocks = (points.rows() + block_rows - 1) / block_rows;
  std::vector<Assigned> counts(static_cast<std::size_t>(blocks));
  parallel_blocks(blocks, progress, [&](std::int64_t block) {
    const std::int64_t begin = block * block_rows;
    const std::int64_t count = std::min(block_rows, points.rows() - begin);
    thread_local std::vector<float> buffer;
    buffer.resize(static_cast<std::size_t>(block_rows * k));
    const MatrixView<float> products(buffer.data(), count, k);
    std::array<Comparison::Row, block_rows> found;
    comparison.compare(points.block(begin, count), products, found);
    Assigned& counted = counts[static_cast<std::size_t>(block)];
    for (std::int64_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(begin + i);
      const auto x = points.row(begin + i);
      const Comparison::Row& compared = found.at(static_cast<std::size_t>(i));
      std::int32_t nearest = compared.lowest;
      if (compared.candidates > 1) {
        nearest = nearest_exactly(x, result.centroids, geometry, comparison.targets(),
                                  products.row(i), compared.limit);
        ++counted.close;
      }
      counted.changed += nearest != result.assignment[row] ? 1 : 0;
      result.assignment[row] = nearest;
      result.distance[row] = distance_to(x, result.centroids.row(nearest), geometry);
    }
    progress.advance(count);
  });
  Assigned total;
  for (const Assigned& block : counts) {
    total.changed += block.changed;
    total.close += block.close;
  }
  return total;
}

/// Row ids grouped by cluster, ascending inside each: ids[starts[j] .. starts[j + 1]).
struct Groups {
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> ids;
};

Groups group_rows(const std::vector<std::int32_t>& assignment, std::int64_t k) {
  Groups groups{std::vector<std::int64_t>(static_cast<std::size_t>(k) + 1),
                std::vector<std::int64_t>(assignment.size())};
  for (const auto j : assignment) ++groups.starts[static_cast<std::size_t>(j) + 1];
  std::partial_sum(groups.starts.begin(), groups.starts.end(), groups.starts.begin());
  std::vector<std::int64_t> next = groups.starts;
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    auto& position = next[static_cast<std::size_t>(assignment[i])];
    groups.ids[static_cast<std::size_t>(position++)] = static_cast<std::int64_t>(i);
  }
  return groups;
}

/// Centroids become the means of their rows; those without rows stay where they are.
void update_centroids(MatrixView<const float> points, Geometry geometry, const Groups& groups,
                      Matrix<float>& centroids) {
  const auto add_to = numerics::kernels().add_to;
  parallel_blocks(centroids.rows(), silent(), [&](std::int64_t j) {
    const auto first = groups.starts[static_cast<std::size_t>(j)];
    const auto last = groups.starts[static_cast<std::size_t>(j) + 1];
    if (first == last) return;
    std::vector<double> sum(static_cast<std::size_t>(points.cols()), 0.0);
    for (auto i = first; i < last; ++i) {
      add_to(points.row(groups.ids[static_cast<std::size_t>(i)]).data(), sum.data(), points.cols());
    }
    auto scale = static_cast<double>(last - first);
    if (geometry == Geometry::spherical) {
      scale = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
      if (scale <= 1e-12 * static_cast<double>(last - first)) return;  // the rows cancel out
    }
    const auto centroid = centroids.row(j);
    for (std::size_t c = 0; c < sum.size(); ++c) centroid[c] = static_cast<float>(sum[c] / scale);
  });
}

/// Moves each empty cluster to the row that is farthest from its own centroid (ties: lowest id),
/// as long as such a row differs from its centroid by more than rounding.
void repair_empty(MatrixView<const float> points, Geometry geometry, const Groups& groups,
                  const std::vector<double>& distance, Matrix<float>& centroids) {
  std::vector<std::int64_t> empty;
  for (std::int64_t j = 0; j < centroids.rows(); ++j) {
    if (groups.starts[static_cast<std::size_t>(j)] ==
        groups.starts[static_cast<std::size_t>(j) + 1]) {
      empty.push_back(j);
    }
  }
  if (empty.empty()) return;
  std::vector<std::int64_t> farthest(distance.size());
  std::iota(farthest.begin(), farthest.end(), std::int64_t{0});
  const auto farther = [&](std::int64_t a, std::int64_t b) {
    const double da = distance[static_cast<std::size_t>(a)];
    const double db = distance[static_cast<std::size_t>(b)];
    return da != db ? da > db : a < b;
  };
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(empty.size(), farthest.size()));
  std::partial_sort(farthest.begin(), farthest.begin() + wanted, farthest.end(), farther);
  for (std::size_t e = 0; e < static_cast<std::size_t>(wanted); ++e) {
    const auto row = points.row(farthest[e]);
    // Float rows equal to their centroid are a few ulps of their length away from it; unit rows
    // are of length 1 to an ulp.
    const double rounding =
        geometry == Geometry::spherical ? 1e-6 : 1e-12 * numerics::dot(row, row);
    if (distance[static_cast<std::size_t>(farthest[e])] <= rounding) break;
    std::ranges::copy(row, centroids.row(empty[e]).begin());
  }
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void finish(KMeansResult& result) {
  result.sizes.assign(static_cast<std::size_t>(result.centroids.rows()), 0);
  for (const auto j : result.assignment) ++result.sizes[static_cast<std::size_t>(j)];
  result.empty_clusters = std::count(result.sizes.begin(), result.sizes.end(), std::int64_t{0});
}

KMeansResult start(MatrixView<const float> points, Matrix<float> centroids) {
  KMeansResult result;
  result.centroids = std::move(centroids);
  result.assignment.assign(static_cast<std::size_t>(points.rows()), -1);
  result.distance.assign(static_cast<std::size_t>(points.rows()), 0.0);
  return result;
}

Matrix<float> copy_of(MatrixView<const float> view) {
  Matrix<float> copy(view.rows(), view.cols());
  std::copy_n(view.data(), view.size(), copy.data());
  return copy;
}

}  // namespace

KMeansResult kmeans(MatrixView<const float> points, const KMeansOptions& options,
                    Progress& progress, std::optional<MatrixView<const float>> initial) {
  options.validate();
  check_input(points, options.n_clusters);
  if (initial && (initial->rows() != options.n_clusters || initial->cols() != points.cols())) {
    throw InvalidArgument(fmt::format("initial centroids are [{}, {}]; expected [{}, {}]",
                                      initial->rows(), initial->cols(), options.n_clusters,
                                      points.cols()));
  }
  if (!initial) progress.stage("seed", options.n_clusters, "centroids");
  auto clock = std::chrono::steady_clock::now();
  KMeansResult result =
      start(points, initial ? copy_of(*initial)
                            : seed_plus_plus(points, options.n_clusters, options.seed, progress));
  result.seconds_seeding = seconds_since(clock);
  clock = std::chrono::steady_clock::now();
  auto assignment_start = clock;
  progress.stage("k-means", (options.iterations + 1) * points.rows(), "rows");
  result.close_rows = assign_rows(points, options.geometry, result, progress).close;
  result.objective.push_back(mean_of(result.distance));
  while (result.iterations < options.iterations) {
    const Groups groups = group_rows(result.assignment, options.n_clusters);
    update_centroids(points, options.geometry, groups, result.centroids);
    repair_empty(points, options.geometry, groups, result.distance, result.centroids);
    assignment_start = std::chrono::steady_clock::now();
    const auto [changed, close] = assign_rows(points, options.geometry, result, progress);
    result.close_rows += close;
    ++result.iterations;
    const double before = result.objective.back();
    result.objective.push_back(mean_of(result.distance));
    result.converged = changed == 0;
    if (options.tolerance > 0.0 && before - result.objective.back() <= options.tolerance * before) {
      result.converged = true;
      break;
    }
  }
  result.seconds_scoring = seconds_since(assignment_start);
  result.seconds_iterating = seconds_since(clock) - result.seconds_scoring;
  finish(result);
  progress.done(fmt::format("{} iterations, objective {:.6g}, {} empty", result.iterations,
                            result.objective.back(), result.empty_clusters));
  return result;
}

KMeansResult assign(MatrixView<const float> points, MatrixView<const float> centroids,
                    Geometry geometry, Progress& progress) {
  check_input(points, 1);
  if (centroids.empty() || centroids.cols() != points.cols()) {
    throw InvalidArgument(
        fmt::format("centroids are [{}, {}]; expected {} columns as the rows have",
                    centroids.rows(), centroids.cols(), points.cols()));
  }
  KMeansResult result = start(points, copy_of(centroids));
  progress.stage("assign", points.rows(), "rows");
  const auto clock = std::chrono::steady_clock::now();
  result.close_rows = assign_rows(points, geometry, result, progress).close;
  result.objective.push_back(mean_of(result.distance));
  result.seconds_scoring = seconds_since(clock);
  finish(result);
  progress.done(fmt::format("mean distance {:.6g}", result.objective.back()));
  return result;
}

}  // namespace winnow::cluster
