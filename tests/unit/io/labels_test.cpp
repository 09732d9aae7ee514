#include <gtest/gtest.h>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

using Values = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

Labels read_text(const TempFolder& folder, std::string_view text) {
  return read_labels(put(folder / "y.csv", text).string());
}

TEST(Labels, ReadsNpy) {
  const Labels labels = read_labels(fixture("npy/vector.npy").string());
  EXPECT_EQ(labels.values, (Values{0, 1, 2, 3, 4}));
  EXPECT_EQ(labels.class_names, (Names{"0", "1", "2", "3", "4"}));
  EXPECT_FALSE(labels.fingerprint.known());
  EXPECT_EQ(labels.inputs[0].hash.substr(0, 5), "xxh3:");
}

TEST(Labels, ReadsTheSidecarOfNpy) {
  const TempFolder folder;
  write_npy(folder / "y.npy", std::vector<std::int64_t>{1, 0});
  put(folder / "y.json", R"({"fingerprint": "xxh3:0000000000000003"})");
  EXPECT_EQ(read_labels((folder / "y.npy").string()).fingerprint, Fingerprint(3));
}

TEST(Labels, ReadsTheColumnCalledLabel) {
  const Labels labels = read_labels(fixture("csv/quoted.csv").string());
  EXPECT_EQ(labels.class_names, (Names{"an, owl", "cat", "dog"}));
  EXPECT_EQ(labels.values, (Values{1, 2, 1, 0, 2}));
}

TEST(Labels, ReadsIntegersOfCsvAsTheyAre) {
  const Labels labels = read_labels(fixture("csv/bom.csv").string());
  EXPECT_EQ(labels.values, (Values{3, 0, 1}));
  EXPECT_EQ(labels.class_names, (Names{"0", "1", "2", "3"}));
}

TEST(Labels, ASingleColumnNeedsNoTitle) {
  const TempFolder folder;
  EXPECT_EQ(read_text(folder, "2\n0\n1\n").values, (Values{2, 0, 1}));
  EXPECT_EQ(read_text(folder, "y\n2\n0\n").values, (Values{2, 0}));
  EXPECT_EQ(read_text(folder, "b\na\nb\n").values, (Values{1, 0, 1}));
  EXPECT_EQ(read_text(folder, "label\nb\na\n").values, (Values{1, 0}));
}

TEST(Labels, BadCsvLabelsNameLineAndRow) {
  const TempFolder folder;
  const auto fails = [&](std::string_view text, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { read_text(folder, text); }, found);
  };
  fails("label\n0\n-1\n", {"y.csv: line 3 (row 1)", "'-1'"});
  fails("label\n0\n1.5\n", {"y.csv: line 3 (row 1)", "'1.5'"});
  fails("label\n0\n\n1\n", {"y.csv: line 3 (row 1)", "''"});
  fails("label\ncat\n\n", {"y.csv: line 3 (row 1)", "empty"});
  fails("\n1\n", {"y.csv: line 1 (row 0)", "empty"});
  fails("label\n0\ncat\n", {"y.csv: line 3 (row 1)", "'cat'"});
  fails("label\ncat\n7\n", {"y.csv: line 3 (row 1)", "number '7'", "'cat'"});
  fails("0\nnan\n", {"y.csv: line 2 (row 1)", "'nan'"});
  fails("0\n99999999999999999999\n", {"line 2 (row 1)", "'99999999999999999999'"});
  fails("0\n1000000\n", {"line 2 (row 1)", "'1000000'", "[0, 1000000)"});
  fails("a,b\n1,2\n", {"y.csv", "2 columns", "'label'"});
  fails("label\n", {"y.csv", "no labels"});
  fails("a,label\n1\n", {"line 2 (row 0)", "1 fields; expected 2"});
}

TEST(Labels, BadNpyLabelsNameTheRow) {
  const TempFolder folder;
  const auto path = (folder / "y.npy").string();
  write_npy(path, std::vector<std::int64_t>{0, 1, -3});
  expect_error<BadFile>([&] { read_labels(path); }, {"y.npy: row 2", "-3"});
  write_npy(path, std::vector<std::int64_t>{0, 1LL << 40});
  expect_error<BadFile>([&] { read_labels(path); }, {"y.npy: row 1", "1099511627776"});
  write_npy(path, std::vector<double>{0, 1});
  expect_error<BadFile>([&] { read_labels(path); }, {"y.npy", "float64; expected integers"});
  write_npy(path, std::vector<std::int32_t>{});
  expect_error<BadFile>([&] { read_labels(path); }, {"y.npy", "no labels"});
}

TEST(Labels, ReadsThoseOfADataset) {
  const Labels labels = read_labels("fashion-mnist:" + fixture("idx/plain").string());
  EXPECT_EQ(labels.values, (Values{9, 0, 3, 3, 1, 0}));
  EXPECT_EQ(labels.class_names[9], "Ankle boot");
  EXPECT_TRUE(labels.fingerprint.known());
  expect_error<InvalidArgument>([] { read_labels("npy:" + fixture("npy/float32.npy").string()); },
                                {"has no labels"});
}

TEST(Labels, OtherTextsAreErrors) {
  expect_error<BadFile>([] { read_labels("missing.npy"); }, {"missing.npy", "cannot open"});
  expect_error<BadFile>([] { read_labels(fixture("images/rgb.png").string()); },
                        {"rgb.png", ".npy, .csv"});
  expect_error<InvalidArgument>([] { read_labels("nonsense"); }, {"nonsense", "unknown kind"});
}

}  // namespace
}  // namespace winnow::io
