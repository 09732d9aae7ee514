#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"

namespace winnow::metrics {

/// Windows over the epochs of a log, for dyn-unc, dual and tdds.
struct WindowOptions {
  std::int32_t window = 10;     ///< Rows of a window, J.
  std::int64_t last_epoch = 0;  ///< 0: 30 for dual, the last logged for the others.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.window, {.name = "window",
                        .help = "Logged epochs of a window (dyn-unc, dual, tdds)",
                        .unit = "epochs",
                        .min = 2});
    visit(self.last_epoch, {.name = "last-epoch",
                            .help = "Use the log up to this epoch (dyn-unc, dual, tdds); 0: 30 for "
                                    "dual, all for the others.",
                            .min = 0});
  }
  void validate() const { validate_fields(*this); }
};

/// Dynamic uncertainty of one run: how much the probability of the label moves within a window of
/// J epochs, averaged over all windows.
///
///     score_i = 1/(T-J+1) sum_k s_k,i,   s_k,i^2 = 1/(J-1) sum_{t=k}^{k+J-1} (p_t,i - mean_k,i)^2
///
/// In [0, sqrt(1/2)]. Large for examples that are neither learned for good nor hopeless: where the
/// metric is used, the largest are kept. The authors' code leaves out the last window and
/// multiplies by 10, which changes nothing of the order but for that window.
///
/// @param p_true  [T, n], probabilities of the labels, T >= window.
/// @return        [n]; larger is harder. O(T n) time whatever the window; windows slide in double,
///                so that spreads below 1e-7 drown in rounding (in a float16 log nothing is lost);
///                their roots are float's, within 2^-23.
/// @throws InvalidArgument when T < window.
///
/// He et al., "Large-scale Dataset Pruning with Dynamic Uncertainty", CVPR workshops 2024,
/// arXiv:2306.05175.
std::vector<double> dyn_unc(MatrixView<const float> p_true, std::int32_t window);

/// DUAL difficulty of one run: uncertainty as in dyn_unc(), weighted by difficulty, early on.
///
///     score_i = 1/(T-J+1) sum_k s_k,i (1 - mean_k,i)
///
/// In [0, sqrt(1/2)]. The authors' code multiplies by 10; their pruning then samples by a Beta
/// distribution at small keep fractions, which is a policy, not part of the score.
///
/// @param p_true  as dyn_unc(); the authors take the first T = 30 epochs.
/// @throws        as dyn_unc().
///
/// Cho et al., "Lightweight Dataset Pruning without Full Training via Example Difficulty and
/// Prediction Uncertainty", ICML 2025, arXiv:2502.06905.
std::vector<double> dual(MatrixView<const float> p_true, std::int32_t window);

}  // namespace winnow::metrics
