#pragma once

#include <vector>

#include "winnow/core/matrix.hpp"

namespace winnow::metrics {

/// Area under the margin of one run, negated: difficulty is low where the label wins all along.
///
///     score_i = -(1/T) sum_t margin_t,i,   margin = true logit minus the best other
///
/// In units of logits. The paper's AUM is larger for easier examples; ours is -AUM.
///
/// @param margins  [T, n], finite, T >= 1.
/// @return         [n]; larger is harder. O(T n) time, sums in double.
///
/// Pleiss et al., "Identifying Mislabeled Data using the Area Under the Margin Ranking",
/// NeurIPS 2020, arXiv:2001.10528. There, margins are those of an example's batch while it is
/// trained on; a log has them in evaluation mode after the epoch.
std::vector<double> aum(MatrixView<const float> margins);

}  // namespace winnow::metrics
