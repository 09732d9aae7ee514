#include <gtest/gtest.h>

#include "unit/io/raw_images_values.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<std::int32_t>;

constexpr std::size_t record = 3073;

std::unique_ptr<Dataset> open(const std::string& text) {
  return open_dataset(DatasetSpec::parse(text));
}

TEST(Cifar, ReadsTheBatchesOfCifar10) {
  for (const std::string folder : {"cifar", "cifar/cifar-10-batches-bin"}) {
    const auto data = open("cifar10:" + fixture(folder).string());
    EXPECT_EQ(data->labels(), (Values{6, 9, 9, 4, 1, 1, 2}));
    EXPECT_EQ(data->class_names()[6], "frog");
    EXPECT_EQ(data->class_names().size(), 10U);
    EXPECT_EQ(data->split(), "train");
    EXPECT_EQ(data->key(6), "train/6");
    EXPECT_EQ(data->image_shape(), (ImageShape{32, 32, 3}));
    for (int i = 0; i < 7; ++i) EXPECT_EQ(pixels_of(*data, {i}), fixture_pixels(i)) << i;
    std::vector<std::uint8_t> two = fixture_pixels(5);
    const auto third = fixture_pixels(2);
    two.insert(two.end(), third.begin(), third.end());
    EXPECT_EQ(pixels_of(*data, {5, 2}), two);
    ASSERT_EQ(data->inputs().size(), 5U);
    Hasher hasher;
    hasher.add(bytes_of(fixture("cifar/cifar-10-batches-bin/data_batch_2.bin")));
    EXPECT_EQ(data->inputs()[1].hash, hash_text(hasher.digest()));
  }
}

TEST(Cifar, HasATestSplit) {
  const auto spec = DatasetSpec::parse("cifar10:" + fixture("cifar").string());
  const auto test = open_test_split(spec);
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(test->labels(), (Values{3, 8}));
  EXPECT_EQ(test->key(1), "test/1");
  EXPECT_EQ(pixels_of(*test, {1}), fixture_pixels(101));
  EXPECT_EQ(test->fingerprint(), open(spec.text + "#test")->fingerprint());
}

TEST(Cifar, ReadsTheFineLabelsOfCifar100) {
  const auto data = open("cifar100:" + fixture("cifar").string());
  EXPECT_EQ(data->labels(), (Values{19, 99, 0}));
  EXPECT_EQ(data->class_names()[99], "fine 99");
  EXPECT_EQ(pixels_of(*data, {2}), fixture_pixels(2));
  EXPECT_EQ(open("cifar100:" + fixture("cifar").string() + "#test")->labels(), Values{49});
}

class DamagedCifar : public ::testing::Test {
 protected:
  DamagedCifar() { fs::copy(fixture("cifar"), folder_.path(), fs::copy_options::recursive); }

  void fails(const std::string& kind, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { open(kind + ":" + folder_.text()); }, found);
  }

  TempFolder folder_;
  fs::path ten_ = folder_ / "cifar-10-batches-bin";
  fs::path hundred_ = folder_ / "cifar-100-binary";
};

TEST_F(DamagedCifar, WithoutTheFileOfNamesTheyAreTheStandardOnes) {
  fs::remove(ten_ / "batches.meta.txt");
  fs::remove(hundred_ / "fine_label_names.txt");
  EXPECT_EQ(open("cifar10:" + folder_.text())->class_names(),
            open("cifar10:" + fixture("cifar").string())->class_names());
  const auto names = open("cifar100:" + folder_.text())->class_names();
  EXPECT_EQ(names[0], "apple");
  EXPECT_EQ(names[19], "cattle");
  EXPECT_EQ(names[99], "worm");
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(DamagedCifar, FilesOfOtherLengths) {
  const std::string bytes = bytes_of(ten_ / "data_batch_2.bin");
  put(ten_ / "data_batch_2.bin", bytes.substr(0, record + 100));
  fails("cifar10", {"data_batch_2.bin: 3173 bytes", "record 1 ends at byte 3173", "3073 bytes"});
  put(ten_ / "data_batch_2.bin", "");
  fails("cifar10", {"data_batch_2.bin: 0 bytes"});
  put(ten_ / "data_batch_2.bin", bytes + "x");
  fails("cifar10", {"6147 bytes"});
  put(hundred_ / "train.bin", bytes);
  fails("cifar100", {"train.bin: 6146 bytes", "records of 3074 bytes"});
}

TEST_F(DamagedCifar, LabelsOutOfRange) {
  std::string bytes = bytes_of(ten_ / "data_batch_5.bin");
  bytes[record] = 10;
  put(ten_ / "data_batch_5.bin", bytes);
  fails("cifar10", {"data_batch_5.bin: row 1 (byte 3073) is label 10; expected [0, 10)"});
  bytes = bytes_of(hundred_ / "train.bin");
  bytes[3075] = 100;
  put(hundred_ / "train.bin", bytes);
  fails("cifar100", {"train.bin: row 1 (byte 3075) is label 100; expected [0, 100)"});
}

TEST_F(DamagedCifar, MissingFilesSayWhatToDo) {
  fs::remove(ten_ / "data_batch_3.bin");
  fails("cifar10", {"no file data_batch_3.bin", "cifar10:DIR/cifar-10-batches-bin"});
  fs::remove_all(hundred_);
  fails("cifar100", {"no file train.bin"});
  put(folder_ / "cifar-100-python/train", "");
  fails("cifar100", {"Python version", "cifar-100-binary"});
  fs::remove(ten_ / "test_batch.bin");
  EXPECT_EQ(open_test_split(DatasetSpec::parse("cifar10:" + folder_.text())), nullptr);
}

TEST_F(DamagedCifar, WrongClassNames) {
  put(ten_ / "batches.meta.txt", "cat\ndog\n");
  fails("cifar10", {"batches.meta.txt: 2 class names; expected 10"});
  put(ten_ / "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\na\n");
  fails("cifar10", {"10 different ones"});
}

TEST_F(DamagedCifar, AFileThatShrinksIsAnError) {
  const auto data = open("cifar10:" + folder_.text());
  fs::resize_file(ten_ / "data_batch_1.bin", 0);
  expect_error<BadFile>([&] { pixels_of(*data, {0}); }, {"data_batch_1.bin"});
}

}  // namespace
}  // namespace winnow::io
