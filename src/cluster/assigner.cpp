#include "cluster/assigner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "cluster/distance.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/kernels.hpp"

namespace winnow::cluster {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Covers the rounding of distances and drifts of up to 2^23 numbers in double.
constexpr double slack = 1e-9;

std::int64_t chunks_of(std::int64_t rows) { return (rows + chunk_rows - 1) / chunk_rows; }

float rounded_down(double value) {
  const auto nearest = static_cast<float>(value);
  return nearest > value ? std::nextafter(nearest, -std::numeric_limits<float>::infinity())
                         : nearest;
}

/// Whether no other centroid can be as near as the own one.
bool is_settled(double distance, double others, Geometry geometry) {
  return geometry == Geometry::spherical ? distance + slack < others
                                         : std::sqrt(distance) * (1.0 + slack) < others;
}

/// How many of the farthest moved centroids are compared with rows that need no others.
std::vector<std::int64_t> tier_sizes(std::int64_t k) {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t share : {16, 4}) {
    const std::int64_t size = (k / share + 63) / 64 * 64;
    if (size > 0 && 2 * size <= k && (sizes.empty() || size > sizes.back())) sizes.push_back(size);
  }
  sizes.push_back(k);
  return sizes;
}

}  // namespace

Assigner::Assigner(const Rows& rows, Geometry geometry, comm::Communicator& communicator,
                   Progress& progress)
    : rows_(rows),
      geometry_(geometry),
      communicator_(communicator),
      progress_(progress),
      part_(part_of(rows.rows(), communicator.rank(), communicator.size())),
      nearest_(static_cast<std::size_t>(part_.size()), -1),
      distance_(static_cast<std::size_t>(part_.size()), infinity),
      others_(static_cast<std::size_t>(part_.size()), std::numeric_limits<float>::infinity()) {}

/// Calls work(rows, first, chunk) for every chunk, `first` counted from this rank's first row.
template <class Work>
void Assigner::for_chunks(const Work& work) {
  parallel_blocks(chunks_of(part_.size()), progress_, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * chunk_rows;
    const std::int64_t count = std::min(chunk_rows, part_.size() - first);
    thread_local std::vector<float, AlignedAllocator<float>> memory;
    MatrixView<float> buffer;
    if (!rows_.in_memory()) {
      memory.resize(static_cast<std::size_t>(chunk_rows * rows_.cols()));
      buffer = {memory.data(), count, rows_.cols()};
    }
    work(rows_.read(part_.begin + first, count, buffer), first, chunk);
  });
}

/// Runs a contest over some rows of a chunk, and brings their states up to date.
void Assigner::run(const Contest& contest, MatrixView<const float> rows, std::int64_t first,
                   std::span<const std::int32_t> chosen, ChunkCounts& counts) {
  std::array<const float*, Contest::most_rows> pointers{};
  std::array<RowState, Contest::most_rows> states;
  for (std::size_t begin = 0; begin < chosen.size(); begin += Contest::most_rows) {
    const std::size_t count = std::min<std::size_t>(Contest::most_rows, chosen.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      const std::int32_t row = chosen[begin + i];
      const auto at = static_cast<std::size_t>(first + row);
      pointers.at(i) = rows.row(row).data();
      states.at(i) = {nearest_[at], distance_[at], others_[at]};
    }
    contest.run({pointers.data(), count}, {states.data(), count}, counts.tally);
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(first + chosen[begin + i]);
      nearest_[at] = states.at(i).nearest;
      distance_[at] = states.at(i).distance;
      others_[at] = rounded_down(states.at(i).others);
    }
  }
}

Assigner::ChunkCounts Assigner::add_up(std::span<const ChunkCounts> counts) {
  ChunkCounts total;
  for (const ChunkCounts& chunk : counts) {
    total.tally.compared += chunk.tally.compared;
    total.tally.rows += chunk.tally.rows;
    total.tally.close += chunk.tally.close;
    total.changed += chunk.changed;
    auto& [largest, smallest] = total.magnitudes;
    largest = std::max(largest, chunk.magnitudes.largest);
    const float other = chunk.magnitudes.smallest;
    if (other > 0.0F && (smallest == 0.0F || other < smallest)) smallest = other;
  }
  tally_.compared += total.tally.compared;
  tally_.rows += total.tally.rows;
  tally_.close += total.tally.close;
  return total;
}

void Assigner::challenge(const Matrix<float>& centroids, std::vector<std::int32_t> ids) {
  comparable_ += part_.size() * static_cast<std::int64_t>(ids.size());
  const Contest contest(centroids, std::move(ids), geometry_, precision_);
  const bool measure = geometry_ == Geometry::euclidean && magnitudes_.largest == 0.0F;
  std::vector<ChunkCounts> counts(static_cast<std::size_t>(chunks_of(part_.size())));
  std::array<std::int32_t, chunk_rows> all{};
  std::iota(all.begin(), all.end(), 0);
  for_chunks([&](MatrixView<const float> rows, std::int64_t first, std::int64_t chunk) {
    ChunkCounts& counted = counts[static_cast<std::size_t>(chunk)];
    run(contest, rows, first, {all.data(), static_cast<std::size_t>(rows.rows())}, counted);
    if (!measure) return;
    const auto magnitude = numerics::kernels().largest_magnitude;
    auto& [largest, smallest] = counted.magnitudes;
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      const float size = magnitude(rows.row(i).data(), rows.cols());
      largest = std::max(largest, size);
      if (size > 0.0F && (smallest == 0.0F || size < smallest)) smallest = size;
    }
  });
  const ChunkCounts total = add_up(counts);
  if (measure) magnitudes_ = total.magnitudes;
}

void Assigner::fill(CentroidSums& sums) {
  for_chunks([&](MatrixView<const float> rows, std::int64_t first, std::int64_t /*chunk*/) {
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      sums.add(rows.row(i), nearest_[static_cast<std::size_t>(first + i)]);
    }
  });
}

void Assigner::skip(std::int64_t k) {
  comparable_ += part_.size() * k;
  changed_ = 0;
  progress_.advance(part_.size());
}

void Assigner::forget_others() {
  std::ranges::fill(others_, -std::numeric_limits<float>::infinity());
}

void Assigner::reassign(const Matrix<float>& centroids, std::span<const double> drifts,
                        CentroidSums& sums) {
  comparable_ += part_.size() * centroids.rows();
  std::vector<std::int32_t> ids(drifts.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::ranges::stable_sort(ids, [&](std::int32_t a, std::int32_t b) {
    return drifts[static_cast<std::size_t>(a)] > drifts[static_cast<std::size_t>(b)];
  });
  std::deque<Contest> contests;
  std::vector<Tier> tiers = {{nullptr, drifts[static_cast<std::size_t>(ids.front())]}};
  for (const std::int64_t size : tier_sizes(centroids.rows())) {
    std::vector<std::int32_t> movers(ids.begin(), ids.begin() + size);
    const bool all = size == centroids.rows();
    if (all) std::ranges::sort(movers);
    contests.emplace_back(centroids, std::move(movers), geometry_, precision_);
    const double beyond =
        all ? -infinity : drifts[static_cast<std::size_t>(ids[static_cast<std::size_t>(size)])];
    tiers.push_back({&contests.back(), beyond});
  }
  std::vector<ChunkCounts> counts(static_cast<std::size_t>(chunks_of(part_.size())));
  for_chunks([&](MatrixView<const float> rows, std::int64_t first, std::int64_t chunk) {
    reassign_chunk(rows, first, centroids, drifts, tiers, sums,
                   counts[static_cast<std::size_t>(chunk)]);
    progress_.advance(rows.rows());
  });
  changed_ = add_up(counts).changed;
}

void Assigner::reassign_chunk(MatrixView<const float> rows, std::int64_t first,
                              const Matrix<float>& centroids, std::span<const double> drifts,
                              std::span<const Tier> tiers, CentroidSums& sums,
                              ChunkCounts& counts) {
  const double stretch = geometry_ == Geometry::spherical ? 1.0 + unit_rounding : 1.0;
  std::array<std::vector<std::int32_t>, 4> chosen;
  std::array<std::int32_t, chunk_rows> before{};
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const auto at = static_cast<std::size_t>(first + i);
    const std::int32_t own = nearest_[at];
    before.at(static_cast<std::size_t>(i)) = own;
    double& distance = distance_[at];
    if (drifts[static_cast<std::size_t>(own)] > 0.0) {
      distance = distance_to(rows.row(i), centroids.row(own), geometry_);
    }
    const double others = others_[at];
    for (std::size_t t = 0; t < tiers.size(); ++t) {
      const double reduced = others - stretch * tiers[t].drift_beyond;
      const bool last = t + 1 == tiers.size();
      if (!last && !is_settled(distance, reduced, geometry_)) continue;
      others_[at] = last ? std::numeric_limits<float>::infinity() : rounded_down(reduced);
      if (t > 0) chosen.at(t).push_back(static_cast<std::int32_t>(i));
      break;
    }
  }
  for (std::size_t t = 1; t < tiers.size(); ++t) {
    run(*tiers[t].contest, rows, first, chosen.at(t), counts);
  }
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const std::int32_t was = before.at(static_cast<std::size_t>(i));
    const std::int32_t is = nearest_[static_cast<std::size_t>(first + i)];
    if (is == was) continue;
    ++counts.changed;
    sums.subtract(rows.row(i), was);
    sums.add(rows.row(i), is);
  }
}

std::vector<double> Assigner::chunk_sums(const std::function<double(double)>& weight) {
  std::vector<double> sums(static_cast<std::size_t>(chunks_of(part_.size())));
  parallel_blocks(static_cast<std::int64_t>(sums.size()), silent(), [&](std::int64_t chunk) {
    const std::int64_t end = std::min((chunk + 1) * chunk_rows, part_.size());
    double sum = 0.0;
    for (std::int64_t i = chunk * chunk_rows; i < end; ++i) {
      sum += weight(distance_[static_cast<std::size_t>(i)]);
    }
    sums[static_cast<std::size_t>(chunk)] = sum;
  });
  return communicator_.gather_all(std::span<const double>(sums));
}

double Assigner::mean_distance() {
  const std::vector<double> sums = chunk_sums([](double distance) { return distance; });
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(n());
}

Matrix<float> Assigner::fetch(std::span<const std::int64_t> ids) {
  Matrix<float> buffer(1, cols());
  std::vector<float> own;
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < part_.begin || ids[i] >= part_.end) continue;
    const auto row = rows_.read(ids[i], 1, buffer).row(0);
    own.insert(own.end(), row.begin(), row.end());
    places.push_back(static_cast<std::int64_t>(i));
  }
  const auto values = communicator_.gather_all(std::span<const float>(own));
  const auto order = communicator_.gather_all(std::span<const std::int64_t>(places));
  Matrix<float> fetched(static_cast<std::int64_t>(ids.size()), cols());
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(i) * cols(), cols(),
                fetched.row(order[i]).begin());
  }
  return fetched;
}

Magnitudes Assigner::magnitudes() {
  if (geometry_ == Geometry::spherical) {
    // Below 1 up to rounding; the largest of d entries is at least 1 / sqrt(d).
    return {1.0F, static_cast<float>(0.5 / std::sqrt(static_cast<double>(cols())))};
  }
  std::array<double, 2> bounds = {
      magnitudes_.largest, magnitudes_.smallest > 0.0F ? -double{magnitudes_.smallest} : -infinity};
  communicator_.maximum(bounds);
  if (bounds[0] == 0.0) return {};
  return {static_cast<float>(bounds[0]), static_cast<float>(-bounds[1])};
}

std::int64_t Assigner::changed() {
  std::array<std::int64_t, 1> changed = {changed_};
  communicator_.sum(changed);
  return changed[0];
}

Assigner::Farthest Assigner::farthest(std::int64_t count) {
  struct Far {
    double distance;
    std::int64_t row;
  };
  const auto farther = [](const Far& a, const Far& b) {
    return a.distance != b.distance ? a.distance > b.distance : a.row < b.row;
  };
  // A heap whose first is the nearest of the farthest so far.
  std::vector<Far> found;
  for (std::int64_t i = part_.begin; i < part_.end; ++i) {
    const Far far{distance_of(i), i};
    const bool full = static_cast<std::int64_t>(found.size()) == count;
    if (full && !farther(far, found.front())) continue;
    if (full) {
      std::ranges::pop_heap(found, farther);
      found.pop_back();
    }
    found.push_back(far);
    std::ranges::push_heap(found, farther);
  }
  found = communicator_.gather_all(std::span<const Far>(found));
  std::ranges::sort(found, farther);
  Farthest result;
  for (const Far& far : found) {
    if (std::ssize(result.rows) == count) break;
    result.rows.push_back(far.row);
    result.distances.push_back(far.distance);
  }
  return result;
}

}  // namespace winnow::cluster
