#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/metrics/bit_matrix.hpp"

namespace winnow::metrics {

/// Dichotomous data difficulty of n examples.
struct DddScores {
  std::vector<double> scores;   ///< [n], members that are wrong, 0 to M; larger is harder.
  std::int64_t trivial = 0;     ///< Examples that no member gets wrong.
  std::int64_t impossible = 0;  ///< Examples that every member gets wrong.
};

/// Dichotomous data difficulty: how many members of an ensemble misclassify an example.
///
///     score_i = sum_m [member m does not predict the label of i]
///
/// Meant for networks that differ in architecture, optimiser or seed; whether a member was trained
/// on the example does not enter.
///
/// @param correct  [M, n], bit (m, i): member m predicts the label of example i.
/// @throws InvalidArgument  no members or no examples.
/// Whole numbers: the same for any number of threads. O(n M / 64) time.
///
/// Meding, Schulze Buschoff, Geirhos and Wichmann, "Trivial or Impossible: Dichotomous Data
/// Difficulty Masks Model Differences (on ImageNet and Beyond)", ICLR 2022, arXiv:2110.05922.
DddScores ddd(const BitMatrix& correct, Progress& progress = silent());

}  // namespace winnow::metrics
