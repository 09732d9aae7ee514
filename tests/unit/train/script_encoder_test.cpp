#include "winnow/train/script_encoder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::train {
namespace {

using testing::expect_error;
using testing::TempFolder;

TEST(PerChannel, ReadsBackWhatItWrites) {
  const PerChannel channels{{0.485, 0.456, 1e-3}};
  EXPECT_EQ(PerChannel::parse("mean", channels.text()), channels);
  EXPECT_EQ(PerChannel::parse("mean", "0,-1,2.5"), (PerChannel{{0, -1, 2.5}}));
}

TEST(PerChannel, RefusesAnythingButThreeNumbers) {
  for (const char* text : {"", "1", "1,2", "1,2,3,4", "1,2,x", "1,2,3 ", ",1,2", "1,,2", "1,2,",
                           "nan,1,2", "inf,1,2"}) {
    expect_error<InvalidArgument>([&] { PerChannel::parse("std", text); },
                                  {std::string("std = '") + text + "'", "three numbers R,G,B"});
  }
}

TEST(ScriptOptions, NameTheFieldThatIsWrong) {
  ScriptOptions options;
  options.validate();
  options.batch_size = 0;
  expect_error<InvalidArgument>([&] { options.validate(); }, {"batch-size = 0"});
  options = {};
  options.std = {{0.1, 0.0, 0.1}};
  expect_error<InvalidArgument>([&] { options.validate(); }, {"std = 0.1,0,0.1", "above 0"});
}

TEST(LoadScriptEncoder, NamesTheMissingFile) {
  expect_error<BadFile>([] { load_script_encoder("none.ts"); }, {"none.ts: no such file"});
  expect_error<BadFile>([] { load_script_encoder("/tmp"); }, {"/tmp: no such file"});
}

TEST(LoadScriptEncoder, SaysHowToGetAMissingPlugin) {
  const TempFolder folder;
  std::ofstream(folder / "e.ts") << "x";
  const char* before = std::getenv("WINNOW_PLUGIN_DIR");
  const std::string saved = before == nullptr ? "" : before;
  setenv("WINNOW_PLUGIN_DIR", folder.text().c_str(), 1);
  expect_error<NotAvailable>(
      [&] { load_script_encoder(folder / "e.ts"); },
      {"TorchScript encoders need LibTorch", "install libtorch-dev", folder.text()});
  before == nullptr ? unsetenv("WINNOW_PLUGIN_DIR") : setenv("WINNOW_PLUGIN_DIR", saved.c_str(), 1);
}

}  // namespace
}  // namespace winnow::train
