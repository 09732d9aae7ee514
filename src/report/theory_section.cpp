#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "report/format.hpp"
#include "report/html.hpp"
#include "report/sections.hpp"
#include "winnow/io/csv.hpp"

namespace winnow::report {

namespace {

constexpr int plot_height = 320;
constexpr int axes_and_legend = 90;
constexpr double percent = 100.0;
/// As many lines as a legend can tell apart.
constexpr std::size_t most_lines = 8;

/// What a table is drawn as: known by its columns, whatever its name.
struct Look {
  std::vector<const char*> needs;  ///< Columns that make it this one.
  const char* title;
  const char* x;
  const char* x_title;
  const char* y;
  const char* y_title;
  const char* line;  ///< One line per value; "" for a map of `best`.
  const char* line_title;
  bool log_y;
  const char* panel;  ///< One plot per value, or "".
  const char* caption;
};

// The first that fits counts.
const Look looks[] = {
    {{"alpha_tot", "keep", "best"},
     "Where hard, easy or random wins",
     "alpha_tot",
     "examples per parameter before pruning",
     "keep",
     "share kept",
     "best",
     "best policy",
     false,
     "probe_angle",
     "The policy of least test error for every amount of data and share kept."},
    {{"alpha_prune", "information"},
     "Information per example",
     "alpha_prune",
     "examples kept per parameter",
     "information",
     "information per example kept (nats)",
     "keep",
     "share kept",
     true,
     "",
     "What an example tells about the teacher, exact replica-symmetric solution."},
    {{"probe_angle", "smallest_keep"},
     "Smallest useful share",
     "probe_angle",
     "angle between probe and teacher (degrees)",
     "smallest_keep",
     "smallest useful share",
     "alpha_prune",
     "examples kept per parameter",
     true,
     "",
     "Where keeping less doubles the error of the best share."},
    {{"alpha_prune", "epsilon", "min_keep", "interior"},
     "Least error for what is kept",
     "alpha_prune",
     "examples kept per parameter",
     "epsilon",
     "test error (%)",
     "min_keep",
     "smallest share allowed",
     true,
     "probe_angle",
     "The least error over shares kept, for every number of kept examples."},
    {{"alpha_prune", "epsilon", "interior"},
     "Least error for what is kept",
     "alpha_prune",
     "examples kept per parameter",
     "epsilon",
     "test error (%)",
     "probe_angle",
     "probe angle (degrees)",
     true,
     "",
     "The least error over shares kept, for every number of kept examples."},
    {{"alpha_tot", "epsilon", "keep", "kappa"},
     "Error against the amount of data",
     "alpha_tot",
     "examples per parameter before pruning",
     "epsilon",
     "test error (%)",
     "keep",
     "share kept",
     true,
     "probe_angle",
     "Test error at fixed shares kept."},
};

std::optional<double> number_in(const std::string& text) {
  double value = 0.0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

bool has_column(const io::CsvTable& table, const std::string& name) {
  return std::find(table.header.begin(), table.header.end(), name) != table.header.end();
}

const Look* look_of(const io::CsvTable& table) {
  for (const Look& look : looks) {
    const bool fits = std::all_of(look.needs.begin(), look.needs.end(),
                                  [&](const char* name) { return has_column(table, name); });
    if (fits) return &look;
  }
  return nullptr;
}

double shown(const Look& look, double y) {
  return std::string_view(look.y) == "epsilon" ? percent * y : y;
}

/// Values of the column that tells lines apart: all, or ones spread evenly when there are many.
std::set<std::string> shown_lines(const io::CsvTable& table, std::size_t column) {
  std::vector<std::string> all;
  for (const auto& row : table.rows) {
    if (std::find(all.begin(), all.end(), row[column]) == all.end()) all.push_back(row[column]);
  }
  std::set<std::string> found;
  const std::size_t count = std::min(all.size(), most_lines);
  for (std::size_t i = 0; i < count; ++i) {
    found.insert(all[count == 1 ? 0 : i * (all.size() - 1) / (count - 1)]);
  }
  return found;
}

Json axis(const char* field, const char* title, bool log) {
  Json channel = {{"field", field}, {"type", "quantitative"}, {"title", title}};
  if (log) channel["scale"] = {{"type", "log"}, {"nice", false}};
  channel["axis"] = {{"format", ".4~g"}, {"labelOverlap", true}, {"tickCount", 8}};
  return channel;
}

/// Points of one panel, [x, y, line], and their figure's data table.
struct Panel {
  Json rows = Json::array();
  Table data;
};

/// By the value of the panel's column, in order of appearance.
std::vector<std::pair<std::string, Panel>> panels_of(const io::CsvTable& table, const Look& look) {
  const std::size_t x = table.column(look.x);
  const std::size_t y = table.column(look.y);
  const std::size_t line = table.column(look.line);
  const auto lines = shown_lines(table, line);
  std::vector<std::pair<std::string, Panel>> panels;
  for (const auto& row : table.rows) {
    const std::string name = *look.panel == '\0' ? "" : row[table.column(look.panel)];
    auto at = std::find_if(panels.begin(), panels.end(),
                           [&](const auto& entry) { return entry.first == name; });
    if (at == panels.end()) {
      at = panels.insert(panels.end(), {name, {}});
      at->second.data.columns = {{look.x_title}, {look.y_title}, {look.line_title}};
    }
    Panel& panel = at->second;
    const auto x_value = number_in(row[x]);
    const auto y_value = number_in(row[y]);
    if (!x_value || !y_value || !lines.contains(row[line])) continue;
    panel.rows.push_back({{"x", *x_value}, {"y", shown(look, *y_value)}, {"line", row[line]}});
    panel.data.rows.push_back(
        {format_number(*x_value), format_number(shown(look, *y_value)), row[line]});
  }
  return panels;
}

Json map_spec(const Look& look, const Panel& panel) {
  Json color = {{"field", "line"}, {"type", "nominal"}};
  color["scale"] = {{"domain", {"hard", "easy", "random"}},
                    {"range", {"var(--hard)", "var(--easy)", "var(--random)"}}};
  color["legend"] = {{"title", nullptr}, {"orient", "top"}};
  return {{"width", "container"},
          {"height", plot_height},
          {"data", {{"values", panel.rows}}},
          {"mark", {{"type", "point"}, {"filled", true}, {"size", 40}, {"opacity", 1}}},
          {"encoding",
           {{"x", axis("x", look.x_title, true)},
            {"y", axis("y", look.y_title, false)},
            {"color", color},
            {"shape",
             {{"field", "line"},
              {"type", "nominal"},
              {"scale",
               {{"domain", {"hard", "easy", "random"}},
                {"range", {"triangle-up", "circle", "square"}}}}}}}}};
}

Json lines_spec(const Look& look, const Panel& panel, const Json& simulated) {
  Json color = {{"field", "line"}, {"type", "ordinal"}, {"sort", nullptr}};
  color["scale"] = {{"scheme", "viridis"}};
  color["legend"] = {{"title", look.line_title}, {"orient", "top"}, {"columns", 8}};
  const bool log_x = std::string_view(look.x) != "probe_angle";
  const Json encoding = {{"x", axis("x", look.x_title, log_x)},
                         {"y", axis("y", look.y_title, look.log_y)},
                         {"color", color},
                         {"tooltip",
                          {{{"field", "line"}, {"title", look.line_title}},
                           {{"field", "x"}, {"title", look.x_title}, {"format", ".4~g"}},
                           {{"field", "y"}, {"title", look.y_title}, {"format", ".4~g"}}}}};
  Json layers = Json::array();
  layers.push_back({{"data", {{"values", panel.rows}}},
                    {"mark", {{"type", "line"}, {"strokeWidth", 2}, {"point", {{"size", 12}}}}},
                    {"encoding", encoding}});
  if (!simulated.empty()) {
    Json bars = encoding;
    bars["y"] = {{"field", "low"}, {"type", "quantitative"}};
    bars["y2"] = {{"field", "high"}};
    layers.push_back({{"data", {{"values", simulated}}},
                      {"mark", {{"type", "rule"}, {"strokeWidth", 2}}},
                      {"encoding", bars}});
    layers.push_back({{"data", {{"values", simulated}}},
                      {"mark", {{"type", "point"}, {"filled", true}, {"size", 60}}},
                      {"encoding", encoding}});
  }
  return {{"width", "container"}, {"height", plot_height}, {"layer", layers}};
}

/// Simulated points of one panel with bars of one standard error, of the lines drawn.
Json simulated_rows(const io::CsvTable& table, const std::string& angle,
                    const std::set<std::string>& lines) {
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    if (row[table.column("probe_angle")] != angle) continue;
    if (!lines.contains(row[table.column("keep")])) continue;
    const auto x = number_in(row[table.column("alpha_tot")]);
    const auto y = number_in(row[table.column("epsilon")]);
    const auto error = number_in(row[table.column("standard_error")]);
    if (!x || !y || !error) continue;
    rows.push_back({{"x", *x},
                    {"y", percent * *y},
                    {"low", percent * std::max(*y - *error, 1e-6)},
                    {"high", percent * (*y + *error)},
                    {"line", row[table.column("keep")]}});
  }
  return rows;
}

}  // namespace

Section theory_section(const RunData& run, PageState& page) {
  Section section{.id = page.prefix + "theory", .title = "Theory", .html = ""};
  if (run.info.kind != "theory") return section;
  Html html;
  const auto& files = run.info.files;
  for (const auto& file : files) {
    if (!file.ends_with(".csv") || file.ends_with("_simulation.csv")) continue;
    if (file.find('/') != std::string::npos) continue;  // run.json may name its own files only
    const auto table = io::read_csv(run.folder / file);
    const Look* look = look_of(table);
    if (look == nullptr) continue;
    const std::string stem = file.substr(0, file.size() - 4);
    const std::string simulation = stem + "_simulation.csv";
    std::optional<io::CsvTable> simulated;
    if (std::find(files.begin(), files.end(), simulation) != files.end()) {
      simulated = io::read_csv(run.folder / simulation);
    }
    html.element("h3", fmt::format("{} ({})", look->title, stem)).markup("\n");
    int count = 0;
    for (auto& [angle, panel] : panels_of(table, *look)) {
      const Json points = simulated ? simulated_rows(*simulated, angle,
                                                     shown_lines(table, table.column(look->line)))
                                    : Json::array();
      const bool is_map = std::string_view(look->line) == "best";
      const std::string where =
          angle.empty() ? "" : fmt::format(" Probe {} degrees from the teacher.", angle);
      panel.data.caption = look->title + where;
      append_figure(html,
                    {.id = fmt::format("{}figure-{}-{}", page.prefix, stem, count++),
                     .spec = is_map ? map_spec(*look, panel) : lines_spec(*look, panel, points),
                     .height = plot_height + axes_and_legend,
                     .alternative = look->title + where,
                     .caption = look->caption + where +
                                (points.empty() ? "" : " Points with error bars: simulations."),
                     .data = std::move(panel.data)},
                    page.plots);
      page.summary.plots += page.plots ? 1 : 0;
    }
  }
  section.html = html.str();
  return section;
}

}  // namespace winnow::report
