#include "winnow/core/plugin.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow {
namespace {

using testing::expect_error;
using testing::TempFolder;

constexpr Plugin plugin = {.file = "libwinnow_x.so", .interface = 3, .package = "libx-dev"};

/// A folder in which plug-ins are looked for.
class PluginTest : public ::testing::Test {
 public:
  PluginTest() { setenv("WINNOW_PLUGIN_DIR", folder.text().c_str(), 1); }
  ~PluginTest() override { unsetenv("WINNOW_PLUGIN_DIR"); }
  PluginTest(const PluginTest&) = delete;
  PluginTest& operator=(const PluginTest&) = delete;

 protected:
  void expect_not_available(const std::vector<std::string>& parts) const {
    expect_error<NotAvailable>([] { plugin_symbol(plugin, "f", "xs need X", "do without"); },
                               parts);
  }

  const TempFolder folder;
};

TEST_F(PluginTest, AMissingOne) {
  expect_not_available({"xs need X, which this build", "libwinnow_x.so is not in " + folder.text(),
                        "install libx-dev", "or do without"});
}

TEST_F(PluginTest, AFileThatIsNoLibrary) {
  std::ofstream(folder / plugin.file) << "no library";
  expect_not_available({(folder / plugin.file).string(), "cannot be loaded"});
}

TEST_F(PluginTest, ALibraryOfSomebodyElse) {
  // Any will do: that of the function's own.
  Dl_info info;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&std::getenv), &info), 0);
  std::filesystem::copy_file(info.dli_fname, folder / plugin.file);
  expect_not_available({"no symbol winnow_plugin_interface", "rebuild"});
}

}  // namespace
}  // namespace winnow
