#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/metrics/bit_matrix.hpp"

namespace winnow::metrics {

/// How the subsampled estimators treat examples that few runs tell about.
struct SubsampleOptions {
  std::int64_t min_runs = 2;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.min_runs,
          FieldInfo{.name = "min-runs",
                    .help = "Runs with an example, and runs without it, that its estimate needs; "
                            "one with fewer gets the mean of the others.",
                    .unit = "runs",
                    .min = 2});
  }
  /// @throws InvalidArgument naming the field.
  void validate() const { validate_fields(*this); }
};

/// Memorization of n examples, estimated from runs on random subsets.
struct MemorizationScores {
  std::vector<double> scores;           ///< [n], in [-1, 1]; larger is harder.
  std::vector<double> standard_errors;  ///< [n]; NaN for the rare.
  std::vector<std::int64_t> rare;       ///< Examples in or out of fewer than min_runs runs.
};

/// Memorization: how much likelier the label of an example is predicted after training on it.
///
///     score_i = P(correct_i | i in) - P(correct_i | i out)
///
/// where P is the share among the runs that trained on i, and among those that did not. Standard
/// errors are those of a difference of two independent shares, with unbiased variances:
///
///     e_i^2 = p_in (1 - p_in) / (n_in - 1) + p_out (1 - p_out) / (n_out - 1)
///
/// They are 0 where all runs of each side agree. The score of a rare example (of fewer than
/// min_runs runs on either side) is the mean of the others: no estimate, and no vote for keeping or
/// dropping it.
///
/// @param in_train  [M, n], bit (m, i): run m was trained on example i. Usually 70 % of a row.
/// @param correct   [M, n], bit (m, i): run m predicts the label of example i.
/// @throws InvalidArgument  shapes that differ, no examples, or every example rare.
///
/// Counts are exact: the same bits for any number of threads and any instruction set.
/// O(n M / 64) time.
///
/// Feldman and Zhang, "What Neural Networks Memorize and Why", NeurIPS 2020, arXiv:2008.03703.
MemorizationScores memorization(const BitMatrix& in_train, const BitMatrix& correct,
                                const SubsampleOptions& options = {},
                                Progress& progress = silent());

}  // namespace winnow::metrics
