#include "train/torch/self_supervised_losses.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "unit/train/torch/tensors.hpp"

namespace winnow::train {
namespace {

using Rows = std::vector<std::vector<double>>;

/// Cosines of n unit rows with k unit prototypes.
at::Tensor cosines(std::int64_t n, std::int64_t k, std::uint64_t index) {
  const auto unit = [](const at::Tensor& rows) {
    return rows / rows.norm(2, std::vector<std::int64_t>{1}, true);
  };
  return at::matmul(unit(normal({n, 6}, index)), unit(normal({k, 6}, index + 100)).t());
}

Rows rows_of(const at::Tensor& tensor) {
  const at::Tensor exact = tensor.to(at::kDouble).contiguous();
  Rows rows(static_cast<std::size_t>(exact.size(0)));
  for (std::int64_t i = 0; i < exact.size(0); ++i) {
    const double* begin = exact.data_ptr<double>() + i * exact.size(1);
    rows[static_cast<std::size_t>(i)].assign(begin, begin + exact.size(1));
  }
  return rows;
}

/// The authors' own form (facebookresearch/swav, distributed_sinkhorn): the transposed plan, with
/// shares 1/K and 1/B.
Rows authors_sinkhorn(const Rows& scores, double epsilon, int iterations) {
  const std::size_t n = scores.size();
  const std::size_t k = scores[0].size();
  Rows plan(k, std::vector<double>(n));
  double total = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < k; ++j) total += plan[j][i] = std::exp(scores[i][j] / epsilon);
  }
  for (auto& row : plan) {
    for (double& value : row) value /= total;
  }
  for (int iteration = 0; iteration < iterations; ++iteration) {
    for (auto& row : plan) {
      double sum = 0.0;
      for (const double value : row) sum += value;
      for (double& value : row) value /= sum * static_cast<double>(k);
    }
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < k; ++j) sum += plan[j][i];
      for (std::size_t j = 0; j < k; ++j) plan[j][i] /= sum * static_cast<double>(n);
    }
  }
  Rows result(n, std::vector<double>(k));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < k; ++j) result[i][j] = plan[j][i] * static_cast<double>(n);
  }
  return result;
}

/// log softmax(row / temperature)[j]
double log_share(const std::vector<double>& row, std::size_t j, double temperature) {
  double sum = 0.0;
  for (const double value : row) sum += std::exp(value / temperature);
  return row[j] / temperature - std::log(sum);
}

/// Central differences of a function of a double tensor.
at::Tensor numeric_gradient(const std::function<at::Tensor(const at::Tensor&)>& f,
                            const at::Tensor& at_point) {
  constexpr double step = 1e-6;
  at::Tensor gradient = at::empty_like(at_point);
  for (std::int64_t i = 0; i < at_point.numel(); ++i) {
    at::Tensor up = at_point.clone();
    at::Tensor down = at_point.clone();
    up.data_ptr<double>()[i] += step;
    down.data_ptr<double>()[i] -= step;
    gradient.data_ptr<double>()[i] = (f(up).item<double>() - f(down).item<double>()) / (2.0 * step);
  }
  return gradient;
}

void expect_gradient(const std::function<at::Tensor(const at::Tensor&)>& f, const at::Tensor& x) {
  const at::Tensor leaf = x.clone().requires_grad_();
  const at::Tensor found = torch::autograd::grad({f(leaf)}, {leaf})[0];
  // Truncation of a central difference: step^2 = 1e-12; cancellation: 1e-16 / 1e-6 = 1e-10.
  EXPECT_LT(largest_difference(found, numeric_gradient(f, x)), 1e-7);
  EXPECT_GT(found.abs().max().item<double>(), 1e-3);
}

TEST(Sinkhorn, IsTheAuthorsIteration) {
  for (const auto& [n, k] : {std::pair<std::int64_t, std::int64_t>{9, 4}, {5, 13}, {1, 2}}) {
    const at::Tensor scores = cosines(n, k, static_cast<std::uint64_t>(n));
    const Rows expected = authors_sinkhorn(rows_of(scores), 0.05, 3);
    const Rows found = rows_of(sinkhorn(scores, 0.05, 3));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      for (std::size_t j = 0; j < expected[i].size(); ++j) {
        EXPECT_NEAR(found[i][j], expected[i][j], 1e-6) << i << ' ' << j;
      }
    }
  }
}

TEST(Sinkhorn, GivesEveryPrototypeItsShare) {
  const at::Tensor plan = sinkhorn(cosines(40, 8, 1), 0.2, 500);
  EXPECT_LT(largest_difference(plan.sum(1), at::ones({40})), 1e-5);
  EXPECT_LT(largest_difference(plan.sum(0), at::full({8}, 5.0)), 1e-4);
  EXPECT_GT(plan.min().item<double>(), 0.0);
}

TEST(Sinkhorn, SpreadsEqualScoresEvenlyAndStaysFiniteWhereTheyAreSharp) {
  EXPECT_LT(largest_difference(sinkhorn(at::zeros({6, 4}), 0.05, 3), at::full({6, 4}, 0.25)), 1e-6);
  const at::Tensor opposite = at::cat({at::ones({3, 1}), -at::ones({3, 1})}, 1);
  const at::Tensor sharp = sinkhorn(opposite, 0.005, 3);
  EXPECT_TRUE(at::isfinite(sharp).all().item<bool>());
  EXPECT_LT(largest_difference(sharp.sum(1), at::ones({3})), 1e-6);
}

TEST(SwappedPrediction, IsTheMeanOverPairsOfAssignedAndOtherViews) {
  std::vector<at::Tensor> scores;
  std::vector<at::Tensor> assignments;
  for (std::uint64_t v = 0; v < 4; ++v) scores.push_back(cosines(5, 3, 10 + v).to(at::kDouble));
  for (std::size_t s = 0; s < 2; ++s) {
    assignments.push_back(sinkhorn(scores[s], 0.05, 3).to(at::kDouble));
  }
  double expected = 0.0;
  for (std::size_t s = 0; s < 2; ++s) {
    const Rows q = rows_of(assignments[s]);
    for (std::size_t v = 0; v < 4; ++v) {
      if (v == s) continue;
      const Rows row = rows_of(scores[v]);
      for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          expected -= q[i][j] * log_share(row[i], j, 0.1) / (5.0 * 2.0 * 3.0);
        }
      }
    }
  }
  EXPECT_NEAR(swapped_prediction(scores, assignments, 0.1).item<double>(), expected, 1e-9);
  for (const std::size_t v : {0U, 3U}) {
    expect_gradient(
        [&](const at::Tensor& x) {
          auto changed = scores;
          changed[v] = x;
          return swapped_prediction(changed, assignments, 0.1);
        },
        scores[v]);
  }
}

TEST(NormalisedContrast, IsTheMeanOverViewsWithoutThemselves) {
  const at::Tensor raw = normal({6, 4}, 3).to(at::kDouble);
  const at::Tensor rows = raw / raw.norm(2, std::vector<std::int64_t>{1}, true);
  const Rows x = rows_of(rows);
  double expected = 0.0;
  for (std::size_t a = 0; a < 6; ++a) {
    std::vector<double> others;
    std::size_t partner = 0;
    for (std::size_t b = 0; b < 6; ++b) {
      if (b == a) continue;
      if (b == (a + 3) % 6) partner = others.size();
      double dot = 0.0;
      for (std::size_t d = 0; d < 4; ++d) dot += x[a][d] * x[b][d];
      others.push_back(dot);
    }
    expected -= log_share(others, partner, 0.2) / 6.0;
  }
  EXPECT_NEAR(normalised_contrast(rows, 0.2).item<double>(), expected, 1e-9);
  expect_gradient([](const at::Tensor& x_) { return normalised_contrast(x_, 0.2); }, rows);
}

TEST(SpreadOf, IsOneOnTheWholeSphereAndZeroAtAPoint) {
  const at::Tensor raw = normal({4000, 16}, 5);
  const at::Tensor rows = raw / raw.norm(2, std::vector<std::int64_t>{1}, true);
  // Each column's deviation has relative error 1 / sqrt(2 x 4000); the mean of 16 a quarter.
  EXPECT_NEAR(spread_of(rows), 1.0, 0.015);
  EXPECT_NEAR(spread_of(rows.narrow(0, 0, 1).expand({50, 16})), 0.0, 1e-7);
}

}  // namespace
}  // namespace winnow::train
