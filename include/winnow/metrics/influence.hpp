#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/metrics/bit_matrix.hpp"
#include "winnow/metrics/memorization.hpp"

namespace winnow::metrics {

/// Influence of n examples on a test set, estimated from runs on random subsets.
struct InfluenceScores {
  std::vector<double> max;              ///< [n], max_j infl(i -> j), in [-1, 1]; larger is harder.
  std::vector<double> max_errors;       ///< [n], of the test example chosen; NaN for the rare.
  std::vector<std::int64_t> max_tests;  ///< [n], its position (the first on ties); -1 for the rare.
  std::vector<double> sum_abs;          ///< [n], sum_j |infl(i -> j)|, in [0, n_test].
  std::vector<double> sum_abs_errors;   ///< [n]; NaN for the rare.
  std::vector<std::int64_t> rare;       ///< Examples in or out of fewer than min_runs runs.
};

/// Influence of every training example on every test example, summed up in two scores.
///
///     infl(i -> j) = P(test j correct | i in) - P(test j correct | i out)
///     max_i        = max_j infl(i -> j)
///     sum_abs_i    = sum_j |infl(i -> j)|
///
/// Shares as in memorization(), and so are the scores of rare examples. The error of max_i is that
/// of infl(i -> j) at the j chosen; the error of sum_abs_i that of sum_j s_ij infl(i -> j) with the
/// signs s found, from the variance of sum_j s_ij [test j correct] between runs. Neither counts
/// what choosing by the same runs adds: both scores are biased upwards, sum_abs_i by about
/// n_test 0.8 e where infl is 0 and e its standard error, so compare only scores of the same runs.
///
/// @param in_train      [M, n], bit (m, i): run m was trained on example i.
/// @param test_correct  [M, n_test], bit (m, j): run m predicts the label of test example j.
/// @throws InvalidArgument  other numbers of runs, no examples on either side, every example rare,
///                          or M n_test max(M, n_test) >= 2^62.
///
/// Integers up to the last division: the same bits for any number of threads and any instruction
/// set. O(n n_test M / 64) time, twice: for the scores and for the errors of sum_abs. Blocks of 64
/// examples at a time; the [n, n_test] matrix never exists, memory is O((n + n_test) M / 64).
///
/// Feldman and Zhang 2020, as in memorization(). "influence-max" and "influence-sum-abs" are named
/// so by Sorscher et al. 2022.
InfluenceScores influence(const BitMatrix& in_train, const BitMatrix& test_correct,
                          const SubsampleOptions& options = {}, Progress& progress = silent());

}  // namespace winnow::metrics
