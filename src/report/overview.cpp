#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "report/format.hpp"
#include "report/html.hpp"
#include "report/sections.hpp"

namespace winnow::report {

namespace {

struct Tile {
  std::string value;
  std::string label;
  std::string remark;
};

std::string policy_words(const std::string& policy) {
  if (policy == "hard") return "the hardest";
  if (policy == "easy") return "the easiest";
  if (policy == "random") return "a random";
  return fmt::format("by policy '{}'", policy);
}

std::string metric_words(const RunData& run) {
  const std::string metric = run.setting("metric");
  const std::string clusters = run.setting("clusters");
  if (metric == "self-prototypes") {
    return clusters.empty()
               ? "how far each lies from the nearest cluster centre"
               : fmt::format("how far each lies from the nearest of {} cluster centres", clusters);
  }
  if (metric == "supervised-prototypes") return "how far each lies from the mean of its class";
  if (metric == "random") return "chance";
  return metric.empty() ? "a given score" : fmt::format("the metric '{}'", metric);
}

std::string scored_sentence(const RunData& run) {
  std::string text = fmt::format("{} of {} were scored by {}", plural(run.n_examples(), "example"),
                                 run.title(), metric_words(run));
  const std::string encoder = run.setting("encoder");
  if (!encoder.empty()) text += fmt::format(" in the {} embedding", encoder);
  return text + "; a larger score is harder.";
}

std::string kept_sentence(const RunData& run) {
  const auto n = static_cast<double>(run.n_examples());
  const std::string policy = run.setting("policy");
  std::string share =
      n > 0 ? format_share(std::round(static_cast<double>(run.n_kept()) / n * 1e4) / 1e4) : "";
  std::string text = fmt::format("Kept: {}", plural(run.n_kept(), "example"));
  if (!policy.empty() && !share.empty()) {
    text += fmt::format(", {} {}", policy_words(policy), share);
  }
  if (const auto balance = json_number(run.keep_meta, "class_balance"); balance && *balance > 0.0) {
    text += fmt::format("; class balance grants every class at least {} of its fair share",
                        format_share(*balance));
  }
  return text + ".";
}

std::vector<Tile> tiles_of(const RunData& run) {
  std::vector<Tile> tiles;
  const std::int64_t n = run.n_examples();
  if (n > 0) tiles.push_back({format_count(n), "examples", ""});
  if (run.keep) {
    tiles.push_back(
        {format_count(run.n_kept()), "kept",
         n > 0 ? format_percent(static_cast<double>(run.n_kept()) / static_cast<double>(n)) +
                     " of all"
               : ""});
  }
  const Json knn = json_member(run.info.results, "knn");
  if (const auto accuracy = json_number(knn, "encoder")) {
    const auto pixels = json_number(knn, "pixels");
    tiles.push_back({format_percent(*accuracy), "nearest-neighbour accuracy",
                     pixels ? "raw pixels " + format_percent(*pixels) : ""});
  }
  double total = 0.0;
  const Json seconds = json_member(run.info.results, "seconds");
  for (const auto& [stage, value] : seconds.items()) {
    if (value.is_number()) total += value.get<double>();
  }
  if (total > 0.0) tiles.push_back({format_seconds(total), "run time", ""});
  return tiles;
}

void append_tiles(Html& html, const std::vector<Tile>& tiles) {
  if (tiles.empty()) return;
  html.markup("<ul class=\"tiles\">\n");
  for (const auto& tile : tiles) {
    html.markup("<li>").element("strong", tile.value).element("span", tile.label);
    if (!tile.remark.empty()) html.element("small", tile.remark);
    html.markup("</li>\n");
  }
  html.markup("</ul>\n");
}

/// One line a model: who won at which keep fraction.
void append_outcome(Html& html, const std::vector<Cell>& cells, const std::string& model) {
  std::vector<std::string> briefs;
  for (const auto& verdict : verdicts(cells, model)) briefs.push_back(verdict.brief);
  if (briefs.empty()) return;
  html.markup("<p>Test error of ").element("b", model);
  html.text(fmt::format(": {}.", fmt::join(briefs, "; "))).markup("</p>\n");
}

void append_command(Html& html, const std::vector<std::string>& command) {
  if (command.empty()) return;
  std::vector<std::string> words;
  words.reserve(command.size());
  for (const auto& word : command) words.push_back(shell_word(word));
  html.markup(
          "<div class=\"command\"><pre tabindex=\"0\" aria-label=\"Command to repeat this "
          "run\"><code>")
      .text(fmt::format("{}", fmt::join(words, " ")))
      .markup("</code></pre></div>\n");
}

/// Leaves of nested objects as "a.b" -> text.
void flatten(const Json& json, const std::string& prefix, Table& table) {
  for (const auto& [name, value] : json.items()) {
    const std::string path = prefix.empty() ? name : fmt::format("{}.{}", prefix, name);
    if (value.is_object()) {
      flatten(value, path, table);
    } else {
      table.rows.push_back({path, json_text(value)});
    }
  }
}

Table flat_table(const std::string& caption, const char* key, const Json& json) {
  Table table{.caption = caption, .columns = {{key, false}, {"value", false}}, .rows = {}};
  if (json.is_object()) flatten(json, "", table);
  return table;
}

void append_if_any(Html& html, const Table& table) {
  if (table.rows.empty()) return;
  html.markup("<details><summary>").text(table.caption).markup("</summary>");
  append_table(html, table);
  html.markup("</details>\n");
}

Table time_table(const Json& seconds) {
  Table table{.caption = "Time", .columns = {{"stage", false}, {"time"}}, .rows = {}};
  for (const auto& [stage, value] : seconds.items()) {
    if (value.is_number()) table.rows.push_back({stage, format_seconds(value.get<double>())});
  }
  return table;
}

/// The lowest mean test error of a run's pruned subsets, e.g. "hard 50 %: 9.12 %".
std::string best_error(const RunData& run) {
  const auto cells = summarise(run.trainings);
  const Cell* best = nullptr;
  for (const auto& cell : cells) {
    if (cell.policy != "full" && (best == nullptr || cell.mean < best->mean)) best = &cell;
  }
  if (best == nullptr) return "";
  return fmt::format("{} ({}, {} {})", format_error_rate(best->mean, best->standard_error),
                     best->model, best->policy, format_share(best->keep));
}

}  // namespace

Section summary_section(const RunData& run, PageState& page) {
  Html html;
  append_tiles(html, tiles_of(run));
  if (!run.scores.empty()) html.element("p", scored_sentence(run));
  if (run.keep) html.element("p", kept_sentence(run));
  const auto cells = summarise(run.trainings);
  for (const auto& model : model_names(cells)) append_outcome(html, cells, model);
  if (run.scores.empty() && !run.keep && cells.empty()) {
    html.element("p", run.info.kind == "theory"
                          ? "Statistical mechanics of pruned perceptron learning: what an ideal "
                            "student would lose or gain."
                          : fmt::format("A run of kind '{}'.", run.info.kind));
    const Table results = flat_table("Results", "result", run.info.results);
    if (!results.rows.empty()) append_table(html, results);
  }
  append_command(html, run.info.command);
  return {.id = page.prefix + "summary", .title = "Summary", .html = html.str()};
}

Section provenance_section(const RunData& run, PageState& page) {
  Html html;
  Table facts{.caption = "Provenance", .columns = {{"what", false}, {"value", false}}, .rows = {}};
  facts.rows.push_back({"run folder", run.folder.string()});
  facts.rows.push_back({"kind", run.info.kind});
  facts.rows.push_back({"dataset fingerprint", run.fingerprint.text()});
  if (!run.winnow_version.empty()) facts.rows.push_back({"run by", "winnow " + run.winnow_version});
  facts.rows.push_back({"report by", std::string("winnow ") + version()});
  append_table(html, facts);
  Table inputs{.caption = "Inputs", .columns = {{"file", false}, {"hash", false}}, .rows = {}};
  for (const auto& input : run.info.inputs) inputs.rows.push_back({input.path, input.hash});
  append_if_any(html, inputs);
  append_if_any(html, flat_table("Options", "option", run.info.options));
  append_if_any(html, time_table(json_member(run.info.results, "seconds")));
  append_if_any(html, flat_table("All recorded results", "result", run.info.results));
  return {.id = page.prefix + "provenance", .title = "Provenance", .html = html.str()};
}

Section comparison_section(const std::vector<RunData>& runs) {
  Section section{.id = "comparison", .title = "Runs compared", .html = ""};
  if (runs.size() < 2) return section;
  Table table{.caption = "Main numbers of each run",
              .columns = {{"run", false},
                          {"data", false},
                          {"metric", false},
                          {"policy", false},
                          {"examples"},
                          {"kept"},
                          {"nearest neighbours"},
                          {"lowest test error", false}},
              .rows = {}};
  for (const auto& run : runs) {
    const auto knn = json_number(json_member(run.info.results, "knn"), "encoder");
    table.rows.push_back({run.folder.string(), run.setting("data"), run.setting("metric"),
                          run.setting("policy"),
                          run.n_examples() > 0 ? format_count(run.n_examples()) : "",
                          run.keep ? format_count(run.n_kept()) : "",
                          knn ? format_percent(*knn) : "", best_error(run)});
  }
  Html html;
  append_table(html, table);
  section.html = html.str();
  return section;
}

}  // namespace winnow::report
