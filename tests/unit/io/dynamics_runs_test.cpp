#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/dynamics.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;

class ExpandRuns : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"run10", "run2", "run1", "@odd"}) fs::create_directory(folder_ / name);
    put("run3.log", "a file, no run");
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::string in(const std::string& name) const { return (folder_ / name).string(); }
  std::string list(const std::string& name) const { return std::string("@").append(in(name)); }
  std::vector<fs::path> paths(const std::vector<std::string>& names) const {
    std::vector<fs::path> result;
    for (const auto& name : names) result.push_back(folder_ / name);
    return result;
  }
  static std::vector<fs::path> expand(const std::vector<std::string>& items) {
    return expand_runs(items);
  }

  testing::TempFolder folder_;
};

TEST_F(ExpandRuns, KeepsTheOrderGiven) {
  EXPECT_EQ(expand({in("run2"), in("nowhere"), in("run1")}), paths({"run2", "nowhere", "run1"}));
  EXPECT_TRUE(expand({}).empty());
}

TEST_F(ExpandRuns, GlobsMatchFoldersInNaturalOrder) {
  EXPECT_EQ(expand({in("run*"), in("@odd")}), paths({"run1", "run2", "run10", "@odd"}));
  expect_error<BadFile>([&] { expand({in("no*")}); }, {"no*", "no file matches"});
  expect_error<BadFile>([&] { expand({in("*.log")}); }, {"*.log", "no folder"});
}

TEST_F(ExpandRuns, ListsNameOneALine) {
  put("runs.txt", "# chosen\n" + in("run2") + "\r\n\n" + in("run1?") + "\n" + in("run1"));
  EXPECT_EQ(expand({list("runs.txt")}), paths({"run2", "run10", "run1"}));
  put("none.txt", "# nothing\n\n");
  expect_error<BadFile>([&] { expand({list("none.txt")}); }, {"none.txt: names no run"});
  expect_error<BadFile>([&] { expand({list("missing.txt")}); }, {"missing.txt"});
}

}  // namespace
}  // namespace winnow::io
