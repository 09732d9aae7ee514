#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/distribution.hpp"
#include "report/evaluation.hpp"
#include "report/run_data.hpp"

namespace winnow::report {

// Vega-Lite specifications as wide as their container. Colours are custom properties of the page's
// style sheet (`var(--kept)`), so that light, dark and print need no second rendering.

/// A specification and the height in pixels that it will take, axes and legend included.
struct Plot {
  Json spec;
  int height = 0;
};

/// Kept inside before, one bar per class.
Plot class_plot(const std::vector<ClassCount>& classes);

/// Stacked histogram of kept and dropped examples with the cut.
Plot histogram_plot(const std::vector<Bin>& bins, std::optional<double> cut, bool has_selection);

/// Spread of one group, for spread_plot().
struct NamedSpread {
  std::string name;
  std::int64_t size = 0;
  Spread spread;
};

/// 5 to 95 % whiskers, quartile boxes and medians, one line per group, with the cut.
Plot spread_plot(const std::vector<NamedSpread>& groups, std::optional<double> cut);

/// Test error of one model against keep fraction and policy, with error bars and all seeds.
Plot error_plot(const std::vector<Cell>& cells, const std::string& model);

}  // namespace winnow::report
