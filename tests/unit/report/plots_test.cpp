#include "report/plots.hpp"

#include <gtest/gtest.h>

#include <string>

namespace winnow::report {
namespace {

TEST(ClassPlot, ShowsWhatBalanceChangedOnlyWhereItDid) {
  std::vector<ClassCount> classes = {{.name = "a", .before = 10, .kept = 4},
                                     {.name = "b", .before = 20, .kept = 16}};
  EXPECT_EQ(class_plot(classes).spec["layer"].size(), 3U);
  classes[0].kept_without_balance = 4;
  classes[1].kept_without_balance = 16;
  EXPECT_EQ(class_plot(classes).spec["layer"].size(), 3U);
  classes[0].kept_without_balance = 1;
  const Json spec = class_plot(classes).spec;
  EXPECT_EQ(spec["layer"].size(), 4U);
  EXPECT_EQ(spec["data"]["values"][0]["unbalanced"], 1);
  EXPECT_EQ(spec["data"]["values"][1]["label"], "80.0\u00A0%");
}

TEST(HistogramPlot, HasOneRowForEachBarAndTheCut) {
  const std::vector<Bin> bins = {{0.0, 0.1, 0, 3}, {0.1, 0.2, 2, 1}};
  const Json spec = histogram_plot(bins, 0.15, true).spec;
  ASSERT_EQ(spec["layer"].size(), 2U);
  EXPECT_EQ(spec["layer"][0]["data"]["values"].size(), 3U);
  EXPECT_EQ(spec["layer"][1]["encoding"]["x"]["datum"], 0.15);
  EXPECT_EQ(histogram_plot(bins, {}, true).spec["layer"].size(), 1U);
}

TEST(ErrorPlot, DrawsAllDataAsAReferenceAndEverySeed) {
  const Cell full{.model = "mlp", .policy = "full", .test_errors = {0.1}, .mean = 0.1};
  const Cell hard{.model = "mlp",
                  .policy = "hard",
                  .keep = 0.5,
                  .test_errors = {0.1, 0.3},
                  .mean = 0.2,
                  .standard_error = 0.1};
  const Cell other{.model = "linear", .policy = "hard", .keep = 0.5, .test_errors = {0.5}};
  const Json spec = error_plot({full, hard, other}, "mlp").spec;
  ASSERT_EQ(spec["layer"].size(), 2U);
  const Json& cells = spec["layer"][0]["layer"];
  EXPECT_EQ(cells[0]["data"]["values"].size(), 2U);
  ASSERT_EQ(cells[1]["data"]["values"].size(), 1U);
  EXPECT_DOUBLE_EQ(cells[1]["data"]["values"][0]["low"].get<double>(), 10.0);
  EXPECT_DOUBLE_EQ(cells[1]["data"]["values"][0]["high"].get<double>(), 30.0);
  EXPECT_EQ(spec["layer"][1]["data"]["values"][0]["policy"], "full");
  EXPECT_EQ(error_plot({hard}, "mlp").spec["layer"].size(), 1U);
}

TEST(ErrorPlot, GivesEveryPolicyAShapeAndAColour) {
  std::vector<Cell> cells;
  for (const char* policy : {"random", "moderate", "stratified"}) {
    cells.push_back({.model = "mlp", .policy = policy, .keep = 0.5, .test_errors = {0.1}});
  }
  const Json spec = error_plot(cells, "mlp").spec;
  const Json& color = spec["layer"][0]["encoding"]["color"]["scale"];
  const Json& shape = spec["layer"][0]["layer"][2]["encoding"]["shape"]["scale"];
  EXPECT_EQ(color["domain"], Json::array({"random", "moderate", "stratified"}));
  EXPECT_EQ(color["range"], Json::array({"var(--random)", "var(--other-1)", "var(--other-2)"}));
  EXPECT_EQ(shape["range"], Json::array({"square", "diamond", "cross"}));
}

}  // namespace
}  // namespace winnow::report
