#include "cluster/seeding.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "cluster/distance.hpp"
#include "cluster/mini_batch.hpp"

namespace winnow::cluster {

namespace {

/// More proposals at once would be compared with each other at too great a cost.
constexpr std::int64_t most_proposals = 1024;

/// Squared distance as a weight; that of unit rows to themselves is but their rounding.
double weight_of(double distance, Geometry geometry) {
  constexpr double rounding = 2.5e-7;
  return geometry == Geometry::spherical && distance <= rounding ? 0.0 : distance;
}

/// A row that may become a centroid.
struct Proposal {
  std::int64_t number = 0;  ///< of the draw
  std::int64_t row = 0;
  double weight = 0.0;
};

/// Rows drawn in proportion to their weights.
class Draws {
 public:
  explicit Draws(Assigner& assigner)
      : assigner_(assigner),
        sums_(assigner.chunk_sums(
            [&](double distance) { return weight_of(distance, assigner.geometry()); })),
        ends_(sums_.size()) {
    std::partial_sum(sums_.begin(), sums_.end(), ends_.begin());
  }

  double total() const { return ends_.back(); }

  /// @param places  in [0, 1). Collective.
  std::vector<Proposal> at(std::span<const double> places) const {
    std::vector<Proposal> own;
    const Part& part = assigner_.part();
    for (std::size_t p = 0; p < places.size(); ++p) {
      const double target = places[p] * total();
      auto chunk = std::upper_bound(ends_.begin(), ends_.end(), target) - ends_.begin();
      // Rounding carried the target past the end: the last chunk with any weight.
      if (chunk == std::ssize(ends_)) --chunk;
      while (sums_[static_cast<std::size_t>(chunk)] == 0.0) --chunk;
      const std::int64_t first = chunk * chunk_rows;
      if (first < part.begin || first >= part.end) continue;
      const double before = chunk == 0 ? 0.0 : ends_[static_cast<std::size_t>(chunk - 1)];
      own.push_back(row_at(static_cast<std::int64_t>(p), first, target - before));
    }
    auto all = assigner_.communicator().gather_all(std::span<const Proposal>(own));
    std::ranges::sort(all, {}, &Proposal::number);
    return all;
  }

 private:
  /// The row of a chunk where the running sum of weights passes `target`.
  Proposal row_at(std::int64_t number, std::int64_t first, double target) const {
    const std::int64_t end = std::min(first + chunk_rows, assigner_.part().end);
    Proposal last{number};
    for (std::int64_t i = first; i < end; ++i) {
      const double weight = weight_of(assigner_.distance_of(i), assigner_.geometry());
      if (weight > 0.0) last = {number, i, weight};
      if (weight > target) break;
      target -= weight;
    }
    return last;
  }

  Assigner& assigner_;
  std::vector<double> sums_;
  std::vector<double> ends_;  ///< running sums
};

void challenge(Assigner& assigner, const Matrix<float>& centroids, std::int64_t first,
               std::int64_t last) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(last - first));
  std::iota(ids.begin(), ids.end(), static_cast<std::int32_t>(first));
  assigner.challenge(centroids, std::move(ids));
  assigner.progress().advance(last - first);
}

/// Takes proposals until k centroids are there; returns how many are.
std::int64_t take(const Assigner& assigner, std::span<const Proposal> proposals,
                  const Matrix<float>& rows, std::span<const double> chances, std::int64_t taken,
                  Matrix<float>& centroids) {
  const std::int64_t before = taken;
  for (std::size_t p = 0; p < proposals.size() && taken < centroids.rows(); ++p) {
    const auto row = rows.row(static_cast<std::int64_t>(p));
    const double least = chances[p] * proposals[p].weight;
    bool accepted = true;
    for (std::int64_t j = before; j < taken && accepted; ++j) {
      const double distance = distance_to(row, centroids.row(j), assigner.geometry());
      accepted = weight_of(distance, assigner.geometry()) > least;
    }
    if (accepted) std::ranges::copy(row, centroids.row(taken++).begin());
  }
  return taken;
}

}  // namespace

Matrix<float> seed_plus_plus(Assigner& assigner, std::int64_t k, Seed seed, std::uint64_t restart) {
  Matrix<float> centroids(k, assigner.cols());
  RandomStream stream(seed, "kmeans-seeding", restart);
  const auto n = static_cast<std::uint64_t>(assigner.n());
  const auto first = static_cast<std::int64_t>(stream.below(n));
  std::ranges::copy(assigner.fetch({&first, 1}).row(0), centroids.row(0).begin());
  challenge(assigner, centroids, 0, 1);
  for (std::int64_t taken = 1; taken < k;) {
    const Draws draws(assigner);
    if (draws.total() <= 0.0) {
      for (; taken < k; ++taken) std::ranges::copy(centroids.row(0), centroids.row(taken).begin());
      assigner.forget_others();
      break;
    }
    // A pass over the rows costs more than proposals that are turned down.
    const std::int64_t count = std::min({4 * taken + 12, 2 * (k - taken) + 8, most_proposals});
    std::vector<double> places;
    std::vector<double> chances;
    for (std::int64_t p = 0; p < count; ++p) {
      places.push_back(stream.uniform());
      chances.push_back(stream.uniform());
    }
    const std::vector<Proposal> proposals = draws.at(places);
    std::vector<std::int64_t> ids;
    ids.reserve(proposals.size());
    for (const Proposal& proposal : proposals) ids.push_back(proposal.row);
    const std::int64_t before = taken;
    taken = take(assigner, proposals, assigner.fetch(ids), chances, taken, centroids);
    challenge(assigner, centroids, before, taken);
  }
  return centroids;
}

Matrix<float> seed_at_random(Assigner& assigner, std::int64_t k, Seed seed, std::uint64_t restart) {
  RandomStream stream(seed, "kmeans-random-rows", restart);
  const auto ids = sample_rows(stream, assigner.n(), k);
  Matrix<float> centroids = assigner.fetch(ids);
  challenge(assigner, centroids, 0, k);
  return centroids;
}

}  // namespace winnow::cluster
