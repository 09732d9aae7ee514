#pragma once

#include <cstdint>
#include <limits>

#include "selection/ranking.hpp"
#include "winnow/selection/select.hpp"

// The ranking of each policy, one source file each. Scores and labels are checked by select().

namespace winnow::selection {

/// @throws NonFiniteInput naming the first row and column of `name` that is NaN or Inf.
void require_finite(MatrixView<const float> rows, const char* name, Progress& progress);

/// Examples in the order of a policy.
struct Ranking {
  Keys keys;
  /// Keys from here on are of examples that the policy leaves out whatever K is.
  std::uint64_t cut_off = std::numeric_limits<std::uint64_t>::max();
  Json details = Json::object();  ///< what a reader of keep.json may want to know
};

/// In the order of options.policy; k examples are to be kept.
Ranking rank(const Examples& examples, const SelectOptions& options, std::int64_t k,
             Progress& progress);

Ranking rank_moderate(const Examples& examples, Progress& progress);
Ranking rank_stratified(const Examples& examples, const SelectOptions& options, std::int64_t k,
                        Progress& progress);
Ranking rank_density(const Examples& examples, const SelectOptions& options, std::int64_t k,
                     Progress& progress);
Ranking rank_balanced(const Examples& examples, const SelectOptions& options, std::int64_t k,
                      Progress& progress);
Ranking rank_d2(const Examples& examples, const SelectOptions& options, Progress& progress);

}  // namespace winnow::selection
