#include "io/manifest.hpp"

#include <gtest/gtest.h>

#include "io/jsonl.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {
namespace {

using Names = std::vector<std::string>;

TEST(Jsonl, ReadsObjectsAndCountsLines) {
  const TempFolder folder;
  JsonlReader reader(put(folder / "a.jsonl", "{\"a\": 1}\n\n  \r\n{\"a\": 2}"));
  Json object;
  ASSERT_TRUE(reader.next(object));
  EXPECT_EQ(object["a"], 1);
  EXPECT_EQ(reader.line(), 1);
  ASSERT_TRUE(reader.next(object));
  EXPECT_EQ(object["a"], 2);
  EXPECT_EQ(reader.where(), (folder / "a.jsonl").string() + ": line 4");
  EXPECT_FALSE(reader.next(object));
}

TEST(Jsonl, ErrorsNameTheLine) {
  const TempFolder folder;
  const auto fails = [&](std::string_view text, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { read_manifest(put(folder / "a.jsonl", text)); }, found);
  };
  fails("", {"a.jsonl", "empty"});
  fails("\n\n", {"a.jsonl", "no labels or paths"});
  fails("{\"path\": \"a\"}\n{\"path\": \"b\"", {"a.jsonl: line 2: this is no JSON"});
  fails("[1]\n", {"line 1: no JSON object"});
  fails("{\"path\": \"a\"}\n{\"file\": \"b\"}\n", {"line 2 (row 1): no \"path\""});
  fails("{\"path\": \"a\", \"label\": 1}\n{\"path\": \"b\"}\n", {"line 2 (row 1): no \"label\""});
  fails("{\"path\": \"a\"}\n{\"path\": \"b\", \"label\": 1}\n",
        {"line 2 (row 1): \"label\", which the first line has not"});
  fails("{\"path\": null}\n", {"line 1 (row 0): \"path\" is null"});
  fails("{\"path\": [\"a\"]}\n", {"\"path\" is array; expected a text"});
  fails("{\"x\": 1}\n", {"line 1", "no \"label\"; its keys are: x"});
  fails("{\"path\": \"\xFF\"}\n", {"line 1: this is no JSON"});
}

TEST(Manifest, ReadsJsonlAsPythonWritesIt) {
  for (const char* name : {"jsonl/manifest.jsonl", "jsonl/windows.ndjson"}) {
    const Manifest manifest = read_manifest(fixture(name));
    EXPECT_EQ(manifest.paths, (Names{"chat/été 1.png", "chat/\U0001F408.png", "dog/\"1\",2.png"}));
    EXPECT_EQ(manifest.labels, (Names{"chat", "chat", "dog"}));
    EXPECT_EQ(manifest.lines, (std::vector<std::int64_t>{1, 2, 3}));
    const Labels labels = manifest_labels(manifest);
    EXPECT_EQ(labels.class_names, (Names{"chat", "dog"}));
    EXPECT_EQ(labels.values, (std::vector<std::int32_t>{0, 0, 1}));
    EXPECT_EQ(manifest.input.hash.substr(0, 5), "xxh3:");
  }
}

TEST(Manifest, ReadsCsvWithFurtherColumns) {
  const TempFolder folder;
  const Manifest manifest =
      read_manifest(put(folder / "a.csv", "width,Path,label\n3,./a/1.png,7\n4,\"a/2,3.png\",0\n"));
  EXPECT_EQ(manifest.paths, (Names{"a/1.png", "a/2,3.png"}));
  EXPECT_EQ(manifest_labels(manifest).values, (std::vector<std::int32_t>{7, 0}));
  EXPECT_EQ(manifest.where(1), (folder / "a.csv").string() + ": line 3 (row 1)");
  const Manifest plain = read_manifest(put(folder / "b.csv", "path\na\nb\n"));
  EXPECT_EQ(plain.paths, (Names{"a", "b"}));
  EXPECT_TRUE(plain.labels.empty());
  EXPECT_TRUE(manifest_labels(plain).values.empty());
}

TEST(Manifest, MistakesNameTheirLines) {
  const TempFolder folder;
  const auto fails = [&](std::string_view text, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { read_manifest(put(folder / "a.csv", text)); }, found);
  };
  fails("path,label\na,0\nb,0\n./a,1\n", {"a.csv: line 4 (row 2): 'a' again, which line 2"});
  fails("path,label\n,0\n", {"line 2 (row 0): the path is empty"});
  fails("label\n0\n", {"no column of paths", "file_name"});
  fails("path,path\na,b\n", {"two columns are called 'path'"});
  fails("path,label\na\n", {"line 2 (row 0): 1 fields; expected 2"});
  fails("path\n", {"no labels or paths"});
  expect_error<BadFile>([] { read_manifest("a.txt"); }, {"a.txt", ".csv or .jsonl"});
  const Manifest mixed = read_manifest(put(folder / "a.csv", "path,label\na,cat\nb,7\n"));
  expect_error<BadFile>([&] { manifest_labels(mixed); }, {"line 3 (row 1)", "number '7'"});
}

}  // namespace
}  // namespace winnow::io
