#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace winnow::metrics {

/// Log-probabilities of logits, in double: out_c = logits_c - log sum_k exp(logits_k).
inline void log_softmax(std::span<const float> logits, std::span<double> out) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  const double log_sum = std::log(sum);  // not added to `largest`, in which it could get lost
  for (std::size_t c = 0; c < logits.size(); ++c) {
    out[c] = static_cast<double>(logits[c]) - largest - log_sum;
  }
}

}  // namespace winnow::metrics
