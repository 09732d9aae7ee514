#include "winnow/theory/max_margin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "theory/max_margin_interior.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/dense.hpp"

namespace winnow::theory {

namespace {

/// Mean margin of the first iterate, the mean of the rows, where the final smallest one is 1. The
/// more examples per parameter, the further a typical one lies behind the nearest.
constexpr double margin_per_alpha = 2.0;
/// From this estimated gap on, the support is guessed and tried.
constexpr double guess_gap = 1e-3;
/// A bound below this many row lengths says that no direction separates the rows.
constexpr double no_margin_per_length = 1e-10;
/// Larger guesses cannot be right, but for rows that repeat.
constexpr std::int64_t max_support_per_column = 4;

using Rows = std::vector<std::int64_t>;

void check_input(MatrixView<const double> z, const MaxMarginResult* warm) {
  if (z.empty()) {
    throw InvalidArgument(fmt::format("max_margin: a [{}, {}] matrix; expected at least one row",
                                      z.rows(), z.cols()));
  }
  for (std::int64_t i = 0; i < z.rows(); ++i) {
    for (std::int64_t j = 0; j < z.cols(); ++j) {
      if (!std::isfinite(z(i, j))) {
        throw NonFiniteInput(fmt::format(
            "max_margin: row {} column {} is {}; expected finite values", i, j, z(i, j)));
      }
    }
  }
  if (warm == nullptr) return;
  if (static_cast<std::int64_t>(warm->J.size()) != z.cols() ||
      (!warm->support.empty() && warm->support.back() >= z.rows())) {
    throw InvalidArgument(
        fmt::format("max_margin: a warm start of {} columns for a [{}, {}] matrix; expected a "
                    "result for the same columns and no more rows",
                    warm->J.size(), z.rows(), z.cols()));
  }
}

/// The direction w with what multipliers of all rows say about every other direction.
MaxMarginResult certified(MatrixView<const double> z, const std::vector<double>& w,
                          const std::vector<double>& multipliers, Rows support) {
  MaxMarginResult result;
  const double length = numerics::norm(w);
  result.J = w;
  if (length > 0.0) {
    for (double& value : result.J) value /= length;
  }
  const std::vector<double> margins = numerics::times(z, result.J);
  result.kappa = *std::min_element(margins.begin(), margins.end());
  const double sum = std::accumulate(multipliers.begin(), multipliers.end(), 0.0);
  result.bound = numerics::norm(numerics::transposed_times(z, multipliers)) / sum;
  result.relative_gap = (result.bound - result.kappa) / result.bound;
  for (const std::int64_t row : support) {
    result.dual.push_back(multipliers[static_cast<std::size_t>(row)]);
  }
  result.support = std::move(support);
  return result;
}

/// Where every row of a support lies exactly on the margin: w = sum_i u_i z_i, z_i.w = 1.
struct OnMargin {
  Rows support;
  std::vector<double> u, w;
};

/// The support loses rows that depend on others; none when too little is left to solve for.
std::optional<OnMargin> solve_on(MatrixView<const double> z, Rows support) {
  Matrix<double> rows = numerics::gather_rows(z, support);
  Matrix<double> factor = numerics::row_gram(rows);
  if (!numerics::cholesky(factor)) {
    const Rows chosen = numerics::independent_rows(numerics::row_gram(rows));
    for (std::size_t k = 0; k < chosen.size(); ++k) {
      support[k] = support[static_cast<std::size_t>(chosen[k])];
    }
    support.resize(chosen.size());
    rows = numerics::gather_rows(z, support);
    factor = numerics::row_gram(rows);
    if (support.empty() || !numerics::cholesky(factor)) return std::nullopt;
  }
  std::vector<double> u(support.size(), 1.0);
  numerics::cholesky_solve(factor, u);
  // One refinement, its residual from the rows themselves rather than from their products.
  std::vector<double> residual = numerics::times(rows, numerics::transposed_times(rows, u));
  for (double& value : residual) value = 1.0 - value;
  numerics::cholesky_solve(factor, residual);
  for (std::size_t i = 0; i < u.size(); ++i) u[i] += residual[i];
  std::vector<double> w = numerics::transposed_times(rows, u);
  return OnMargin{std::move(support), std::move(u), std::move(w)};
}

/// Solves on the support and exchanges rows whose multiplier is negative for rows that the
/// solution violates until there are none of either: then it is the maximum-margin direction.
/// Gives up when an exchange is not smaller than the last.
std::optional<MaxMarginResult> pivot(MatrixView<const double> z, Rows support, double tolerance) {
  const std::int64_t limit = max_support_per_column * z.cols();
  std::size_t last_exchange = std::numeric_limits<std::size_t>::max();
  for (;;) {
    if (support.empty() || static_cast<std::int64_t>(support.size()) > limit) break;
    const std::optional<OnMargin> solved = solve_on(z, std::move(support));
    if (!solved) break;
    const std::vector<double> margins = numerics::times(z, solved->w);
    Rows kept;
    std::vector<double> multipliers(margins.size(), 0.0);
    std::vector<char> inside(margins.size(), 0);
    for (std::size_t i = 0; i < solved->u.size(); ++i) {
      const auto row = static_cast<std::size_t>(solved->support[i]);
      inside[row] = 1;
      if (!(solved->u[i] > 0.0)) continue;
      kept.push_back(solved->support[i]);
      multipliers[row] = solved->u[i];
    }
    Rows violated;
    for (std::size_t row = 0; row < margins.size(); ++row) {
      if (inside[row] == 0 && margins[row] < 1.0 - 0.1 * tolerance) {
        violated.push_back(static_cast<std::int64_t>(row));
      }
    }
    const std::size_t exchange = violated.size() + solved->u.size() - kept.size();
    if (exchange == 0) {
      MaxMarginResult result = certified(z, solved->w, multipliers, std::move(kept));
      result.polished = true;
      return result;
    }
    if (exchange >= last_exchange) break;
    last_exchange = exchange;
    support.clear();
    std::merge(kept.begin(), kept.end(), violated.begin(), violated.end(),
               std::back_inserter(support));
  }
  return std::nullopt;
}

/// The mean of the rows, which most of them agree with, and the equal multipliers that make it.
InteriorPoint cold_start(MatrixView<const double> z) {
  const auto rows = static_cast<std::size_t>(z.rows());
  std::vector<double> mean =
      numerics::transposed_times(z, std::vector<double>(rows, 1.0 / static_cast<double>(rows)));
  const double margin = numerics::dot(mean, mean);
  const double target =
      margin_per_alpha * (1.0 + static_cast<double>(z.rows()) / static_cast<double>(z.cols()));
  const double scale = margin > 0.0 ? target / margin : 1.0;
  for (double& value : mean) value *= scale;
  return {z, std::move(mean), std::vector<double>(rows, scale / static_cast<double>(rows))};
}

/// The earlier J, and multipliers that fall off with the margin: a_i s_i constant.
InteriorPoint warm_start(MatrixView<const double> z, const MaxMarginResult& earlier) {
  std::vector<double> w = earlier.J;
  const double scale = 1.0 / std::abs(earlier.kappa);
  for (double& value : w) value *= scale;
  std::vector<double> multipliers = numerics::times(z, w);
  double sum = 0.0;
  for (double& value : multipliers) {
    const double margin = value;
    value = 1.0 / std::max(margin - 1.0, 1.0);
    sum += value * margin;
  }
  const double level = numerics::dot(w, w) / std::abs(sum);
  for (double& value : multipliers) value *= level;
  return {z, std::move(w), std::move(multipliers)};
}

bool is_usable(const MaxMarginResult* warm) {
  return warm != nullptr && warm->converged && warm->kappa > 0.0;
}

/// Root of the mean squared length of the rows: margins far below it are zero.
double row_length(MatrixView<const double> z) {
  double squares = 0.0;
  for (std::int64_t i = 0; i < z.rows(); ++i) squares += numerics::dot(z.row(i), z.row(i));
  return std::sqrt(squares / static_cast<double>(z.rows()));
}

MaxMarginResult iterate(MatrixView<const double> z, InteriorPoint point,
                        const MaxMarginOptions& options, Progress& progress) {
  const double no_margin = no_margin_per_length * row_length(z);
  Rows tried;
  std::int32_t iterations = 0;
  const auto finished = [&](MaxMarginResult result) {
    result.iterations = iterations;
    return result;
  };
  while (iterations < options.max_iterations) {
    progress.throw_if_cancelled();
    if (!point.step()) break;
    ++iterations;
    const double gap = point.estimated_gap();
    if (gap < guess_gap) {
      Rows support = point.likely_support();
      if (support != tried) {
        if (auto exact = pivot(z, support, options.tolerance)) return finished(std::move(*exact));
        tried = std::move(support);
      }
    }
    if (gap <= options.tolerance) {
      MaxMarginResult result = certified(z, point.w(), point.multipliers(), tried);
      if (result.relative_gap <= options.tolerance) return finished(std::move(result));
    }
    if (point.estimated_bound() <= no_margin) break;
  }
  return finished(certified(z, point.w(), point.multipliers(), point.likely_support()));
}

}  // namespace

MaxMarginResult max_margin(MatrixView<const double> z, const MaxMarginOptions& options,
                           const MaxMarginResult* warm, Progress& progress) {
  options.validate();
  check_input(z, warm);
  const bool warmed = is_usable(warm);
  std::optional<MaxMarginResult> known;
  if (warmed) known = pivot(z, warm->support, options.tolerance);
  MaxMarginResult result =
      known ? std::move(*known)
            : iterate(z, warmed ? warm_start(z, *warm) : cold_start(z), options, progress);
  result.converged = result.kappa > 0.0 && result.relative_gap <= options.tolerance;
  return result;
}

}  // namespace winnow::theory
