#include "train/dynamics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/checks.hpp"

namespace winnow::train {

DynamicsPiece dynamics_of(MatrixView<const float> logits, std::span<const std::int32_t> labels) {
  DynamicsPiece piece;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = logits.row(static_cast<std::int64_t>(i));
    const auto truth = static_cast<std::size_t>(labels[i]);
    const double largest = *std::ranges::max_element(row);
    const double own = std::exp(static_cast<double>(row[truth]) - largest);
    double others = 0.0;
    double squares = 0.0;
    double best_other = -std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (j == truth) continue;
      const double power = std::exp(static_cast<double>(row[j]) - largest);
      others += power;
      squares += power * power;
      best_other = std::max(best_other, static_cast<double>(row[j]));
    }
    // 1 - p is the others' share: no cancellation where p is near 1.
    const double sum = own + others;
    const double rest = others / sum;
    piece.p_true.push_back(static_cast<float>(own / sum));
    piece.el2n.push_back(static_cast<float>(std::sqrt(squares / (sum * sum) + rest * rest)));
    piece.margin.push_back(static_cast<float>(static_cast<double>(row[truth]) - best_other));
    piece.correct.push_back(predicts(row, labels[i]) ? 1 : 0);
  }
  return piece;
}

}  // namespace winnow::train
