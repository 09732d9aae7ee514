#include "report/plots.hpp"

#include <cmath>
#include <utility>

#include "report/format.hpp"

namespace winnow::report {

namespace {

constexpr int row_height = 26;   // pixels that a class takes
constexpr int axis_height = 46;  // x axis with its title
constexpr int legend_height = 30;

constexpr const char* class_spec = R"json({
  "width": "container",
  "data": {"values": []},
  "encoding": {
    "y": {"field": "class", "type": "nominal", "title": null, "sort": null,
          "axis": {"labelPadding": 8}},
    "tooltip": [
      {"field": "class", "title": "class"},
      {"field": "before", "title": "before", "format": ",d"},
      {"field": "kept", "title": "kept", "format": ",d"},
      {"field": "label", "title": "share kept"}
    ]
  },
  "layer": [
    {
      "mark": {"type": "bar", "height": {"band": 0.74}, "cornerRadiusEnd": 2},
      "encoding": {
        "x": {"field": "before", "type": "quantitative", "title": "examples",
              "axis": {"format": ",d", "tickCount": 5}},
        "color": {"datum": "before", "legend": {"title": null, "orient": "top"},
                  "scale": {"domain": ["before", "kept"],
                            "range": ["var(--before)", "var(--kept)"]}}
      }
    },
    {
      "mark": {"type": "bar", "height": {"band": 0.4}, "cornerRadiusEnd": 2},
      "encoding": {"x": {"field": "kept", "type": "quantitative"}, "color": {"datum": "kept"}}
    },
    {
      "mark": {"type": "text", "style": "value", "align": "left", "dx": 6},
      "encoding": {"x": {"field": "before", "type": "quantitative"}, "text": {"field": "label"}}
    }
  ]
})json";

constexpr const char* unbalanced_layer = R"json({
  "mark": {"type": "tick", "thickness": 3, "height": 18, "opacity": 1},
  "encoding": {"x": {"field": "unbalanced", "type": "quantitative"},
               "color": {"datum": "without balance"}}
})json";

constexpr const char* histogram_spec = R"json({
  "width": "container",
  "height": 260,
  "layer": [
    {
      "data": {"values": []},
      "mark": {"type": "bar", "binSpacing": 0.6, "color": "var(--kept)"},
      "encoding": {
        "x": {"field": "low", "type": "quantitative", "bin": {"binned": true},
              "title": "difficulty score (larger is harder)",
              "scale": {"zero": false, "nice": false}, "axis": {"grid": false, "tickCount": 8}},
        "x2": {"field": "high"},
        "y": {"field": "count", "type": "quantitative", "stack": "zero", "title": "examples",
              "axis": {"format": ",d", "tickCount": 5}},
        "tooltip": [
          {"field": "low", "title": "from", "format": ".4~g"},
          {"field": "high", "title": "to", "format": ".4~g"},
          {"field": "status", "title": "status"},
          {"field": "count", "title": "examples", "format": ",d"}
        ]
      }
    }
  ]
})json";

constexpr const char* status_color = R"json({
  "field": "status", "type": "nominal", "legend": {"title": null, "orient": "top"},
  "scale": {"domain": ["kept", "dropped"], "range": ["var(--kept)", "var(--before)"]}
})json";

constexpr const char* spread_spec = R"json({
  "width": "container",
  "layer": [
    {
      "data": {"values": []},
      "encoding": {
        "y": {"field": "name", "type": "nominal", "title": null, "sort": null,
              "axis": {"labelPadding": 8}},
        "tooltip": [
          {"field": "name", "title": "class"},
          {"field": "size", "title": "examples", "format": ",d"},
          {"field": "p5", "title": "5 %", "format": ".3~g"},
          {"field": "p25", "title": "25 %", "format": ".3~g"},
          {"field": "median", "title": "median", "format": ".3~g"},
          {"field": "p75", "title": "75 %", "format": ".3~g"},
          {"field": "p95", "title": "95 %", "format": ".3~g"}
        ]
      },
      "layer": [
        {
          "mark": {"type": "rule", "color": "var(--muted)"},
          "encoding": {
            "x": {"field": "p5", "type": "quantitative", "scale": {"zero": false},
                  "title": "difficulty score (larger is harder)", "axis": {"tickCount": 6}},
            "x2": {"field": "p95"}
          }
        },
        {
          "mark": {"type": "bar", "height": 10, "cornerRadius": 2, "color": "var(--kept)"},
          "encoding": {"x": {"field": "p25", "type": "quantitative"}, "x2": {"field": "p75"}}
        },
        {
          "mark": {"type": "tick", "thickness": 3, "height": 14, "opacity": 1, "color": "var(--ink)"},
          "encoding": {"x": {"field": "median", "type": "quantitative"}}
        }
      ]
    }
  ]
})json";

constexpr const char* cut_layer = R"json({
  "data": {"values": [{}]},
  "encoding": {"x": {"type": "quantitative"}},
  "layer": [
    {"mark": {"type": "rule", "style": "cut"}},
    {"mark": {"type": "text"}, "encoding": {"y": {"value": 0}}}
  ]
})json";

/// A vertical line at the cut, with its name beside its upper end or, in style "cut-label-above",
/// over it.
void add_cut(Json& spec, std::optional<double> cut, const char* label_style) {
  if (!cut || !std::isfinite(*cut)) return;
  Json layer = Json::parse(cut_layer);
  layer["encoding"]["x"]["datum"] = *cut;
  layer["layer"][1]["mark"]["style"] = label_style;
  layer["layer"][1]["encoding"]["text"]["value"] = "cut " + format_number(*cut);
  spec["layer"].push_back(std::move(layer));
}

}  // namespace

Plot class_plot(const std::vector<ClassCount>& classes) {
  Json spec = Json::parse(class_spec);
  bool balanced = false;
  for (const auto& entry : classes) {
    Json row = {{"class", entry.name},
                {"before", entry.before},
                {"kept", entry.kept},
                {"label", format_percent(entry.kept_fraction())}};
    if (entry.kept_without_balance) row["unbalanced"] = *entry.kept_without_balance;
    balanced |= entry.kept_without_balance && *entry.kept_without_balance != entry.kept;
    spec["data"]["values"].push_back(std::move(row));
  }
  if (balanced) {
    auto& layers = spec["layer"];
    auto& scale = layers[0]["encoding"]["color"]["scale"];
    scale["domain"].push_back("without balance");
    scale["range"].push_back("var(--mark)");
    layers.push_back(Json::parse(unbalanced_layer));
  }
  const int rows_height = row_height * static_cast<int>(classes.size());
  spec["height"] = rows_height;
  return {.spec = std::move(spec), .height = rows_height + axis_height + legend_height};
}

Plot histogram_plot(const std::vector<Bin>& bins, std::optional<double> cut, bool has_selection) {
  Json spec = Json::parse(histogram_spec);
  Json& bars = spec["layer"][0];
  const auto add = [&](const Bin& bin, const char* status, std::int64_t count) {
    if (count == 0) return;
    bars["data"]["values"].push_back(
        {{"low", bin.low}, {"high", bin.high}, {"status", status}, {"count", count}});
  };
  for (const auto& bin : bins) {
    add(bin, has_selection ? "kept" : "scored", bin.kept);
    add(bin, "dropped", bin.dropped);
  }
  if (has_selection) {
    bars["encoding"]["color"] = Json::parse(status_color);
    bars["encoding"]["order"] = {{"field", "status"}, {"sort", "descending"}};
  }
  add_cut(spec, cut, "cut-label");
  const int height = spec["height"].get<int>() + axis_height;
  return {.spec = std::move(spec), .height = height + (has_selection ? legend_height : 0)};
}

Plot spread_plot(const std::vector<NamedSpread>& groups, std::optional<double> cut) {
  Json spec = Json::parse(spread_spec);
  Json& values = spec["layer"][0]["data"]["values"];
  for (const auto& group : groups) {
    values.push_back({{"name", group.name},
                      {"size", group.size},
                      {"p5", group.spread.p5},
                      {"p25", group.spread.p25},
                      {"median", group.spread.median},
                      {"p75", group.spread.p75},
                      {"p95", group.spread.p95}});
  }
  add_cut(spec, cut, "cut-label-above");
  const int rows_height = row_height * static_cast<int>(groups.size());
  spec["height"] = rows_height;
  return {.spec = std::move(spec), .height = rows_height + axis_height};
}

}  // namespace winnow::report
