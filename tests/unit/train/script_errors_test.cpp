#include "train/script_errors.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "unit/support.hpp"

namespace winnow::train {
namespace {

using testing::TempFolder;

// The messages are LibTorch 1.13's own, as it gave them for files made by hand.

constexpr const char* unknown_operator = R"(
Unknown builtin op: aten::scaled_dot_relu.
Could not find any similar ops to aten::scaled_dot_relu. This op may not exist or may not be currently supported in TorchScript.
:
  File "code/__torch__.py", line 16
    _0 = torch.scaled_dot_relu((b).forward((c).forward(x, ), ))
         ~~~~~~~~~~~~~~~~~~~~~ <--- HERE
)";

constexpr const char* unknown_arguments = R"(
Arguments for call are not valid.
The following variants are available:
  
  aten::relu(Tensor self) -> Tensor:
  Expected a value of type 'Tensor' for argument 'self' but instead found type 'NoneType'.
  
  aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!):

The original call is:
  File "code/__torch__.py", line 16
)";

constexpr const char* failed_run = R"(The following operation failed in the TorchScript interpreter.
Traceback of TorchScript, serialized code (most recent call last):
  File "code/__torch__.py", line 16, in forward
            ~~~~~~~~~~~~~~~~~~ <--- HERE
RuntimeError: Given groups=1, weight of size [8, 1, 3, 3], expected input[2, 3, 32, 32] to have 1 channels, but got 3 channels instead
)";

ScriptArchive archive() {
  ScriptArchive found;
  found.backend = "LibTorch 1.13.0";
  found.newest_version = 10;
  found.has_code = true;
  found.version = 3;
  return found;
}

void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const auto& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
  }
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(ExplainLoad, NamesTheOperatorAndBothVersions) {
  expect_parts(explain_load("e.ts", archive(), unknown_operator),
               {"e.ts: needs the operator aten::scaled_dot_relu, which LibTorch 1.13.0",
                "format version 3", "LibTorch 1.13.0 reads up to 10", ".npy", "docs/encoders.md"});
  expect_parts(explain_load("e.ts", archive(), unknown_arguments),
               {"calls the operator aten::relu with arguments", "reads up to 10"});
  expect_parts(explain_load("e.ts", archive(), "\nUnknown builtin op: torchvision::nms.\nHere"),
               {"torchvision::nms,"});
  expect_parts(explain_load("e.ts", archive(), "Unknown type name '__torch__.torch.classes.A.B':"),
               {"needs the type __torch__.torch.classes.A.B,"});
}

TEST(ExplainLoad, NamesANewerFormatVersion) {
  ScriptArchive found = archive();
  found.has_code = false;
  found.version.reset();
  expect_parts(explain_load("e.ts", found,
                            "[enforce fail at inline_container.cc:165] . Attempted to read a "
                            "PyTorch file with version 99, but the maximum supported version for "
                            "reading is 10."),
               {"too new", "format version 99", "reads up to 10", ".npy"});
}

TEST(ExplainLoad, TellsWeightsFromCode) {
  ScriptArchive found = archive();
  found.has_code = false;
  const char* message =
      "PytorchStreamReader failed locating file constants.pkl: file not found\nmore";
  expect_parts(explain_load("e.pt", found, message),
               {"e.pt: weights or a model pickled by torch.save", "torch.jit.script"});
  found = archive();
  expect_parts(explain_load("e.ts", found, "expected ident but found '(' here:\nSerialized"),
               {"damaged or foreign", "expected ident but found '(' here"});
}

TEST(ExplainLoad, LooksAtTheFirstBytes) {
  const TempFolder folder;
  ScriptArchive found = archive();
  found.has_code = false;
  found.version.reset();
  const auto explained = [&](const std::string& bytes) {
    std::ofstream(folder / "e.ts", std::ios::binary) << bytes;
    return explain_load(folder / "e.ts", found, "failed finding central directory");
  };
  expect_parts(explained("PK\x03\x04"), {"damaged archive", "central directory"});
  expect_parts(explained("\x80\x02"), {"a pickle", "torch.jit.script"});
  expect_parts(explained("text"), {"no TorchScript archive"});
  expect_parts(explained(""), {"no TorchScript archive"});
}

TEST(ExplainRun, KeepsTheCauseAndTheShape) {
  expect_parts(
      explain_run("e.ts", 2, {32, 30, 1}, failed_run),
      {"e.ts", "[2, 3, 32, 30]: Given groups=1, weight of size [8, 1, 3, 3]", "takes grey images"});
  expect_parts(explain_run("e.ts", 2, {32, 30, 1}, "RuntimeError: shapes cannot be multiplied"),
               {"shapes cannot be multiplied", "--image-size N"});
}

TEST(UsefulLine, IsTheLastCauseOrTheFirstLine) {
  EXPECT_EQ(useful_line("a\nRuntimeError: one\nRuntimeError: two \nthree"), "two");
  EXPECT_EQ(useful_line("\n\n  first \nsecond"), "first");
  EXPECT_EQ(useful_line("it broke Exception raised from f at g.cpp"), "it broke");
  EXPECT_EQ(useful_line(""), "");
}

}  // namespace
}  // namespace winnow::train
