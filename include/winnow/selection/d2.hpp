#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::selection {

/// How the d2 policy goes. Set fields by name; checked by select().
struct D2Options {
  std::int64_t neighbours = 10;  ///< k, nearest others of each example in the graph; [1, n).
  double forward_gamma = 1.0;    ///< gamma_f of what is gathered; per squared distance, >= 0.
  double reverse_gamma = 1.0;    ///< gamma_r of what a choice takes away; per squared distance.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.neighbours, FieldInfo{.name = "neighbours",
                                     .help = "Nearest other examples that each is joined to.",
                                     .min = 1});
    visit(self.forward_gamma,
          FieldInfo{.name = "forward-gamma",
                    .help = "How fast the difficulty that neighbours lend fades with squared "
                            "distance.",
                    .min = 0.0});
    visit(self.reverse_gamma,
          FieldInfo{.name = "reverse-gamma",
                    .help = "How fast what a kept example takes from its neighbours fades with "
                            "squared distance; small values spread the choice.",
                    .min = 0.0});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

/// All examples in the order in which D2 pruning keeps them.
///
///     i ~ j      when one is among the k most similar of the other
///     d_ij       = |x_i / |x_i| - x_j / |x_j||, so that d^2 = 2 - 2 cosine, in [0, 4]
///     s_i        = score_i - min(0, lowest score)
///     forward    u_i = s_i + sum_{j ~ i} exp(-gamma_f d_ij^2) s_j
///     then       keep c = argmax u;  u_j -= exp(-gamma_r d_cj^2) u_c for all j ~ c not kept
///
/// until all are kept: the first K are the paper's choice for any K. Ties go to the lower id.
/// Scores that start below zero are moved up, since negative difficulty cannot be passed on.
///
/// @param scores      [n], finite, larger is harder.
/// @param embeddings  [n, d], finite, no zero rows.
/// @return            [n] ids.
/// @throws InvalidArgument  options out of range, k >= n, a zero row.
/// @throws DatasetMismatch  scores and embeddings of different lengths.
/// @throws NonFiniteInput   naming the first row.
///
/// Same result for any number of threads. Neighbours are exact but for near ties of products in
/// float32, which another instruction set may break otherwise; distances are in double.
///
/// O(n^2 d) for the graph, then O(n k log n) with a heap whose entries are corrected when they come
/// up; O(n k + n d) memory.
///
/// Maharana, Yadav and Bansal, "D2 pruning: message passing for balancing diversity and difficulty
/// in data pruning", ICLR 2024, arXiv:2310.07931, section 3.
std::vector<std::int64_t> d2_order(std::span<const double> scores,
                                   MatrixView<const float> embeddings,
                                   const D2Options& options = {}, Progress& progress = silent());

}  // namespace winnow::selection
