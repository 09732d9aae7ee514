#include "train/torch/self_supervised_losses.hpp"

#include <cmath>
#include <limits>

namespace winnow::train {

at::Tensor sinkhorn(const at::Tensor& scores, double epsilon, std::int64_t iterations) {
  const at::NoGradGuard no_grad;
  const at::Tensor exact = scores.detach().to(at::kDouble);
  at::Tensor plan = ((exact - exact.max()) / epsilon).exp();
  for (std::int64_t iteration = 0; iteration < iterations; ++iteration) {
    plan = plan / plan.sum(0, true);
    plan = plan / plan.sum(1, true);
  }
  return plan.to(at::kFloat);
}

at::Tensor swapped_prediction(const std::vector<at::Tensor>& scores,
                              const std::vector<at::Tensor>& assignments, double temperature) {
  std::vector<at::Tensor> logarithms;
  for (const at::Tensor& view : scores) {
    logarithms.push_back(at::log_softmax(view / temperature, 1));
  }
  at::Tensor sum = at::zeros({}, scores.front().options());
  for (std::size_t s = 0; s < assignments.size(); ++s) {
    for (std::size_t v = 0; v < logarithms.size(); ++v) {
      if (v != s) sum = sum - (assignments[s] * logarithms[v]).sum(1).mean();
    }
  }
  return sum / static_cast<double>(assignments.size() * (scores.size() - 1));
}

at::Tensor normalised_contrast(const at::Tensor& rows, double temperature) {
  const std::int64_t count = rows.size(0);
  const at::Tensor own = at::eye(count, rows.options().dtype(at::kBool));
  const at::Tensor cosines = (at::matmul(rows, rows.t()) / temperature)
                                 .masked_fill(own, -std::numeric_limits<double>::infinity());
  const at::Tensor others = at::arange(count, rows.options().dtype(at::kLong)).roll(count / 2);
  return at::cross_entropy_loss(cosines, others);
}

double spread_of(const at::Tensor& rows) {
  const at::NoGradGuard no_grad;
  const at::Tensor deviations = rows.detach().to(at::kDouble).std(0, false);
  return std::sqrt(static_cast<double>(rows.size(1))) * deviations.mean().item<double>();
}

}  // namespace winnow::train
