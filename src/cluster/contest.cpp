#include "cluster/contest.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cluster/distance.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::cluster {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t panel_columns = 1024;
/// Comparing a row with this share of the centroids in double costs what multiplying with all of
/// them in float32 costs more than in bfloat16.
constexpr double most_candidates = 1.0 / 16;
/// So few centroids are compared in double at once.
constexpr std::int64_t few_centroids = 2;

/// The smallest float32 that is at least `limit`; infinite when that overflows.
float above(double limit) {
  return std::nextafter(static_cast<float>(limit), std::numeric_limits<float>::infinity());
}

}  // namespace

double reach_of(double distance, Geometry geometry) {
  return geometry == Geometry::spherical ? distance : std::sqrt(distance);
}

/// A row of a batch, as far as it has been compared.
struct Contest::Row {
  double length = 0.0;       ///< at least |x|
  double squared = 0.0;      ///< |x|^2 when Euclidean
  double own = infinity;     ///< what a bracket may be at most to beat the nearest so far
  double error = 0.0;        ///< of all brackets so far
  double lowest = infinity;  ///< bracket of those that compete, and the next one
  double next = infinity;
  double passed = infinity;  ///< brackets of those that were no candidates are higher
};

/// A centroid that may be the nearest.
struct Contest::Candidate {
  std::int32_t row = 0;
  std::int32_t id = 0;
  float bracket = 0.0F;
};

/// What run() works on, kept from call to call.
class Contest::Batch {
 public:
  std::span<const float* const> rows;
  std::span<RowState> states;
  std::array<Row, most_rows> state{};
  std::array<double, most_rows> errors{};
  std::array<numerics::Smallest, most_rows> smallest{};
  std::array<float, most_rows> limits{};
  std::vector<Candidate> candidates;

  MatrixView<float> products(std::int64_t columns) {
    return view(products_, static_cast<std::int64_t>(rows.size()), columns);
  }
  /// The rows, one after another.
  MatrixView<const float> contiguous(std::int64_t d) {
    bool together = true;
    for (std::size_t i = 1; i < rows.size(); ++i) together &= rows[i] == rows[i - 1] + d;
    if (together) return {rows.front(), static_cast<std::int64_t>(rows.size()), d};
    const MatrixView<float> copy = view(copy_, static_cast<std::int64_t>(rows.size()), d);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(rows[i], d, copy.row(static_cast<std::int64_t>(i)).data());
    }
    return copy;
  }

 private:
  using Buffer = std::vector<float, AlignedAllocator<float>>;

  static MatrixView<float> view(Buffer& buffer, std::int64_t rows, std::int64_t cols) {
    if (static_cast<std::int64_t>(buffer.size()) < rows * cols) {
      buffer.resize(static_cast<std::size_t>(rows * cols));
    }
    return {buffer.data(), rows, cols};
  }

  Buffer products_;
  Buffer copy_;
};

// |x - c|^2 = |x|^2 + 2 (|c|^2 / 2 - x.c): the bracket decides, and multiplied by a power of two
// decides the same without overflow or underflow in float32.

Contest::Contest(const Matrix<float>& centroids, std::vector<std::int32_t> ids, Geometry geometry,
                 Precision& precision)
    : centroids_(centroids), ids_(std::move(ids)), geometry_(geometry), precision_(precision) {
  if (geometry == Geometry::euclidean) balance();
  longest_ = geometry == Geometry::spherical ? 1.0 + unit_rounding : 0.0;
  for (std::int64_t first = 0; first < size(); first += panel_columns) {
    add_panel(first, std::min(panel_columns, size() - first));
  }
}

/// The power of two near 1 / (largest entry)^2.
void Contest::balance() {
  constexpr int smallest_normal = std::numeric_limits<float>::min_exponent;
  const auto magnitude = numerics::kernels().largest_magnitude;
  float largest = 0.0F;
  for (const auto id : ids_) {
    largest = std::max(largest, magnitude(centroids_.row(id).data(), centroids_.cols()));
  }
  if (largest > 0.0F) exponent_ = -2 * std::max(std::ilogb(largest), smallest_normal);
}

void Contest::add_panel(std::int64_t first, std::int64_t count) {
  Panel& panel = panels_.emplace_back();
  panel.first = first;
  panel.columns = Matrix<float>::uninitialized(count, centroids_.cols());
  panel.half_norms.resize(static_cast<std::size_t>(count));
  for (std::int64_t j = 0; j < count; ++j) {
    const auto centroid = centroids_.row(ids_[static_cast<std::size_t>(first + j)]);
    const auto column = panel.columns.row(j);
    std::ranges::copy(centroid, column.begin());
    if (geometry_ == Geometry::spherical) continue;
    const double norm = numerics::dot(centroid, centroid);
    const double half = std::ldexp(0.5 * norm, exponent_);
    panel.half_norms[static_cast<std::size_t>(j)] = static_cast<float>(half);
    highest_ = std::max(highest_, half);
    longest_ = std::max(longest_, std::ldexp(std::sqrt(norm), exponent_));
    for (float& value : column) value = std::ldexp(value, exponent_);
  }
  if (precision_.rounded_pays() && numerics::RoundedProduct::pays(count)) {
    panel.rounded.emplace(panel.columns);
  }
}

/// Bound on the error of x.c in float32, in any order of additions, for |x| = length: d u |x| |c|
/// with u = 2^-24, and what is lost below the normal numbers.
double Contest::product_error(double length) const {
  const auto d = static_cast<double>(centroids_.cols());
  const double du = d * 0x1p-24;
  return du / (1.0 - du) * length * longest_ + d * 0x1p-126 * (1.0 + length);
}

/// The same of each bracket: |c|^2 / 2 and the difference round by u of their sizes. Twice what is
/// needed, for the rounding of these bounds and of the distances that the brackets stand for.
/// Infinite where float32 may overflow.
double Contest::bracket_error(double product, double length) const {
  const double largest = length * longest_ + highest_;
  if (!(largest < 1e37)) return infinity;
  return 2.0 * (product + 0x1p-23 * largest + 0x1p-125);
}

Contest::Row Contest::start(const float* x, const RowState& state) const {
  Row row;
  row.length = 1.0 + unit_rounding;
  if (geometry_ == Geometry::euclidean) {
    row.squared = numerics::kernels().dot(x, x, centroids_.cols());
    row.length = std::sqrt(row.squared);
  }
  if (state.nearest < 0) return row;
  if (geometry_ == Geometry::spherical) {
    row.own = state.distance - 1.0;
  } else {
    const double rounding = static_cast<double>(centroids_.cols() + 8) * 0x1p-52;
    row.own =
        std::ldexp(0.5 * (state.distance - row.squared) + rounding * (state.distance + row.squared),
                   exponent_);
  }
  return row;
}

/// A distance that no centroid with this bracket or a higher one comes below.
double Contest::reach_of_bracket(const Row& row, double bracket) const {
  const double least = bracket - row.error;
  if (std::isnan(least)) return -infinity;  // infinite minus infinite: nothing is known
  if (geometry_ == Geometry::spherical) return 1.0 + least;
  const double rounding = static_cast<double>(centroids_.cols() + 8) * 0x1p-52 * row.squared;
  return std::sqrt(std::max(0.0, row.squared + 2.0 * std::ldexp(least, -exponent_) - rounding));
}

void Contest::run(std::span<const float* const> rows, std::span<RowState> states,
                  Tally& tally) const {
  thread_local Batch batch;
  batch.rows = rows;
  batch.states = states;
  batch.candidates.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) batch.state.at(i) = start(rows[i], states[i]);
  tally.compared += static_cast<std::int64_t>(rows.size()) * size();
  if (size() <= few_centroids) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const auto id : ids_) {
        if (id == states[i].nearest) continue;
        batch.candidates.push_back(
            {static_cast<std::int32_t>(i), id, -std::numeric_limits<float>::infinity()});
      }
    }
  } else {
    for (const Panel& panel : panels_) compare(panel, batch);
    // Those of a row next to each other; the order of the columns stays.
    if (panels_.size() > 1) {
      std::ranges::stable_sort(batch.candidates, {}, &Candidate::row);
    }
  }
  auto begin = batch.candidates.begin();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto end = begin;
    while (end != batch.candidates.end() && end->row == static_cast<std::int32_t>(i)) ++end;
    settle(rows[i], batch.state.at(i), {begin, end}, states[i], tally);
    begin = end;
  }
}

/// Multiplies the rows with one panel and notes which of its centroids may be nearest.
void Contest::compare(const Panel& panel, Batch& batch) const {
  const MatrixView<float> products = batch.products(panel.columns.rows());
  if (panel.rounded && precision_.rounded_pays()) {
    panel.rounded->apply(batch.rows, products, batch.errors);
    if (decide(panel, batch, true)) return collect(panel, batch);
    precision_.give_up_rounding();
  }
  numerics::product(batch.contiguous(centroids_.cols()), numerics::Transpose::no, panel.columns,
                    numerics::Transpose::yes, products);
  decide(panel, batch, false);
  collect(panel, batch);
}

/// How low brackets of this panel must be. False: rounding left too many to be worth while.
bool Contest::decide(const Panel& panel, Batch& batch, bool rounded) const {
  const auto& kernels = numerics::kernels();
  const std::int64_t m = panel.columns.rows();
  const MatrixView<float> products = batch.products(m);
  std::int64_t candidates = 0;
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    const Row& row = batch.state.at(i);
    const float* values = products.row(static_cast<std::int64_t>(i)).data();
    auto& found = batch.smallest.at(i);
    found = kernels.smallest_difference(panel.half_norms.data(), values, m);
    double& error = batch.errors.at(i);
    error =
        std::max(row.error, bracket_error(rounded ? error : product_error(row.length), row.length));
    const bool own =
        ids_[static_cast<std::size_t>(panel.first + found.index)] == batch.states[i].nearest;
    const double lowest = std::min<double>(row.lowest, own ? found.second : found.value);
    const float limit = above(std::min(row.own + error, lowest + 2.0 * error));
    batch.limits.at(i) = limit;
    if (!std::isfinite(limit)) {
      candidates += m;
    } else if (found.second <= limit) {
      candidates += kernels.count_differences(panel.half_norms.data(), values, limit, m);
    } else {
      candidates += 1;
    }
  }
  const double share = std::max(8.0, most_candidates * static_cast<double>(m));
  return !rounded ||
         static_cast<double>(candidates) <= share * static_cast<double>(batch.rows.size());
}

/// Notes the centroids whose brackets are as low as decide() said, or all when nothing is known.
void Contest::collect(const Panel& panel, Batch& batch) const {
  const std::int64_t m = panel.columns.rows();
  const MatrixView<float> products = batch.products(m);
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    Row& row = batch.state.at(i);
    const auto& found = batch.smallest.at(i);
    const float* values = products.row(static_cast<std::int64_t>(i)).data();
    const std::int32_t nearest = batch.states[i].nearest;
    const float limit = batch.limits.at(i);
    const auto note = [&](std::int64_t j, float bracket) {
      const std::int32_t id = ids_[static_cast<std::size_t>(panel.first + j)];
      if (id == nearest) return false;
      batch.candidates.push_back({static_cast<std::int32_t>(i), id, bracket});
      return true;
    };
    const bool own = ids_[static_cast<std::size_t>(panel.first + found.index)] == nearest;
    if (!std::isfinite(limit) || found.second <= limit) {
      for (std::int64_t j = 0; j < m; ++j) {
        const float bracket = panel.half_norms[static_cast<std::size_t>(j)] - values[j];
        if (!std::isfinite(limit) || bracket <= limit) note(j, bracket);
      }
    } else if (found.value <= limit) {
      note(found.index, found.value);
    }
    row.error = batch.errors.at(i);
    const double lowest = own ? found.second : found.value;
    // What follows the lowest: `second` may be the own centroid's, which only makes it lower.
    row.next =
        std::min({row.next, std::max(row.lowest, lowest), static_cast<double>(found.second)});
    row.lowest = std::min(row.lowest, lowest);
    if (std::isfinite(limit)) row.passed = std::min<double>(row.passed, limit);
  }
}

/// Compares the candidates of a row in double.
void Contest::settle(const float* x, const Row& row, std::span<const Candidate> candidates,
                     RowState& state, Tally& tally) const {
  const auto d = static_cast<std::size_t>(centroids_.cols());
  const auto distance = [&](std::int32_t id) {
    return distance_to({x, d}, centroids_.row(id), geometry_);
  };
  const double limit = std::min(row.own + row.error, row.lowest + 2.0 * row.error);
  const auto in_question = [limit](const Candidate& candidate) {
    return !(candidate.bracket > limit) || !std::isfinite(limit);
  };
  const auto count = std::ranges::count_if(candidates, in_question);
  const bool by_products = size() > few_centroids;
  tally.rows += by_products ? 1 : 0;
  const bool own_in_question = state.nearest >= 0 && row.lowest + 2.0 * row.error >= row.own;
  if (by_products && count > (own_in_question ? 0 : 1)) ++tally.close;
  // Brackets of centroids that are not in question are no lower.
  const double rest = count == 0 ? row.lowest : count == 1 ? row.next : std::min(limit, row.passed);
  double others = by_products ? reach_of_bracket(row, rest) : infinity;
  for (const Candidate& candidate : candidates) {
    if (!in_question(candidate)) continue;
    double loser = distance(candidate.id);
    if (loser < state.distance || (loser == state.distance && candidate.id < state.nearest)) {
      std::swap(loser, state.distance);
      state.nearest = candidate.id;
    }
    others = std::min(others, reach_of(loser, geometry_));
  }
  state.others = std::min(state.others, others);
}

}  // namespace winnow::cluster
