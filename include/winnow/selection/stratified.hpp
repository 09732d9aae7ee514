#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/options.hpp"

namespace winnow::selection {

/// How the stratified policy goes. Set fields by name; checked by select().
struct StratifiedOptions {
  double cut_off = 0.1;      ///< beta, share of all examples, the hardest, that never stay; [0, 1).
  std::int64_t strata = 50;  ///< k, equal parts of the range of the other scores.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.cut_off, FieldInfo{.name = "cut-off",
                                  .help = "Share of all examples, the hardest, that are dropped "
                                          "as likely mislabelled.",
                                  .min = 0.0,
                                  .max = 1.0,
                                  .max_open = true});
    visit(self.strata,
          FieldInfo{.name = "strata",
                    .help = "Parts of equal width of the range of the scores below the cut-off.",
                    .min = 1,
                    .max = 1'000'000});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
  /// How many of n examples the cut-off drops: floor(cut_off * n), of the decimal number typed.
  std::int64_t cut_off_of(std::int64_t n) const;
};

/// What each stratum keeps of K places in all.
///
///     while strata are left: the smallest gets min(its size, floor(places left / strata left))
///
/// Small strata are kept whole, large ones share equally what they leave. Equal sizes go in order;
/// what does not divide goes to the last.
///
/// @param sizes  [strata] examples of each; empty strata get nothing.
/// @param k      0 <= k <= sum of sizes.
/// @return       [strata], in sum k.
/// @throws InvalidArgument  k out of range.
///
/// O(strata log strata). Zheng, Liu, Lai and Prakash, "Coverage-centric coreset selection for high
/// pruning rates", ICLR 2023, arXiv:2210.15809, algorithm 1.
std::vector<std::int64_t> strata_budgets(std::span<const std::int64_t> sizes, std::int64_t k);

}  // namespace winnow::selection
