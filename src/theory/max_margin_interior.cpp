#include "theory/max_margin_interior.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "winnow/numerics/dense.hpp"

namespace winnow::theory {

namespace {

/// Share of the way to the boundary of the positive orthant that a step goes.
constexpr double boundary_share = 0.995;
/// Rows per column that the normal matrix may have at least.
constexpr std::int64_t rows_per_column = 1;
/// Rows with less than this multiplier per slack, in the problem's units, add next to nothing to
/// it.
constexpr double negligible_ratio = 0.1;
/// Down to this estimated gap single precision suffices for the normal matrix: its directions need
/// to be descent, not exact, since residuals are always computed anew in double.
constexpr double single_gap = 0.05;
/// A shorter step shows that the normal matrix lacks rows or digits.
constexpr double short_step = 0.1;

/// The largest length in [0, 1] that keeps values + length change >= 0.
double feasible_length(const std::vector<double>& values, const std::vector<double>& change) {
  double length = 1.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (change[i] < 0.0) length = std::min(length, -values[i] / change[i]);
  }
  return length;
}

void advance(std::vector<double>& values, double length, const std::vector<double>& change) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += length * change[i];
}

}  // namespace

InteriorPoint::InteriorPoint(MatrixView<const double> z, std::vector<double> w,
                             std::vector<double> multipliers)
    : z_(z), w_(std::move(w)), margins_(numerics::times(z, w_)), a_(std::move(multipliers)) {
  s_.reserve(margins_.size());
  for (const double margin : margins_) s_.push_back(std::max(margin - 1.0, 1.0));
  double squares = 0.0;
  for (std::int64_t i = 0; i < z.rows(); ++i) squares += numerics::dot(z.row(i), z.row(i));
  row_scale_ = squares / static_cast<double>(z.rows());
  rows_used_ = rows_per_column * z.cols();
}

template <class Scalar>
std::optional<Matrix<Scalar>> InteriorPoint::normal_factor() const {
  std::vector<double> weight(s_.size());
  for (std::size_t i = 0; i < s_.size(); ++i) weight[i] = a_[i] / s_[i];
  std::vector<std::int64_t> rows(s_.size());
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  const auto heavier = [&](std::int64_t i, std::int64_t j) {
    const double wi = weight[static_cast<std::size_t>(i)];
    const double wj = weight[static_cast<std::size_t>(j)];
    return wi != wj ? wi > wj : i < j;
  };
  const auto likely = static_cast<std::int64_t>(likely_support().size());
  const auto needed = static_cast<std::int64_t>(active_rows(negligible_ratio).size());
  const std::int64_t count =
      std::clamp(needed, std::min(z_.cols(), z_.rows()), std::max(rows_used_, likely + z_.cols()));
  if (count < z_.rows()) {
    std::nth_element(rows.begin(), rows.begin() + count, rows.end(), heavier);
    rows.resize(static_cast<std::size_t>(count));
    std::sort(rows.begin(), rows.end());
  }
  std::vector<double> used(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) used[i] = weight[static_cast<std::size_t>(rows[i])];
  Matrix<Scalar> matrix = numerics::weighted_gram<Scalar>(z_, rows, used);
  for (std::int64_t j = 0; j < matrix.rows(); ++j) matrix(j, j) += Scalar{1};
  if (!numerics::cholesky(matrix)) return std::nullopt;
  return matrix;
}

// With d = Z dw + (Z w - s - 1) = ds and da = (target - correction - a s - a ds) / s, the dual
// equation w + dw = Z'(a + da) becomes (I + Z' (a/s) Z) dw = -w + Z'[(target - correction - a (Z w
// - s - 1)) / s].
template <class Scalar>
InteriorPoint::Direction InteriorPoint::direction(const Matrix<Scalar>& factor, double target,
                                                  std::span<const double> correction) const {
  const std::size_t rows = s_.size();
  std::vector<double> pull(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const double infeasibility = margins_[i] - s_[i] - 1.0;
    pull[i] = (target - correction[i] - a_[i] * infeasibility) / s_[i];
  }
  Direction found;
  found.w = numerics::transposed_times(z_, pull);
  for (std::size_t j = 0; j < w_.size(); ++j) found.w[j] -= w_[j];
  numerics::cholesky_solve(factor, found.w);
  found.margins = numerics::times(z_, found.w);
  found.s.resize(rows);
  found.a.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    found.s[i] = found.margins[i] + margins_[i] - s_[i] - 1.0;
    found.a[i] = (target - correction[i] - a_[i] * (s_[i] + found.s[i])) / s_[i];
  }
  return found;
}

double InteriorPoint::mean_complementarity(const Direction& along, double length) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < s_.size(); ++i) {
    sum += (s_[i] + length * along.s[i]) * (a_[i] + length * along.a[i]);
  }
  return sum / static_cast<double>(s_.size());
}

bool InteriorPoint::step() {
  if (in_single_ && estimated_gap() > single_gap && step_in<float>()) return true;
  in_single_ = false;
  return step_in<double>();
}

template <class Scalar>
bool InteriorPoint::step_in() {
  const std::optional<Matrix<Scalar>> factor = normal_factor<Scalar>();
  if (!factor) return false;
  const std::size_t rows = s_.size();
  std::vector<double> correction(rows, 0.0);
  const Direction predictor = direction(*factor, 0.0, correction);
  const auto reach = [&](const Direction& along) {
    return std::min(feasible_length(s_, along.s), feasible_length(a_, along.a));
  };
  const double now = numerics::dot(s_, a_) / static_cast<double>(rows);
  const double centring = std::pow(mean_complementarity(predictor, reach(predictor)) / now, 3);
  for (std::size_t i = 0; i < rows; ++i) correction[i] = predictor.s[i] * predictor.a[i];
  const Direction corrector = direction(*factor, centring * now, correction);
  const double length = std::min(1.0, boundary_share * reach(corrector));
  if (!(length > 0.0)) return false;
  advance(w_, length, corrector.w);
  advance(margins_, length, corrector.margins);
  advance(s_, length, corrector.s);
  advance(a_, length, corrector.a);
  if (length < short_step) {
    in_single_ = false;
    rows_used_ = std::min(2 * rows_used_, z_.rows());
  }
  return true;
}

std::vector<std::int64_t> InteriorPoint::active_rows(double ratio) const {
  std::vector<std::int64_t> active;
  for (std::size_t i = 0; i < s_.size(); ++i) {
    if (a_[i] * row_scale_ > ratio * s_[i]) active.push_back(static_cast<std::int64_t>(i));
  }
  return active;
}

double InteriorPoint::estimated_bound() const {
  return numerics::norm(w_) / std::accumulate(a_.begin(), a_.end(), 0.0);
}

double InteriorPoint::estimated_gap() const {
  const double kappa = *std::min_element(margins_.begin(), margins_.end()) / numerics::norm(w_);
  return std::abs(1.0 - kappa / estimated_bound());
}

}  // namespace winnow::theory
