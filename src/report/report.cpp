#include "winnow/report/report.hpp"

#include <fmt/format.h>

#include <utility>

#include "report/assets.hpp"
#include "report/html.hpp"
#include "report/run_data.hpp"
#include "report/sections.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::report {

namespace fs = std::filesystem;

namespace {

void append_section(Html& html, const Section& section) {
  html.markup(fmt::format("<section id=\"{}\">\n", escape(section.id)));
  html.element("h2", section.title).markup("\n").markup(section.html).markup("</section>\n");
}

/// Sections of one run that have something to show, in page order.
std::vector<Section> sections_of(RunData& run, PageState& page) {
  // Galleries first: they may find more to warn of.
  Section by_class = class_gallery(run, page);
  Section by_cluster = cluster_gallery(run, page);
  std::vector<Section> sections;
  const auto add = [&](Section section) {
    if (!section.html.empty()) sections.push_back(std::move(section));
  };
  add(summary_section(run, page));
  add(warnings_section(run, page));
  add(errors_section(run, page));
  add(theory_section(run, page));
  add(classes_section(run, page));
  add(scores_section(run, page));
  add(std::move(by_class));
  add(std::move(by_cluster));
  add(provenance_section(run, page));
  return sections;
}

void append_head(Html& html, const std::string& title) {
  html.markup(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      // The browser itself keeps the page from asking the network for anything.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'\">\n");
  html.element("title", title).markup("\n<style>\n").markup(style_sheet());
  html.markup("</style>\n</head>\n<body>\n");
}

void append_navigation(Html& html, const std::vector<Section>& sections) {
  html.markup("<nav aria-label=\"Sections\">");
  for (const auto& section : sections) {
    html.markup(fmt::format("<a href=\"#{}\">", escape(section.id))).text(section.title);
    html.markup("</a>");
  }
  html.markup("</nav>\n");
}

void append_foot(Html& html) {
  html.markup("<footer><p>").text(fmt::format("Made by winnow {}.", version()));
  if (plots_available()) {
    html.text(" Plots by Vega, Vega-Lite and vega-embed.");
  } else {
    html.text(
        " This build of winnow has no plotting libraries, so tables stand where plots would: "
        "install npm, build again, and repeat the report.");
  }
  html.markup("</p></footer>\n");
  if (plots_available()) {
    html.markup("<!-- Vega, Vega-Lite, vega-embed:\n").text(plot_licence()).markup("-->\n");
  }
  for (const std::string_view library : plot_libraries()) {
    html.markup("<script>").markup(library).markup("</script>\n");
  }
  html.markup("<script>\n").markup(page_script()).markup("</script>\n</body>\n</html>\n");
}

std::string page_title(const std::vector<RunData>& runs) {
  if (runs.size() == 1) return runs.front().title();
  return fmt::format("{} runs", runs.size());
}

void append_runs(Html& html, std::vector<RunData>& runs, PageState& page, Progress& progress) {
  const Section comparison = comparison_section(runs);
  if (!comparison.html.empty()) append_section(html, comparison);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    progress.throw_if_cancelled();
    if (runs.size() > 1) {
      page.prefix = fmt::format("run-{}-", i + 1);
      html.markup("<header class=\"run\">").element("h1", runs[i].title());
      html.element("p", runs[i].folder.string()).markup("</header>\n");
    }
    const auto sections = sections_of(runs[i], page);
    append_navigation(html, sections);
    for (const auto& section : sections) append_section(html, section);
    progress.advance(1);
  }
}

}  // namespace

ReportSummary write_report(const std::vector<fs::path>& folders, const fs::path& out,
                           const ReportOptions& options, Progress& progress) {
  options.validate();
  if (folders.empty()) {
    throw InvalidArgument("report: no run folders given; expected one or more");
  }
  std::vector<RunData> runs;
  for (const auto& folder : folders) {
    progress.throw_if_cancelled();
    runs.push_back(load_run(folder, options.data, progress));
  }
  progress.stage("report", static_cast<std::int64_t>(runs.size()), "runs");
  ReportSummary summary;
  PageState page{.options = options, .plots = plots_available(), .prefix = "", .summary = summary};
  Html html;
  const std::string title = page_title(runs);
  append_head(html, "winnow report: " + title);
  html.markup("<header class=\"page\"><p>winnow report</p>").element("h1", title);
  html.markup("</header>\n<main>\n");
  append_runs(html, runs, page, progress);
  html.markup("</main>\n");
  append_foot(html);
  write_file(out, html.str());
  summary.path = out;
  summary.bytes = static_cast<std::int64_t>(html.str().size());
  progress.done(fmt::format("{} plots, {} images", summary.plots, summary.images));
  return summary;
}

}  // namespace winnow::report
