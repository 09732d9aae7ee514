#include <cmath>
#include <set>
#include <utility>

#include "report/format.hpp"
#include "report/plots.hpp"

namespace winnow::report {

namespace {

constexpr int axis_height = 46;
constexpr int legend_height = 30;

/// The pruned subsets: faint seeds, error bars, means.
constexpr const char* error_spec = R"json({
  "width": "container",
  "height": 300,
  "layer": [
    {
      "encoding": {
        "x": {"field": "keep", "type": "nominal", "title": "share of the examples kept",
              "sort": [], "scale": {"paddingInner": 0.25, "paddingOuter": 0.15},
              "axis": {"labelAngle": 0}},
        "xOffset": {"field": "policy", "sort": []},
        "color": {"field": "policy", "type": "nominal", "scale": {"domain": [], "range": []},
                  "legend": {"title": null, "orient": "top"}},
        "tooltip": [
          {"field": "policy", "title": "policy"},
          {"field": "keep", "title": "kept"},
          {"field": "text", "title": "test error"},
          {"field": "seeds", "title": "seeds"}
        ]
      },
      "layer": [
        {
          "data": {"values": []},
          "mark": {"type": "point", "filled": true, "size": 18, "opacity": 0.35},
          "encoding": {
            "y": {"field": "error", "type": "quantitative", "title": "test error (%)",
                  "scale": {"zero": false}, "axis": {"tickCount": 6}}
          }
        },
        {
          "data": {"values": []},
          "mark": {"type": "rule", "strokeWidth": 2.5},
          "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
        },
        {
          "data": {"values": []},
          "mark": {"type": "point", "filled": true, "size": 64, "opacity": 1},
          "encoding": {
            "y": {"field": "error", "type": "quantitative"},
            "shape": {"field": "policy", "type": "nominal", "scale": {"domain": [], "range": []}}
          }
        }
      ]
    }
  ]
})json";

/// Training on all data: a band of one standard error, the mean, its name.
constexpr const char* reference_layer = R"json({
  "data": {"values": []},
  "encoding": {"tooltip": [{"field": "policy", "title": "policy"},
                           {"field": "text", "title": "test error"}]},
  "layer": [
    {
      "mark": {"type": "rect", "color": "var(--muted)", "opacity": 0.18},
      "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
    },
    {
      "mark": {"type": "rule", "style": "reference"},
      "encoding": {"y": {"field": "error", "type": "quantitative"}}
    },
    {
      "mark": {"type": "text", "style": "reference-label"},
      "encoding": {"y": {"field": "error", "type": "quantitative"}, "x": {"value": "width"},
                   "text": {"value": "all data"}}
    }
  ]
})json";

/// Distinguishable by colour-blind readers (Okabe and Ito), and by shape too.
struct PolicyLook {
  const char* policy;
  const char* color;
  const char* shape;
};

constexpr PolicyLook known_looks[] = {{"random", "var(--random)", "square"},
                                      {"hard", "var(--hard)", "triangle-up"},
                                      {"easy", "var(--easy)", "circle"}};
constexpr PolicyLook other_looks[] = {{"", "var(--other-1)", "diamond"},
                                      {"", "var(--other-2)", "cross"},
                                      {"", "var(--other-3)", "triangle-down"},
                                      {"", "var(--other-4)", "triangle-left"}};

/// `n_others` counts the policies that have no look of their own.
PolicyLook policy_look(const std::string& policy, std::size_t& n_others) {
  for (const auto& look : known_looks) {
    if (policy == look.policy) return look;
  }
  return other_looks[n_others++ % std::size(other_looks)];
}

/// In percent, as axis and tooltip show it.
Json error_row(const Cell& cell, double error) {
  const double spread = std::isfinite(cell.standard_error) ? cell.standard_error : 0.0;
  return {{"keep", format_share(cell.keep)},
          {"policy", cell.policy},
          {"error", error * 100.0},
          {"low", (cell.mean - spread) * 100.0},
          {"high", (cell.mean + spread) * 100.0},
          {"text", format_error_rate(cell.mean, cell.standard_error)},
          {"seeds", cell.test_errors.size()}};
}

}  // namespace

Plot error_plot(const std::vector<Cell>& cells, const std::string& model) {
  Json spec = Json::parse(error_spec);
  Json reference = Json::parse(reference_layer);
  Json& shared = spec["layer"][0]["encoding"];
  Json& layers = spec["layer"][0]["layer"];
  Json& colors = shared["color"]["scale"];
  Json& shapes = layers[2]["encoding"]["shape"]["scale"];
  Json& means = layers[2]["data"]["values"];
  std::set<std::string> policies;
  std::set<double> keeps;
  std::size_t n_others = 0;
  for (const auto& cell : cells) {
    if (cell.model != model) continue;
    if (cell.policy == "full") {
      reference["data"]["values"].push_back(error_row(cell, cell.mean));
      continue;
    }
    means.push_back(error_row(cell, cell.mean));
    for (const double error : cell.test_errors) {
      layers[0]["data"]["values"].push_back(error_row(cell, error));
    }
    if (keeps.insert(cell.keep).second) shared["x"]["sort"].push_back(format_share(cell.keep));
    if (!policies.insert(cell.policy).second) continue;
    const PolicyLook look = policy_look(cell.policy, n_others);
    shared["xOffset"]["sort"].push_back(cell.policy);
    colors["domain"].push_back(cell.policy);
    colors["range"].push_back(look.color);
    shapes["domain"].push_back(cell.policy);
    shapes["range"].push_back(look.shape);
  }
  layers[1]["data"]["values"] = means;
  if (!reference["data"]["values"].empty()) spec["layer"].push_back(std::move(reference));
  const int height = spec["height"].get<int>() + axis_height + legend_height;
  return {.spec = std::move(spec), .height = height};
}

}  // namespace winnow::report
