#pragma once

#include <limits>
#include <span>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/theory/setting.hpp"
#include "winnow/theory/solve.hpp"

namespace winnow::theory {

/// Between which keep fractions a frontier looks.
struct FrontierLimits {
  double min_keep = 1e-4;
  double max_alpha_tot = 0.0;

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(
        self.min_keep,
        {.name = "min-keep", .help = "Smallest keep fraction to consider.", .min = 1e-4, .max = 1});
    visit(self.max_alpha_tot, {.name = "max-alpha-tot",
                               .help = "Most examples per parameter there are; 0: no end.",
                               .min = 0});
  }
};

/// The keep fraction of least error at one alpha_prune.
struct FrontierPoint {
  Solution best;
  /// False where `best` lies at an end: all is kept, or the error falls all the way to the smallest
  /// fraction allowed.
  bool interior = false;
};

/// Least test error over keep fractions, for every number of kept examples (figures 1C and 2B).
///
///     f_opt(a) = argmin over f in [max(min_keep, a / max_alpha_tot), 1] of epsilon(f, a)
///
/// With a perfect probe and keep-hard there is no interior optimum from a = 2 on: epsilon
/// alpha_tot tends to a function G(a) of a alone, so that any limit on f or alpha_tot decides.
///
/// @param alphas  alpha_prune of each point, each in [1e-4, 1e7].
/// @return        [alphas] one point each; f_opt to about 1e-6 relative.
/// @throws InvalidArgument  options or alphas out of range, or a limit that leaves no fraction.
///
/// Parallel over alphas, same bits for any thread count. About 60 solutions a point.
///
/// Sorscher et al., NeurIPS 2022, sections 2 and A.5.
std::vector<FrontierPoint> frontier(const Setting& setting, std::span<const double> alphas,
                                    const FrontierLimits& limits, Progress& progress = silent());

/// The smallest useful keep fraction (figure 2C): where, below the best one, the error is twice
/// the best.
struct SmallestKeep {
  Solution best;       ///< At the best fraction.
  Solution smallest;   ///< At the smallest useful one.
  bool found = false;  ///< False when no fraction down to 1e-4 doubles the error.
};
std::vector<SmallestKeep> smallest_keep(const Setting& setting, std::span<const double> alphas,
                                        Progress& progress = silent());

/// Solutions over a grid, [keeps * alphas] with alphas running fastest, each started from the one
/// before. `alphas` are alpha_tot or alpha_prune.
enum class Alpha { total, kept };
std::vector<Solution> curves(const Setting& setting, Alpha kind, std::span<const double> alphas,
                             std::span<const double> keeps, Progress& progress = silent());

}  // namespace winnow::theory
