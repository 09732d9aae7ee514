#include <gtest/gtest.h>

#include "report/assets.hpp"
#include "unit/report/test_run.hpp"
#include "winnow/core/error.hpp"
#include "winnow/report/report.hpp"

namespace winnow::report {
namespace {

constexpr const char* curve_header = "probe_angle,alpha_tot,alpha_prune,keep,epsilon,kappa\n";

/// A run of `winnow theory` with these files.
std::filesystem::path theory_run(const TempFolder& folder,
                                 const std::vector<std::pair<std::string, std::string>>& files) {
  std::filesystem::path run = folder / "theory";
  RunInfo info;
  info.kind = "theory";
  for (const auto& [name, text] : files) {
    write_file(run / name, text);
    info.files.push_back(name);
  }
  write_run(run, info);
  return run;
}

std::string page_of(const TempFolder& folder, const std::filesystem::path& run, int plots) {
  const auto summary = write_report({run}, folder / "report.html", {});
  EXPECT_EQ(summary.plots, plots_available() ? plots : 0);
  const std::string page = read_file(folder / "report.html");
  return page.substr(0, page.find("<footer>"));
}

TEST(TheorySection, DrawsAPlotForEveryAngle) {
  const TempFolder folder;
  const auto run = theory_run(
      folder, {{"curve.csv", std::string(curve_header) + "0,1,0.5,0.5,0.3,1\n0,10,5,0.5,0.05,0.2\n"
                                                         "20,1,0.5,0.5,0.35,1\n"},
               {"curve_simulation.csv",
                "probe_angle,alpha_tot,keep,epsilon,standard_error\n20,1,0.5,0.34,0.01\n"}});
  const std::string page = page_of(folder, run, 2);
  EXPECT_NE(page.find("Error against the amount of data (curve)"), std::string::npos);
  EXPECT_NE(page.find("Probe 20 degrees"), std::string::npos);
  EXPECT_EQ(page.find("Points with error bars", page.find("Points with error bars") + 1),
            std::string::npos)
      << "only one angle was simulated";
  if (plots_available()) {
    EXPECT_NE(page.find("\"low\":33"), std::string::npos) << "34 % less one standard error";
  }
}

TEST(TheorySection, EscapesWhatAFileHolds) {
  const TempFolder folder;
  const auto run = theory_run(
      folder, {{"curve.csv", std::string(curve_header) +
                                 "<script>alert(1)</script>,1,0.5,<b>bold</b>,0.3,1\n"}});
  const std::string page = page_of(folder, run, 1);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_EQ(page.find("<b>bold"), std::string::npos);
  EXPECT_NE(page.find("&lt;b&gt;bold"), std::string::npos);
}

TEST(TheorySection, ReadsNothingOutsideItsFolder) {
  const TempFolder folder;
  write_file(folder / "other.csv", std::string(curve_header) + "0,1,0.5,0.5,0.3,1\n");
  const auto run = theory_run(folder, {});
  RunInfo info = read_run(run);
  info.files = {"../other.csv"};
  write_run(run, info);
  EXPECT_EQ(page_of(folder, run, 0).find("Error against"), std::string::npos);
}

TEST(TheorySection, LeavesOutWhatIsNoNumberAndTablesItDoesNotKnow) {
  const TempFolder folder;
  const auto run = theory_run(
      folder, {{"curve.csv", std::string(curve_header) + "0,x,0.5,0.5,0.3,1\n0,1,0.5,0.5,nan,1\n"},
               {"constants.csv", "constant,value\nc0,0.5\n"}});
  const std::string page = page_of(folder, run, 1);
  EXPECT_EQ(page.find(">nan<"), std::string::npos);
  EXPECT_EQ(page.find("constants"), std::string::npos);
}

TEST(TheorySection, NamesAFileThatIsGone) {
  const TempFolder folder;
  const auto run = theory_run(folder, {{"curve.csv", curve_header}});
  std::filesystem::remove(run / "curve.csv");
  winnow::testing::expect_error<BadFile>([&] { page_of(folder, run, 0); }, {"curve.csv"});
}

}  // namespace
}  // namespace winnow::report
