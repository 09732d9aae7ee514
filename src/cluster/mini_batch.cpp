#include "cluster/mini_batch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "cluster/seeding.hpp"

namespace winnow::cluster {

namespace {

/// Rows that seeds are drawn from, for each of them.
constexpr std::int64_t sample_per_cluster = 20;

/// Sums of rows by cluster, in the rows' order.
class RunningMeans {
 public:
  RunningMeans(std::int64_t k, std::int64_t d)
      : sums_(k, d), counts_(static_cast<std::size_t>(k)) {}

  void add(std::span<const float> row, std::int32_t j) {
    const auto sum = sums_.row(j);
    for (std::size_t c = 0; c < row.size(); ++c) sum[c] += static_cast<double>(row[c]);
    ++counts_[static_cast<std::size_t>(j)];
  }

  void update(Matrix<float>& centroids, Geometry geometry) const {
    for (std::int64_t j = 0; j < centroids.rows(); ++j) {
      const auto count = static_cast<double>(counts_[static_cast<std::size_t>(j)]);
      const auto sum = sums_.row(j);
      double scale = count;
      if (geometry == Geometry::spherical) {
        scale = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
      }
      if (scale <= 1e-9 * count) continue;  // no rows, or they cancel out
      const auto centroid = centroids.row(j);
      for (std::size_t c = 0; c < sum.size(); ++c) centroid[c] = static_cast<float>(sum[c] / scale);
    }
  }

 private:
  Matrix<double> sums_;
  std::vector<std::int64_t> counts_;
};

}  // namespace

std::vector<std::int64_t> sample_rows(RandomStream& stream, std::int64_t n, std::int64_t count) {
  std::set<std::int64_t> chosen;
  for (std::int64_t j = n - count; j < n; ++j) {
    const auto drawn = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(j + 1)));
    if (!chosen.insert(drawn).second) chosen.insert(j);
  }
  return {chosen.begin(), chosen.end()};
}

Matrix<float> mini_batch_centroids(Assigner& assigner, const KMeansOptions& options,
                                   std::uint64_t restart, Matrix<float> centroids) {
  const std::int64_t n = assigner.n();
  const std::int64_t k = options.n_clusters;
  if (centroids.empty()) {
    RandomStream stream(options.seed, "kmeans-seed-sample", restart);
    const Matrix<float> sample =
        assigner.fetch(sample_rows(stream, n, std::min(n, sample_per_cluster * k)));
    const MatrixRows rows(sample);
    Assigner of_sample(rows, options.geometry, comm::self(), assigner.progress());
    centroids = options.init == Init::random ? seed_at_random(of_sample, k, options.seed, restart)
                                             : seed_plus_plus(of_sample, k, options.seed, restart);
  }
  std::vector<std::int32_t> ids(static_cast<std::size_t>(k));
  std::iota(ids.begin(), ids.end(), 0);
  RunningMeans means(k, assigner.cols());
  for (std::int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    RandomStream stream(options.seed, "kmeans-mini-batch",
                        restart * static_cast<std::uint64_t>(options.iterations) +
                            static_cast<std::uint64_t>(iteration));
    const Matrix<float> batch =
        assigner.fetch(sample_rows(stream, n, std::min(n, options.mini_batch)));
    const MatrixRows rows(batch);
    Assigner of_batch(rows, options.geometry, comm::self(), assigner.progress());
    of_batch.challenge(centroids, ids);
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      means.add(batch.row(i), of_batch.nearest()[static_cast<std::size_t>(i)]);
    }
    means.update(centroids, options.geometry);
    assigner.progress().advance(batch.rows());
  }
  return centroids;
}

}  // namespace winnow::cluster
