#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"

namespace winnow::train {

/// Rows of a log of training dynamics, one entry an example.
struct DynamicsPiece {
  std::vector<float> p_true;
  std::vector<float> margin;
  std::vector<float> el2n;
  std::vector<std::uint8_t> correct;
};

/// What logits [m, c] say of labels [m], by sums in float64:
///
///     p_true = softmax(f)_y    margin = f_y - max_(j != y) f_j    el2n = |softmax(f) -
///     onehot(y)|_2
///
/// Probabilities near 1 lose nothing: 1 - p is summed from the others.
DynamicsPiece dynamics_of(MatrixView<const float> logits, std::span<const std::int32_t> labels);

}  // namespace winnow::train
