#include <gtest/gtest.h>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

using Names = std::vector<std::string>;
using Values = std::vector<std::int32_t>;

/// Keys and labels without content.
class KeyedDataset final : public Dataset {
 public:
  KeyedDataset(Names keys, Values labels, Names class_names, Names skipped = {})
      : keys_(std::move(keys)) {
    name_ = "keyed";
    labels_ = std::move(labels);
    class_names_ = std::move(class_names);
    for (auto& key : skipped) skipped_.push_back({std::move(key), "unreadable"});
    seal();
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(keys_.size()); }
  std::string key(std::int64_t id) const override { return keys_[static_cast<std::size_t>(id)]; }
  bool has_images() const override { return false; }
  ImageShape image_shape() const override { return {}; }
  void read_images(std::span<const std::int64_t> /*ids*/,
                   std::span<std::uint8_t> /*out*/) const override {}
  EncodedImage encoded_image(std::int64_t /*id*/) const override { return {}; }

 private:
  Names keys_;
};

class LabelJoin : public ::testing::Test {
 protected:
  Labels join(std::string_view csv, const Dataset& dataset, const std::string& column = "") {
    return join_labels(dataset, put(folder_ / "y.csv", csv).string(), column);
  }
  Values values(std::string_view csv) { return join(csv, animals_).values; }
  template <class E>
  void fails(std::string_view csv, const Dataset& dataset, const std::vector<std::string>& found) {
    expect_error<E>([&] { join(csv, dataset); }, found);
  }

  TempFolder folder_;
  KeyedDataset animals_{
      {"train/cat/0.png", "train/cat/1.png", "train/dog/0.png"}, {1, 1, 0}, {"dog", "cat"}};
  KeyedDataset plain_{{"0", "1", "2"}, {}, {}};
};

TEST_F(LabelJoin, NamesInAnyOrderAndInAnyOfTheColumns) {
  for (const char* title : {"path", "file", "filename", "file_name", "key", "image", "Image"}) {
    const std::string csv = std::string("id,") + title +
                            ",label\n"
                            "0,train/dog/0.png,cat\n1,train/cat/0.png,dog\n2,train/cat/1.png,cat\n";
    EXPECT_EQ(values(csv), (Values{0, 1, 1})) << title;
  }
  const Labels labels = join(
      "path,label\n./train/dog/0.png,dog\ntrain/cat/1.png,dog\n"
      "train/cat/0.png,dog\n",
      animals_);
  EXPECT_EQ(labels.values, (Values{0, 0, 0}));
  EXPECT_EQ(labels.class_names, (Names{"dog", "cat"}));
  EXPECT_EQ(labels.fingerprint, animals_.fingerprint());
  EXPECT_EQ(labels.inputs.size(), 1U);
}

TEST_F(LabelJoin, TheFirstOfSeveralColumnsNames) {
  EXPECT_EQ(values("image,path,label\nx,train/cat/0.png,0\ny,train/cat/1.png,1\n"
                   "z,train/dog/0.png,0\n"),
            (Values{0, 1, 0}));
}

TEST_F(LabelJoin, NamesThatEndAsKeysDo) {
  EXPECT_EQ(values("path,label\ncat/1.png,dog\ncat/0.png,cat\ndog/0.png,dog\n"), (Values{1, 0, 0}));
  EXPECT_EQ(values("path,label\n/data/x/train/cat/1.png,dog\n1/train/dog/0.png,cat\n"
                   "train/cat/0.png,cat\n"),
            (Values{1, 0, 1}));
}

TEST_F(LabelJoin, AnEqualKeyComesBeforeALongerOne) {
  const KeyedDataset nested({"a/0.png", "train/a/0.png"}, {}, {});
  EXPECT_EQ(join("path,label\ntrain/a/0.png,x\na/0.png,y\n", nested).values, (Values{1, 0}));
}

TEST_F(LabelJoin, OnlyWholePartsOfAPathFit) {
  fails<DatasetMismatch>("path,label\nat/0.png,dog\ncat/1.png,cat\ndog/0.png,cat\n", animals_,
                         {"y.csv: 1 of 3 names are no example of keyed", "'at/0.png' on line 2"});
}

TEST_F(LabelJoin, NamesThatFitSeveral) {
  fails<BadFile>("path,label\n0.png,dog\ncat/1.png,cat\ndog/0.png,cat\n", animals_,
                 {"y.csv: line 2 (row 0)", "'0.png' fits 'train/cat/0.png' and 'train/dog/0.png'"});
}

TEST_F(LabelJoin, MissingUnknownAndRepeatedNamesAreCounted) {
  fails<DatasetMismatch>("path,label\ntrain/cat/0.png,cat\n", animals_,
                         {"no label for 2 of 3 examples of keyed", "'train/cat/1.png'"});
  fails<DatasetMismatch>("path,label\ntrain/cat/0.png,cat\nx.png,cat\ny.png,cat\n", animals_,
                         {"2 of 3 names are no example", "'x.png' on line 3", "'train/cat/0.png'"});
  fails<BadFile>(
      "path,label\ntrain/cat/0.png,cat\ncat/1.png,cat\ntrain/dog/0.png,dog\n"
      "train/cat/0.png,dog\ncat/1.png,cat\n",
      animals_, {"2 of 5 rows name an example again", "'train/cat/0.png' on line 5", "line 2"});
}

TEST_F(LabelJoin, NamesOfExamplesLeftOutArePassedOver) {
  const KeyedDataset some({"cat/0.png", "dog/0.png"}, {0, 1}, {"cat", "dog"}, {"cat/1.png"});
  const std::string table = "path,label\ncat/0.png,dog\ncat/1.png,new\ndog/0.png,cat\n";
  EXPECT_EQ(join(table, some).values, (Values{1, 0}));
  fails<DatasetMismatch>("label\n1\n0\n1\n", some, {"3 labels", "2 examples (1 are left out)"});
}

TEST_F(LabelJoin, WithoutNamesByOrder) {
  EXPECT_EQ(values("label\ncat\ndog\ndog\n"), (Values{1, 0, 0}));
  EXPECT_EQ(values("0\n1\n1\n"), (Values{0, 1, 1}));
  fails<DatasetMismatch>("label\ncat\n", animals_,
                         {"y.csv: 1 labels, but keyed has 3 examples", "column 'path'"});
  write_npy(folder_ / "y.npy", std::vector<std::int64_t>{0, 1, 0});
  const Labels labels = join_labels(animals_, (folder_ / "y.npy").string());
  EXPECT_EQ(labels.values, (Values{0, 1, 0}));
  EXPECT_EQ(labels.class_names, (Names{"dog", "cat"}));
}

TEST_F(LabelJoin, IntegersAreIndicesOfTheOwnClasses) {
  fails<BadFile>("label\n0\n2\n0\n", animals_, {"y.csv: line 3 (row 1)", "'2'", "[0, 2)"});
  write_npy(folder_ / "y.npy", std::vector<std::int64_t>{0, 1, 2});
  expect_error<BadFile>([&] { join_labels(animals_, (folder_ / "y.npy").string()); },
                        {"y.npy: row 2", "2; expected a class index in [0, 2) of keyed"});
  EXPECT_EQ(join("label\n0\n7\n2\n", plain_).class_names.size(), 8U);
}

TEST_F(LabelJoin, OtherTextsAreClassesInByteOrder) {
  const Labels labels = join("label\nzebra\ncat\nant\n", animals_);
  EXPECT_EQ(labels.class_names, (Names{"ant", "cat", "zebra"}));
  EXPECT_EQ(labels.values, (Values{2, 1, 0}));
}

TEST_F(LabelJoin, OneClassIsEnough) {
  const Labels labels = join("label\nx\nx\nx\n", plain_);
  EXPECT_EQ(labels.class_names, Names{"x"});
  EXPECT_EQ(labels.values, (Values{0, 0, 0}));
}

TEST_F(LabelJoin, NumbersThatAreNamesOfOtherClassesAreErrors) {
  const KeyedDataset numbers({"a", "b", "c"}, {0, 1, 2}, {"1", "10", "2"});
  fails<BadFile>("label\n1\n2\n2\n", numbers,
                 {"y.csv: line 2 (row 0)", "'1' is the name of class 0 and the index of another"});
  EXPECT_EQ(join("label\n1\n10\n2\n", numbers).values, (Values{0, 1, 2}));
  EXPECT_EQ(join("label\n0\n0\n2\n", numbers).values, (Values{0, 0, 2}));
  const KeyedDataset same({"a", "b"}, {0, 1}, {"0", "1"});
  EXPECT_EQ(join("label\n1\n0\n", same).values, (Values{1, 0}));
}

TEST_F(LabelJoin, AnotherColumnMayHoldTheLabels) {
  const std::string table =
      "path,label,human\ntrain/cat/0.png,cat,dog\ntrain/cat/1.png,cat,cat\n"
      "train/dog/0.png,dog,cat\n";
  EXPECT_EQ(join(table, animals_, "human").values, (Values{0, 1, 1}));
  expect_error<BadFile>([&] { join(table, animals_, "Human"); },
                        {"no column 'Human'", "path, label, human"});
}

TEST_F(LabelJoin, WithoutADatasetNamesAreRefused) {
  const auto path = put(folder_ / "y.csv", "file,label\na,0\n").string();
  expect_error<BadFile>([&] { read_labels(path); },
                        {"its column 'file' names the examples", "SPEC,labels=" + path});
  expect_error<BadFile>([&] { join("path,other\na,b\n", animals_); },
                        {"names in the column 'path' but no labels"});
}

TEST_F(LabelJoin, TheSpecReplacesLabels) {
  const std::string own = "mnist:" + fixture("idx/plain").string();
  const auto table =
      put(folder_ / "y.jsonl",
          "{\"key\": \"train/5\", \"label\": 1}\n{\"key\": \"train/4\", \"label\": 2}\n"
          "{\"key\": \"train/3\", \"label\": 3}\n{\"key\": \"train/2\", \"label\": 4}\n"
          "{\"key\": \"train/1\", \"label\": 5}\n{\"key\": \"train/0\", \"label\": 6}\n");
  const auto spec = DatasetSpec::parse(own + ",labels=" + table.string());
  const auto data = open_dataset(spec);
  EXPECT_EQ(data->labels(), (Values{6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(data->inputs().back().path, table.string());
  EXPECT_NE(data->fingerprint(), open_dataset(DatasetSpec::parse(own))->fingerprint());
  const auto test = open_test_split(spec);
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(test->labels(), (Values{2, 0, 9}));
  EXPECT_EQ(test->name(), own + "#test");
}

TEST(DatasetSpecLabels, CanBeTakenOut) {
  const auto plain = [](const std::string& text) {
    return DatasetSpec::parse(text).without_labels().text;
  };
  EXPECT_EQ(plain("images:/p,labels=y.csv,image-size=64,label-column=c,skip-unreadable#train"),
            "images:/p,image-size=64,skip-unreadable#train");
  EXPECT_EQ(plain("fashion-mnist,labels=y.npy"), "fashion-mnist");
  EXPECT_EQ(plain("images:/p,image-size=64"), "images:/p,image-size=64");
}

TEST(AlignClasses, NumbersThemAsTheReferenceDoes) {
  const KeyedDataset train({"a", "b"}, {0, 1}, {"cat", "dog", "owl"});
  KeyedDataset test({"c", "d"}, {0, 1}, {"dog", "cat"});
  const Fingerprint before = test.fingerprint();
  align_classes(test, train);
  EXPECT_EQ(test.class_names(), train.class_names());
  EXPECT_EQ(test.labels(), (Values{1, 0}));
  EXPECT_NE(test.fingerprint(), before);
  KeyedDataset other({"c"}, {0}, {"ant"});
  expect_error<DatasetMismatch>([&] { align_classes(other, train); }, {"class 'ant'"});
}

}  // namespace
}  // namespace winnow::io
