#include "winnow/metrics/active_learning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "metrics/ensemble.hpp"
#include "metrics/softmax.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

namespace {

/// -sum_k p_k log p_k of the means p = sums / members, in nats; not below 0, whatever the rounding.
double entropy_of_means(std::span<const double> sums, double members) {
  double sum = 0.0;
  for (const double value : sums) {
    const double p = value / members;
    if (p > 0.0) sum -= p * std::log(p);
  }
  return std::max(0.0, sum);
}

void require_finite(MatrixView<const float> logits, std::int64_t row) {
  const auto values = logits.row(row);
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  throw NonFiniteInput(fmt::format("logits: row {} column {} is {}; expected finite values", row,
                                   bad - values.begin(), *bad));
}

}  // namespace

EnsembleUncertainty::EnsembleUncertainty(std::int64_t n, std::int64_t n_classes,
                                         Acquisition acquisition)
    : acquisition_(acquisition) {
  if (n < 1 || n_classes < 2) {
    throw InvalidArgument(
        fmt::format("ensemble of [{}, {}] logits; expected at least one example "
                    "and two classes",
                    n, n_classes));
  }
  if (acquisition == Acquisition::right_wrong) {
    throw InvalidArgument("acquisition = right-wrong takes no logits");
  }
  sums_ = Matrix<double>(n, n_classes);
  if (acquisition == Acquisition::mutual_information) {
    entropy_sums_.resize(static_cast<std::size_t>(n));
  }
}

void EnsembleUncertainty::add(MatrixView<const float> logits) {
  if (logits.rows() != sums_.rows() || logits.cols() != sums_.cols()) {
    throw InvalidArgument(
        fmt::format("logits are [{}, {}]; expected [{}, {}] as for the first "
                    "member",
                    logits.rows(), logits.cols(), sums_.rows(), sums_.cols()));
  }
  for (std::int64_t i = 0; i < logits.rows(); ++i) require_finite(logits, i);
  for_example_blocks(
      logits.rows(), line_of_examples, silent(), [&](std::int64_t begin, std::int64_t count) {
        std::vector<double> log_p(static_cast<std::size_t>(logits.cols()));
        for (std::int64_t i = begin; i < begin + count; ++i) {
          const auto row = logits.row(i);
          const auto sums = sums_.row(i);
          if (acquisition_ == Acquisition::variation_ratio) {
            sums[static_cast<std::size_t>(std::ranges::max_element(row) - row.begin())] += 1.0;
            continue;
          }
          log_softmax(row, log_p);
          double entropy = 0.0;
          for (std::size_t k = 0; k < log_p.size(); ++k) {
            const double p = std::exp(log_p[k]);
            sums[k] += p;
            entropy -= p * log_p[k];
          }
          if (acquisition_ == Acquisition::mutual_information) {
            entropy_sums_[static_cast<std::size_t>(i)] += entropy;
          }
        }
      });
  ++members_;
}

std::vector<double> EnsembleUncertainty::scores() const {
  if (members_ == 0) throw InvalidArgument("an ensemble without members has no uncertainty");
  const auto members = static_cast<double>(members_);
  std::vector<double> result(static_cast<std::size_t>(sums_.rows()));
  for_example_blocks(
      sums_.rows(), line_of_examples, silent(), [&](std::int64_t begin, std::int64_t count) {
        for (std::int64_t i = begin; i < begin + count; ++i) {
          const auto sums = sums_.row(i);
          double& score = result[static_cast<std::size_t>(i)];
          if (acquisition_ == Acquisition::variation_ratio) {
            score = (members - *std::ranges::max_element(sums)) / members;
            continue;
          }
          score = entropy_of_means(sums, members);
          if (acquisition_ == Acquisition::mutual_information) {
            score = std::max(0.0, score - entropy_sums_[static_cast<std::size_t>(i)] / members);
          }
        }
      });
  return result;
}

std::vector<double> right_wrong_disagreement(const BitMatrix& correct) {
  const std::int64_t members = correct.rows();
  if (members == 0 || correct.cols() == 0) {
    throw InvalidArgument(
        fmt::format("disagreement of correct [{}, {}]; expected at least one "
                    "member and one example",
                    members, correct.cols()));
  }
  std::vector<double> scores(static_cast<std::size_t>(correct.cols()));
  for_example_blocks(
      correct.cols(), line_of_examples, silent(), [&](std::int64_t begin, std::int64_t count) {
        const BitMatrix right = correct.transposed(begin, count);
        for (std::int64_t r = 0; r < count; ++r) {
          const std::int64_t ones = right.count(r);
          scores[static_cast<std::size_t>(begin + r)] =
              static_cast<double>(std::min(ones, members - ones)) / static_cast<double>(members);
        }
      });
  return scores;
}

std::vector<double> most_uncertain(std::span<const double> scores, double fraction) {
  if (scores.empty() || !(fraction > 0.0 && fraction < 1.0)) {
    throw InvalidArgument(
        fmt::format("the most uncertain {} of {} examples; expected a share in "
                    "(0, 1) of at least one",
                    fraction, scores.size()));
  }
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto chosen = static_cast<std::ptrdiff_t>(
      std::max(1.0, std::round(fraction * static_cast<double>(scores.size()))));
  const auto before = [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  };
  std::nth_element(order.begin(), order.begin() + chosen - 1, order.end(), before);
  std::vector<double> result(scores.size());
  std::for_each(order.begin(), order.begin() + chosen, [&](std::size_t i) { result[i] = 1.0; });
  return result;
}

}  // namespace winnow::metrics
