#pragma once

#include <string_view>
#include <vector>

namespace winnow::report {

/// The page's own style sheet and script, inlined in the library when it was built.
std::string_view style_sheet();
std::string_view page_script();

/// vega, vega-lite and vega-embed in the order in which they must run; empty in a build without
/// plots.
std::vector<std::string_view> plot_libraries();
/// Their licence; "" in a build without plots.
std::string_view plot_licence();

}  // namespace winnow::report
