#include "winnow/core/run.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow {
namespace {

using testing::expect_error;
using testing::TempFolder;

enum class Colour { red };

}  // namespace

template <>
struct EnumNames<Colour> {
  static constexpr EnumName<Colour> values[] = {{Colour::red, "red"}};
};

namespace {

struct Paint {
  std::int64_t coats = 2;
  double gloss = 0.1;
  Colour colour = Colour::red;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.coats, FieldInfo{.name = "coats"});
    visit(self.gloss, FieldInfo{.name = "gloss"});
    visit(self.colour, FieldInfo{.name = "colour"});
  }
};

TEST(Json, OptionsAreWrittenInTheirOrderEnumsByName) {
  EXPECT_EQ(options_json(Paint{}).dump(), R"({"coats":2,"gloss":0.1,"colour":"red"})");
}

TEST(Json, ReadsWhatItWrote) {
  const TempFolder folder;
  const Json json{{"z", 1}, {"a", {1.5, -0.1, 1e300}}, {"text", "\u00e4 \"quoted\"\n"}};
  write_json(folder / "a.json", json);
  EXPECT_EQ(read_json(folder / "a.json"), json);
  const std::string text = read_file(folder / "a.json");
  EXPECT_LT(text.find("\"z\""), text.find("\"a\"")) << "fields keep their order";
  EXPECT_EQ(text.back(), '\n');
}

TEST(Json, DoublesComeBackBitByBit) {
  const TempFolder folder;
  const std::vector<double> values{0.1, 1.0 / 3.0, 5e-324, std::numeric_limits<double>::max(),
                                   -0.0};
  write_json(folder / "a.json", values);
  EXPECT_EQ(read_json(folder / "a.json").get<std::vector<double>>(), values);
}

TEST(Json, InvalidUtf8IsReplacedRatherThanThrown) {
  const TempFolder folder;
  write_json(folder / "a.json", {{"path", "caf\xe9.png"}});
  EXPECT_EQ(read_json(folder / "a.json")["path"], "caf\xef\xbf\xbd.png");
}

TEST(Json, TextNeverThrows) {
  EXPECT_EQ(dump_json({{"a", {1, "b"}}}), R"({"a":[1,"b"]})");
  EXPECT_EQ(dump_json({{"a", 1}}, 2), "{\n  \"a\": 1\n}");
  EXPECT_EQ(dump_json({{"k\xff", "\xe9"}}), "{\"k\xef\xbf\xbd\":\"\xef\xbf\xbd\"}");
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string bytes = {static_cast<char>(a), static_cast<char>(b)};
      const std::string text = dump_json(bytes);
      ASSERT_TRUE(Json::accept(text)) << a << " " << b;
      ASSERT_EQ(Json::parse(text).get<std::string>(), to_utf8(bytes)) << a << " " << b;
      ASSERT_TRUE(is_utf8(to_utf8(bytes)));
    }
  }
}

TEST(Json, KnowsUtf8) {
  for (const char* text : {"", "plain", "caf\xc3\xa9", "\xf0\x9f\x8d\x83"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  // Latin-1, cut off, overlong, a surrogate, beyond Unicode.
  for (const char* text : {"caf\xe9", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Json, MistakesAreNamedByByte) {
  const TempFolder folder;
  write_file(folder / "a.json", R"({"a": ])");
  expect_error<BadFile>([&] { read_json(folder / "a.json"); },
                        {(folder / "a.json").string(), "byte 6"});
  write_file(folder / "empty.json", "");
  expect_error<BadFile>([&] { read_json(folder / "empty.json"); }, {"empty.json", "byte 0"});
  expect_error<BadFile>([&] { read_json(folder / "none.json"); }, {"none.json"});
  write_file(folder / "large.json", R"({"x": 1e999})");
  expect_error<BadFile>([&] { read_json(folder / "large.json"); },
                        {"large.json", "range of double"});
}

TEST(Sidecar, LiesBesideItsArtifact) {
  EXPECT_EQ(sidecar_path("runs/a/scores.npy"), "runs/a/scores.json");
  EXPECT_EQ(sidecar_path("v1.2/keep.npy"), "v1.2/keep.json");
}

TEST(Sidecar, MayBeAbsent) {
  const TempFolder folder;
  EXPECT_TRUE(read_sidecar(folder / "scores.npy").is_null());
  EXPECT_FALSE(sidecar_fingerprint(Json()).known());
  EXPECT_FALSE(sidecar_fingerprint(Json::object()).known());
  write_file(folder / "list.json", "[1]");
  expect_error<BadFile>([&] { read_sidecar(folder / "list.npy"); }, {"list.json", "array"});
}

TEST(Sidecar, CarriesTheFingerprint) {
  const TempFolder folder;
  write_json(folder / "scores.json", {{"fingerprint", Fingerprint(7).text()}});
  EXPECT_EQ(sidecar_fingerprint(read_sidecar(folder / "scores.npy")), Fingerprint(7));
  EXPECT_THROW(sidecar_fingerprint({{"fingerprint", 7}}), BadFile);
  EXPECT_THROW(sidecar_fingerprint({{"fingerprint", "xxh3:7"}}), BadFile);
}

RunInfo some_run() {
  RunInfo run;
  run.kind = "prune";
  run.command = {"winnow", "prune", "--out", "a b"};
  run.inputs = {{"x.npy", "xxh3:0000000000000001"}, {"y.csv", ""}};
  run.files = {"keep.npy"};
  run.children = {"trainings/linear-hard-0.5-s0"};
  run.options = {{"keep", 0.5}};
  run.results = {{"kept", 10}};
  return run;
}

TEST(Run, ReadsWhatItWrote) {
  const TempFolder folder;
  const RunInfo run = some_run();
  write_run(folder / "run", run);
  const RunInfo read = read_run(folder / "run");
  EXPECT_EQ(read.kind, run.kind);
  EXPECT_EQ(read.command, run.command);
  ASSERT_EQ(read.inputs.size(), 2U);
  EXPECT_EQ(read.inputs[0].path, "x.npy");
  EXPECT_EQ(read.inputs[0].hash, "xxh3:0000000000000001");
  EXPECT_EQ(read.inputs[1].hash, "");
  EXPECT_EQ(read.files, run.files);
  EXPECT_EQ(read.children, run.children);
  EXPECT_EQ(read.options, run.options);
  EXPECT_EQ(read.results, run.results);
  EXPECT_EQ(read_json(folder / "run/run.json")["version"], version());
}

TEST(Run, WhatIsNoRunIsNamed) {
  const TempFolder folder;
  expect_error<BadFile>([&] { read_run(folder.path()); }, {"run.json", "No such file"});
  const RunInfo run = some_run();
  write_run(folder.path(), run);
  const Json whole = read_json(folder / "run.json");
  for (const char* field :
       {"kind", "command", "inputs", "files", "children", "options", "results"}) {
    Json broken = whole;
    broken.erase(field);
    write_json(folder / "run.json", broken);
    expect_error<BadFile>([&] { read_run(folder.path()); },
                          {"run.json", "not a winnow run", field});
  }
  Json odd = whole;
  odd["files"] = {1, 2};
  write_json(folder / "run.json", odd);
  expect_error<BadFile>([&] { read_run(folder.path()); }, {"run.json", "not a winnow run"});
  write_json(folder / "run.json", Json::array());
  expect_error<BadFile>([&] { read_run(folder.path()); }, {"run.json", "not a winnow run"});
}

}  // namespace
}  // namespace winnow
