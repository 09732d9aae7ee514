#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"

namespace winnow::metrics {

struct TddsOptions {
  double decay = 0.9;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.decay,
          {.name = "decay",
           .help = "Weight of the last window over what remains of those before (tdds).",
           .min = 0,
           .max = 1,
           .min_open = true});
  }
  void validate() const { validate_fields(*this); }
};

/// Temporal dual-depth score of one run: how unevenly the prediction moves within windows of J
/// epochs, late windows weighing most.
///
///     d_t,i   = sum_c |p_t+1,i,c (log(p_t+1,i,c + e) - log(p_t,i,c + e))|,   e = 1e-8
///     v_k,i   = |d_k..k+J-2,i - their mean|_2
///     score_i = sum_{k=0}^{T-J} b (1-b)^(T-J-k) v_k,i,   b = decay
///
/// p is the softmax of the logits over all classes: the score needs them, the probability of the
/// label alone does not do. At least 0. As in the authors' code; their paper's text has b as beta.
/// Where the metric is used, the largest are kept.
///
/// @param logits   [T, n c]: n examples of c classes each in every row; finite, T >= window.
/// @param classes  c >= 2.
/// @return         [n]; larger is harder. O(T n (c + window)) time; softmax and sums in double.
/// @throws InvalidArgument when T < window, or rows do not hold whole examples.
///
/// Zhang et al., "Spanning Training Progress: Temporal Dual-Depth Scoring (TDDS) for Enhanced
/// Dataset Pruning", CVPR 2024, arXiv:2311.13613.
std::vector<double> tdds(MatrixView<const float> logits, std::int64_t classes, std::int32_t window,
                         const TddsOptions& options);

}  // namespace winnow::metrics
