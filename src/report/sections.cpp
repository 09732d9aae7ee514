#include "report/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/distribution.hpp"
#include "report/format.hpp"
#include "report/html.hpp"
#include "report/plots.hpp"

namespace winnow::report {

namespace {

constexpr std::size_t plotted_class_limit = 60;

std::string figure_id(const PageState& page, const std::string& name) {
  return page.prefix + "figure-" + name;
}

void add_figure(Html& html, PageState& page, const std::string& name, Plot plot,
                const std::string& alternative, const std::string& caption, Table data) {
  append_figure(html,
                {.id = figure_id(page, name),
                 .spec = std::move(plot.spec),
                 .height = plot.height,
                 .alternative = alternative,
                 .caption = caption,
                 .data = std::move(data)},
                page.plots);
  page.summary.plots += page.plots ? 1 : 0;
}

Table class_table(const std::vector<ClassCount>& classes, double n_before, double n_kept) {
  Table table{.caption = "Examples per class before and after pruning",
              .columns = {{"class", false},
                          {"before"},
                          {"kept"},
                          {"share kept"},
                          {"of all before"},
                          {"of all kept"}},
              .rows = {}};
  const bool balanced = std::any_of(classes.begin(), classes.end(), [](const ClassCount& entry) {
    return entry.kept_without_balance.has_value();
  });
  if (balanced) table.columns.push_back({"kept without balance"});
  const auto share = [](std::int64_t part, double whole) {
    return whole > 0 ? format_percent(static_cast<double>(part) / whole) : "";
  };
  for (const auto& entry : classes) {
    std::vector<std::string> row = {entry.name,
                                    format_count(entry.before),
                                    format_count(entry.kept),
                                    format_percent(entry.kept_fraction()),
                                    share(entry.before, n_before),
                                    share(entry.kept, n_kept)};
    if (balanced) {
      row.push_back(entry.kept_without_balance ? format_count(*entry.kept_without_balance) : "");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// All classes, or those that keep the least and the most when there are too many for a plot.
std::vector<ClassCount> plotted_classes(std::vector<ClassCount> classes) {
  if (classes.size() <= plotted_class_limit) return classes;
  std::stable_sort(classes.begin(), classes.end(), [](const ClassCount& a, const ClassCount& b) {
    return a.kept_fraction() < b.kept_fraction();
  });
  constexpr auto half = static_cast<std::ptrdiff_t>(plotted_class_limit / 2);
  classes.erase(classes.begin() + half, classes.end() - half);
  return classes;
}

Table histogram_table(const std::vector<Bin>& bins, bool has_selection) {
  Table table{.caption = "Examples per score bin",
              .columns = {{"score from", true}, {"to"}, {has_selection ? "kept" : "examples"}},
              .rows = {}};
  if (has_selection) table.columns.push_back({"dropped"});
  for (const auto& bin : bins) {
    table.rows.push_back({format_number(bin.low), format_number(bin.high), format_count(bin.kept)});
    if (has_selection) table.rows.back().push_back(format_count(bin.dropped));
  }
  return table;
}

std::vector<NamedSpread> class_spreads(const RunData& run) {
  std::vector<std::vector<double>> scores(run.class_names.size());
  for (std::size_t i = 0; i < run.labels.size(); ++i) {
    scores[static_cast<std::size_t>(run.labels[i])].push_back(run.scores[i]);
  }
  std::vector<NamedSpread> spreads;
  for (std::size_t c = 0; c < scores.size(); ++c) {
    if (scores[c].empty()) continue;
    const auto size = static_cast<std::int64_t>(scores[c].size());
    spreads.push_back(
        {.name = run.class_names[c], .size = size, .spread = spread_of(std::move(scores[c]))});
  }
  return spreads;
}

Table spread_table(const std::vector<NamedSpread>& spreads) {
  Table table{
      .caption = "Scores per class",
      .columns =
          {{"class", false}, {"examples"}, {"5 %"}, {"25 %"}, {"median"}, {"75 %"}, {"95 %"}},
      .rows = {}};
  for (const auto& entry : spreads) {
    const Spread& spread = entry.spread;
    table.rows.push_back({entry.name, format_count(entry.size), format_number(spread.p5),
                          format_number(spread.p25), format_number(spread.median),
                          format_number(spread.p75), format_number(spread.p95)});
  }
  return table;
}

void add_class_spreads(Html& html, const RunData& run, PageState& page) {
  if (run.labels.empty()) return;
  auto spreads = class_spreads(run);
  Table table = spread_table(spreads);
  std::string caption =
      "Scores by class: line from 5 to 95 % of the class's examples, box from 25 to 75 %, mark at "
      "the median.";
  if (spreads.size() > plotted_class_limit) {
    std::stable_sort(spreads.begin(), spreads.end(),
                     [](const auto& a, const auto& b) { return a.size > b.size; });
    spreads.resize(plotted_class_limit);
    caption += fmt::format(" The plot shows the {} largest of {} classes, the table all.",
                           plotted_class_limit, table.rows.size());
  }
  add_figure(html, page, "spread", spread_plot(spreads, run.cut()),
             "Spread of the difficulty score in each class", caption, std::move(table));
}

Table error_table(const std::vector<Cell>& cells, const std::string& model) {
  Table table{.caption = "Test errors of " + model,
              .columns = {{"policy", false},
                          {"kept"},
                          {"examples"},
                          {"seeds"},
                          {"test error"},
                          {"standard error"},
                          {"train error"}},
              .rows = {}};
  for (const auto& cell : cells) {
    if (cell.model != model) continue;
    table.rows.push_back(
        {cell.policy, format_share(cell.keep), cell.n_train > 0 ? format_count(cell.n_train) : "",
         format_count(static_cast<std::int64_t>(cell.test_errors.size())),
         format_error_rate(cell.mean, std::nan("")),
         std::isfinite(cell.standard_error) ? format_points(cell.standard_error) : "",
         std::isfinite(cell.train_mean) ? format_error_rate(cell.train_mean, std::nan("")) : ""});
  }
  return table;
}

std::string error_caption(const std::vector<Cell>& cells, const std::string& model) {
  std::size_t fewest = SIZE_MAX;
  std::size_t most = 0;
  bool full = false;
  for (const auto& cell : cells) {
    if (cell.model != model) continue;
    fewest = std::min(fewest, cell.test_errors.size());
    most = std::max(most, cell.test_errors.size());
    full |= cell.policy == "full";
  }
  const std::string seeds = fewest == most ? plural(static_cast<std::int64_t>(most), "seed")
                                           : fmt::format("{} to {} seeds", fewest, most);
  std::string caption = most == 1
                            ? "Test error of a single seed each."
                            : fmt::format(
                                  "Test error: mean over {} with ±1 standard error; faint dots are "
                                  "single seeds.",
                                  seeds);
  if (full) caption += " The line is training on all data.";
  return caption + " The axis does not start at zero.";
}

}  // namespace

Section warnings_section(const RunData& run, PageState& page) {
  Section section{.id = page.prefix + "warnings", .title = "Warnings", .html = ""};
  if (run.warnings.empty()) return section;
  Html html;
  html.markup("<ul class=\"warnings\">\n");
  for (const auto& warning : run.warnings) {
    html.element("li", warning).markup("\n");
    page.summary.warnings.push_back(warning);
  }
  html.markup("</ul>\n");
  section.html = html.str();
  return section;
}

Section classes_section(const RunData& run, PageState& page) {
  Section section{.id = page.prefix + "classes", .title = "Kept per class", .html = ""};
  if (run.classes.empty()) return section;
  double n_before = 0.0;
  double n_kept = 0.0;
  for (const auto& entry : run.classes) {
    n_before += static_cast<double>(entry.before);
    n_kept += static_cast<double>(entry.kept);
  }
  const auto by_fraction = [](const ClassCount& a, const ClassCount& b) {
    return a.kept_fraction() < b.kept_fraction();
  };
  const auto [least, most] =
      std::minmax_element(run.classes.begin(), run.classes.end(), by_fraction);
  Html html;
  html.element("p", fmt::format("{} keeps the least, {} of its examples; {} the most, {}. "
                                "The whole dataset keeps {}.",
                                least->name, format_percent(least->kept_fraction()), most->name,
                                format_percent(most->kept_fraction()),
                                format_percent(n_before > 0 ? n_kept / n_before : 0.0)));
  std::string caption =
      "Examples of each class before pruning and kept; the number is the share "
      "of the class that stays.";
  if (run.classes.size() > plotted_class_limit) {
    caption += fmt::format(
        " The plot shows the {} classes that keep the least and the {} that keep the most, of {}.",
        plotted_class_limit / 2, plotted_class_limit / 2, run.classes.size());
  }
  add_figure(html, page, "classes", class_plot(plotted_classes(run.classes)),
             "Bars of the examples of each class before pruning and kept", caption,
             class_table(run.classes, n_before, n_kept));
  section.html = html.str();
  return section;
}

Section scores_section(const RunData& run, PageState& page) {
  Section section{.id = page.prefix + "scores", .title = "Scores", .html = ""};
  if (run.scores.empty()) return section;
  const bool has_selection = run.keep.has_value();
  const auto bins = histogram(run.scores, run.kept_mask(), page.options.histogram_bins);
  const Spread spread = spread_of(run.scores);
  Html html;
  std::string text = fmt::format(
      "Half of the scores lie below {}; the middle 90 % lie between {} and {}.",
      format_number(spread.median), format_number(spread.p5), format_number(spread.p95));
  if (const auto cut = run.cut()) {
    text += fmt::format(" The cut is at {}", format_number(*cut));
    text += json_number(run.keep_meta, "class_balance").value_or(0.0) > 0.0
                ? "; class balance keeps some examples on the other side of it."
                : ".";
  }
  html.element("p", text);
  add_figure(html, page, "histogram", histogram_plot(bins, run.cut(), has_selection),
             "Histogram of the difficulty scores of all examples",
             has_selection ? "How many examples have which score, kept and dropped."
                           : "How many examples have which score.",
             histogram_table(bins, has_selection));
  add_class_spreads(html, run, page);
  section.html = html.str();
  return section;
}

Section errors_section(const RunData& run, PageState& page) {
  Section section{.id = page.prefix + "errors", .title = "Test errors", .html = ""};
  if (run.trainings.empty()) return section;
  const auto cells = summarise(run.trainings);
  const auto models = model_names(cells);
  Html html;
  for (std::size_t m = 0; m < models.size(); ++m) {
    html.element("h3", models[m]).markup("<ul>\n");
    for (const auto& verdict : verdicts(cells, models[m])) {
      html.element("li", verdict.full).markup("\n");
    }
    html.markup("</ul>\n");
    add_figure(html, page, fmt::format("errors-{}", m + 1), error_plot(cells, models[m]),
               "Test error of " + models[m] + " by share kept and policy",
               error_caption(cells, models[m]), error_table(cells, models[m]));
  }
  section.html = html.str();
  return section;
}

}  // namespace winnow::report
