#include "selection/policies.hpp"

#include <fmt/format.h>

#include <cmath>

#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::selection {

void require_finite(MatrixView<const float> rows, const char* name, Progress& progress) {
  const auto is_bad = [](float value) { return !std::isfinite(value); };
  const std::int64_t row = first_where(rows.rows(), progress, [&](std::int64_t i) {
    return std::any_of(rows.row(i).begin(), rows.row(i).end(), is_bad);
  });
  if (row == rows.rows()) return;
  const auto values = rows.row(row);
  const auto bad = std::find_if(values.begin(), values.end(), is_bad);
  throw NonFiniteInput(fmt::format("{}: row {} column {} is {}; expected finite values", name, row,
                                   bad - values.begin(), *bad));
}

Ranking rank(const Examples& examples, const SelectOptions& options, std::int64_t k,
             Progress& progress) {
  switch (options.policy) {
    case Policy::hard:
      return {.keys = descending_keys(examples.scores, progress)};
    case Policy::easy:
      return {.keys = ascending_keys(examples.scores, progress)};
    case Policy::random:
      return {.keys = random_keys(static_cast<std::int64_t>(examples.scores.size()), options.seed,
                                  "select-random")};
    case Policy::moderate:
      return rank_moderate(examples, progress);
    case Policy::stratified:
      return rank_stratified(examples, options, k, progress);
    case Policy::density:
      return rank_density(examples, options, k, progress);
    case Policy::d2:
      return rank_d2(examples, options, progress);
    case Policy::balanced:
      return rank_balanced(examples, options, k, progress);
  }
  throw InvalidArgument("policy: not one of those there are");
}

}  // namespace winnow::selection
