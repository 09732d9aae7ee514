#include "report/assets.hpp"

#include "winnow/report/report.hpp"

// Defined by the assembly file that assets.cmake generates: NAME points to the first byte of a
// file, NAME_end past its last.
#define WINNOW_ASSET(name) extern "C" const char winnow_asset_##name[], winnow_asset_##name##_end[]
WINNOW_ASSET(report_css);
WINNOW_ASSET(report_js);
#if WINNOW_REPORT_PLOTS
WINNOW_ASSET(vega);
WINNOW_ASSET(vega_lite);
WINNOW_ASSET(vega_embed);
WINNOW_ASSET(licence);
#endif

namespace winnow::report {

namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

#if WINNOW_REPORT_PLOTS
/// Without the pointer to a source map, which developer tools would try to fetch.
std::string_view without_source_map(std::string_view script) {
  return script.substr(0, script.rfind("//# sourceMappingURL="));
}
#endif

}  // namespace

std::string_view style_sheet() {
  return between(winnow_asset_report_css, winnow_asset_report_css_end);
}

std::string_view page_script() {
  return between(winnow_asset_report_js, winnow_asset_report_js_end);
}

#if WINNOW_REPORT_PLOTS

bool plots_available() { return true; }

std::vector<std::string_view> plot_libraries() {
  return {without_source_map(between(winnow_asset_vega, winnow_asset_vega_end)),
          without_source_map(between(winnow_asset_vega_lite, winnow_asset_vega_lite_end)),
          without_source_map(between(winnow_asset_vega_embed, winnow_asset_vega_embed_end))};
}

std::string_view plot_licence() { return between(winnow_asset_licence, winnow_asset_licence_end); }

#else

bool plots_available() { return false; }

std::vector<std::string_view> plot_libraries() { return {}; }

std::string_view plot_licence() { return {}; }

#endif

}  // namespace winnow::report
