#include "winnow/report/report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "report/assets.hpp"
#include "unit/report/test_run.hpp"
#include "winnow/core/error.hpp"

namespace winnow::report {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The page up to the scripts: what this module itself writes.
std::string body_of(const std::filesystem::path& path) {
  const std::string page = read_file(path);
  return page.substr(0, page.find("<footer>"));
}

std::string report_of(const TempFolder& folder, const std::filesystem::path& run,
                      const ReportOptions& options = {}) {
  write_report({run}, folder / "report.html", options);
  return body_of(folder / "report.html");
}

TEST(Report, HasEverySectionOfACompleteRun) {
  const TempFolder folder;
  const auto run = make_run(folder);
  const ReportSummary summary = write_report({run}, folder / "out/report.html");
  const std::string page = body_of(summary.path);
  for (const char* title : {"Summary", "Warnings", "Test errors", "Kept per class", "Scores",
                            "Examples by class", "Examples by cluster", "Provenance"}) {
    EXPECT_TRUE(contains(page, "<h2>" + std::string(title) + "</h2>")) << title;
  }
  EXPECT_TRUE(contains(page, "nearest of 3 cluster centres"));
  EXPECT_TRUE(contains(page, "the hardest 50\u00A0%"));
  EXPECT_TRUE(contains(page, "random wins"));
  EXPECT_EQ(summary.plots, plots_available() ? 4 : 0);
  EXPECT_EQ(summary.images, 24);  // every example once by class and once by cluster
  EXPECT_EQ(summary.warnings.size(), 1U);
  EXPECT_EQ(summary.bytes, static_cast<std::int64_t>(std::filesystem::file_size(summary.path)));
  EXPECT_LT(summary.bytes, 3'000'000);
}

TEST(Report, EscapesNamesLabelsAndTexts) {
  const TempFolder folder;
  const std::string page = report_of(folder, make_run(folder));
  EXPECT_FALSE(contains(page, hostile_class));
  EXPECT_FALSE(contains(page, "<script>alert"));
  EXPECT_FALSE(contains(page, "<img src=x"));
  EXPECT_FALSE(contains(page, "<b>bold"));
  EXPECT_TRUE(contains(page, "&lt;script&gt;alert(1)&lt;"));
  EXPECT_TRUE(contains(page, "&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;"));
  EXPECT_TRUE(contains(page, "&lt;b&gt;bold&lt;/b&gt;"));
  if (plots_available()) {
    EXPECT_TRUE(contains(page, R"(\u003cscript\u003ealert(1)\u003c)"));
  }
}

TEST(Report, IsTheSameBytesEveryTime) {
  const TempFolder folder;
  const auto run = make_run(folder);
  write_report({run}, folder / "a.html");
  write_report({run}, folder / "b.html");
  EXPECT_EQ(read_file(folder / "a.html"), read_file(folder / "b.html"));
}

TEST(Report, AsksTheNetworkForNothing) {
  const TempFolder folder;
  const std::string page = report_of(folder, make_run(folder));
  EXPECT_FALSE(contains(page, "http://"));
  EXPECT_FALSE(contains(page, "https://"));
  EXPECT_FALSE(contains(page, "src=\"//"));
  EXPECT_FALSE(contains(page, "<link"));
  EXPECT_TRUE(contains(page, "default-src 'none'"));
}

TEST(Report, LibrariesCannotEndTheirScriptElement) {
  EXPECT_EQ(plot_libraries().size(), plots_available() ? 3U : 0U);
  std::vector<std::string_view> scripts = plot_libraries();
  scripts.push_back(page_script());
  for (const auto script : scripts) {
    EXPECT_FALSE(script.empty());
    std::string lower(script);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    EXPECT_FALSE(contains(lower, "</script"));
    EXPECT_FALSE(contains(lower, "<!--"));
    EXPECT_FALSE(contains(lower, "sourcemappingurl="));
  }
}

TEST(Report, ShowsEasiestFirstAndHardestFirstWithoutOverlap) {
  const TempFolder folder;
  const std::string page = report_of(folder, make_run(folder), {.images_per_group = 2});
  // Class folders come in byte order: '<' before 'c'. Its scores are 0.00 to 0.05.
  const std::string gallery = page.substr(page.find("<h2>Examples by class</h2>"));
  const std::string first = gallery.substr(0, gallery.find("<h3>cat</h3>"));
  std::vector<std::string> keys;
  for (std::size_t at = first.find("<code"); at != std::string::npos;
       at = first.find("<code", at + 1)) {
    const std::size_t begin = first.find('>', at) + 1;
    const std::string key = first.substr(begin, first.find("</code>", begin) - begin);
    keys.push_back(key.substr(key.rfind('/') + 1));
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"0.png", "1.png", "5.png", "4.png"}));
}

TEST(Report, LimitsGroupsAndSaysSo) {
  const TempFolder folder;
  const std::string page = report_of(folder, make_run(folder), {.max_groups = 2});
  EXPECT_TRUE(contains(page, "Only the 2 largest of 3 clusters are shown."));
  EXPECT_TRUE(contains(page, "<h3>Cluster 1</h3>"));
  EXPECT_FALSE(contains(page, "<h3>Cluster 2</h3>"));
}

TEST(Report, NamesImagesBeyondItsBudget) {
  const TempFolder folder;
  const std::string page = report_of(folder, make_run(folder), {.image_budget = 0});
  EXPECT_EQ(count(page, "<img"), 0U);
  EXPECT_TRUE(contains(page, "12\u00A0images were left out"));
  EXPECT_TRUE(contains(page, "cat/0.png"));
}

TEST(Report, CopesWithARunThatHasOnlyItsHead) {
  const TempFolder folder;
  RunInfo info;
  info.kind = "training";
  info.results = {{"test_error", 0.123}};
  write_run(folder / "run", info);
  const std::string page = report_of(folder, folder / "run");
  EXPECT_TRUE(contains(page, "kind &#39;training&#39;"));
  EXPECT_TRUE(contains(page, "0.123"));
  EXPECT_TRUE(contains(page, "<h2>Provenance</h2>"));
  EXPECT_FALSE(contains(page, "<h2>Scores</h2>"));
  EXPECT_FALSE(contains(page, "<h2>Warnings</h2>"));
}

TEST(Report, LeavesOutSectionsWithoutTheirFiles) {
  const TempFolder folder;
  const auto run = make_run(folder);
  for (const char* name : {"keep.npy", "keep.json", "assignment.npy", "results.csv"}) {
    std::filesystem::remove(run / name);
  }
  const std::string page = report_of(folder, run);
  EXPECT_TRUE(contains(page, "<h2>Scores</h2>"));
  EXPECT_TRUE(contains(page, "<h2>Examples by class</h2>"));
  EXPECT_FALSE(contains(page, "<h2>Kept per class</h2>"));
  EXPECT_FALSE(contains(page, "<h2>Examples by cluster</h2>"));
  EXPECT_FALSE(contains(page, "<h2>Test errors</h2>"));
}

TEST(Report, WarnsWhenTheDatasetIsGone) {
  const TempFolder folder;
  const auto run = make_run(folder);
  std::filesystem::remove_all(folder / "images");
  const ReportSummary summary = write_report({run}, folder / "report.html");
  EXPECT_EQ(summary.images, 0);
  ASSERT_FALSE(summary.warnings.empty());
  EXPECT_TRUE(contains(summary.warnings[0], "could not be opened")) << summary.warnings[0];
  EXPECT_TRUE(contains(body_of(summary.path), "row 11"));
}

TEST(Report, ShowsNoImagesOfAnotherDataset) {
  const TempFolder folder;
  const auto run = make_run(folder);
  std::filesystem::remove(folder / "images/cat/5.png");
  const ReportSummary summary = write_report({run}, folder / "report.html");
  EXPECT_EQ(summary.images, 0);
  ASSERT_FALSE(summary.warnings.empty());
  EXPECT_TRUE(contains(summary.warnings[0], "not what this run saw")) << summary.warnings[0];
}

TEST(Report, RefusesArraysOfDifferentData) {
  const TempFolder folder;
  const auto run = make_run(folder);
  const std::vector<std::int32_t> shorter = {0, 1, 2};
  io::write_npy(run / "assignment.npy", shorter);
  EXPECT_THROW(write_report({run}, folder / "report.html"), DatasetMismatch);
  add_assignment(run);
  io::Subset keep;
  keep.ids = {3, 12};
  io::write_subset(run / "keep.npy", keep, Json::object());
  EXPECT_THROW(write_report({run}, folder / "report.html"), DatasetMismatch);
  EXPECT_FALSE(std::filesystem::exists(folder / "report.html"));
}

TEST(Report, RefusesBadUse) {
  const TempFolder folder;
  EXPECT_THROW(write_report({}, folder / "report.html"), InvalidArgument);
  EXPECT_THROW(write_report({folder / "none"}, folder / "report.html"), BadFile);
  const auto run = make_run(folder);
  EXPECT_THROW(write_report({run}, folder / "report.html", {.histogram_bins = 0}), InvalidArgument);
}

TEST(Report, ComparesSeveralRuns) {
  const TempFolder folder;
  const auto run = make_run(folder);
  RunInfo other = prune_info("");
  write_run(folder / "other", other);
  add_scores(folder / "other");
  write_report({run, folder / "other"}, folder / "report.html");
  const std::string page = body_of(folder / "report.html");
  EXPECT_TRUE(contains(page, "<h2>Runs compared</h2>"));
  EXPECT_EQ(count(page, "<h2>Scores</h2>"), 2U);
  EXPECT_EQ(count(page, "id=\"run-1-scores\""), 1U);
  EXPECT_EQ(count(page, "id=\"run-2-scores\""), 1U);
}

}  // namespace
}  // namespace winnow::report
