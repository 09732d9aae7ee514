#include "winnow/io/dataset.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "io/image_transform.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Dataset> open(const std::string& text) {
  return open_dataset(DatasetSpec::parse(text));
}

std::string spec(const std::string& kind, const std::string& name) {
  return kind + ":" + fixture(name).string();
}

/// By definition: key bytes, a zero, the label as int32 (-1 without labels), in order.
Fingerprint fingerprint_of(const std::vector<std::string>& keys,
                           const std::vector<std::int32_t>& labels) {
  std::string text;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    text += keys[i] + '\0';
    text.append(reinterpret_cast<const char*>(&labels[i]), 4);
  }
  Hasher hasher;
  hasher.add(text);
  return Fingerprint(hasher.digest());
}

TEST(DatasetSpec, ParsesItsForms) {
  const auto fashion = DatasetSpec::parse("fashion-mnist");
  EXPECT_EQ(fashion.kind, "fashion-mnist");
  EXPECT_EQ(fashion.location, "");
  EXPECT_EQ(fashion.split, "");
  const auto mnist = DatasetSpec::parse("mnist:/data/m#test");
  EXPECT_EQ(mnist.location, "/data/m");
  EXPECT_EQ(mnist.split, "test");
  EXPECT_EQ(mnist.text, "mnist:/data/m#test");
  const auto npy = DatasetSpec::parse("npy:x.npy,labels=y.csv");
  EXPECT_EQ(npy.location, "x.npy");
  EXPECT_EQ(npy.labels, "y.csv");
  EXPECT_EQ(DatasetSpec::parse("images:/a#b/c").location, "/a#b/c");
  EXPECT_EQ(DatasetSpec::parse("images:C:/a,b").location, "C:/a,b");
}

TEST(DatasetSpec, ChangesItsSplit) {
  const auto spec = DatasetSpec::parse("mnist:/m#train");
  EXPECT_EQ(spec.with_split("test").text, "mnist:/m#test");
  EXPECT_EQ(spec.with_split("test").split, "test");
  EXPECT_EQ(spec.with_split("").text, "mnist:/m");
  EXPECT_EQ(DatasetSpec::parse("mnist:/m").with_split("train").text, "mnist:/m#train");
}

TEST(DatasetSpec, OptionsFollowThePath) {
  const auto parsed = DatasetSpec::parse(
      "images:/a,b/c.tar,labels=d/y.csv,label-column=who,image-size=64,skip-unreadable#train");
  EXPECT_EQ(parsed.location, "/a,b/c.tar");
  EXPECT_EQ(parsed.labels, "d/y.csv");
  EXPECT_EQ(parsed.label_column, "who");
  EXPECT_EQ(parsed.reading.image_size, 64);
  EXPECT_TRUE(parsed.reading.skip_unreadable);
  EXPECT_EQ(parsed.split, "train");
  EXPECT_EQ(DatasetSpec::parse("fashion-mnist,image-size=32").reading.image_size, 32);
  EXPECT_EQ(DatasetSpec::parse("images:/a,b=/c").location, "/a,b=/c");
}

TEST(DatasetSpec, ReadingOptionsJoinTheText) {
  const auto plain = DatasetSpec::parse("images:/p#test");
  const auto joined = plain.with_reading({.image_size = 64, .skip_unreadable = true});
  EXPECT_EQ(joined.text, "images:/p,image-size=64,skip-unreadable#test");
  EXPECT_EQ(joined.reading, DatasetSpec::parse(joined.text).reading);
  EXPECT_EQ(plain.with_reading({}).text, plain.text);
  EXPECT_EQ(joined.with_reading({.image_size = 64}).text, joined.text);
  expect_error<InvalidArgument>([&] { joined.with_reading({.image_size = 32}); },
                                {"image-size is 64 here and 32 as an option"});
}

TEST(DatasetSpec, MistakesAreNamed) {
  const auto fails = [](const std::string& text, const std::vector<std::string>& found) {
    expect_error<InvalidArgument>([&] { DatasetSpec::parse(text); }, found);
  };
  fails("fashon-mnist", {"fashon-mnist", "did you mean fashion-mnist?"});
  fails("xyzzyxyzzy:a", {"unknown kind 'xyzzyxyzzy'", "images:PATH"});
  fails("", {"unknown kind ''"});
  fails("mnist", {"nothing after the kind"});
  fails("mnist:", {"nothing after the kind"});
  fails("npy:", {"nothing after the kind"});
  fails("npy:x.npy,labels=", {"labels has no value"});
  fails("images:x,lables=y", {"unknown option 'lables'", "did you mean labels?"});
  fails("images:x,image-size=12.5", {"image-size", "expected a whole number"});
  fails("images:x,image-size=5000", {"image-size = 5000", "[0, 4096]"});
  fails("images:x,image-size=64,resize-size=60", {"resize-size = 60", "at least image-size, 64"});
  fails("images:x,resize-size=60", {"resize-size = 60 without image-size"});
  fails("images:x,skip-unreadable=1", {"skip-unreadable stands alone"});
  fails("images:x,image-size=8,image-size=9", {"image-size is given twice"});
  fails("images:x,label-column=a", {"label-column without labels=FILE"});
  fails("fashion-mnist,x", {"',x' is no option"});
  fails("mnist:/m#valid", {"unknown split 'valid'"});
  fails("npy:x.npy#test", {"npy has no splits"});
  fails(fixture("idx").string(), {"did you mean images:" + fixture("idx").string()});
  fails(fixture("npy/cube.npy").string(), {"did you mean npy:"});
}

TEST(Idx, ReadsPlainAndPackedAlike) {
  for (const char* folder : {"idx/plain", "idx/packed"}) {
    const auto data = open(spec("fashion-mnist", folder));
    EXPECT_EQ(data->size(), 6);
    EXPECT_EQ(data->split(), "train");
    EXPECT_EQ(data->key(5), "train/5");
    EXPECT_EQ(data->labels(), (std::vector<std::int32_t>{9, 0, 3, 3, 1, 0}));
    EXPECT_EQ(data->class_names()[0], "T-shirt/top");
    EXPECT_EQ(data->image_shape(), (ImageShape{4, 5, 1}));
    std::vector<std::uint8_t> pixels(40);
    const std::int64_t ids[] = {4, 1};
    data->read_images(ids, pixels);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(pixels[i], 80 + i);
      EXPECT_EQ(pixels[20 + i], 20 + i);
    }
    EXPECT_EQ(data->fingerprint(),
              fingerprint_of({"train/0", "train/1", "train/2", "train/3", "train/4", "train/5"},
                             {9, 0, 3, 3, 1, 0}));
    ASSERT_EQ(data->inputs().size(), 2U);
    for (const auto& input : data->inputs()) {
      Hasher hasher;
      hasher.add(bytes_of(input.path));
      EXPECT_EQ(input.hash, hash_text(hasher.digest()));
    }
    EXPECT_FALSE(data->file(0).has_value());
    expect_error<InvalidArgument>([&] { data->read_vectors(ids, {}); }, {"holds images"});
  }
}

TEST(Idx, HasATestSplit) {
  const auto parsed = DatasetSpec::parse(spec("mnist", "idx/packed"));
  const auto test = open_test_split(parsed);
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(test->size(), 3);
  EXPECT_EQ(test->key(2), "test/2");
  EXPECT_EQ(test->labels(), (std::vector<std::int32_t>{2, 0, 9}));
  EXPECT_EQ(test->class_names()[9], "9");
  EXPECT_EQ(open_dataset(parsed.with_split("test"))->fingerprint(), test->fingerprint());

  const TempFolder folder;
  for (const char* name : {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"}) {
    fs::copy(fixture("idx/packed") / name, folder / name);
  }
  EXPECT_EQ(open_test_split(DatasetSpec::parse("mnist:" + folder.text())), nullptr);
}

TEST(Idx, MissingFoldersNameThePackage) {
  expect_error<BadFile>([] { open("fashion-mnist:/nowhere"); },
                        {"/nowhere", "train-images-idx3-ubyte", "dataset-fashion-mnist"});
  expect_error<BadFile>([] { open("mnist:/nowhere"); }, {"/nowhere", "mnist:DIR"});
}

class DamagedIdx : public ::testing::Test {
 protected:
  DamagedIdx() {
    for (const char* name : {"train-images.idx3-ubyte", "train-labels.idx1-ubyte"}) {
      fs::copy(fixture("idx/plain") / name, folder_ / name);
    }
    images_ = bytes_of(folder_ / "train-images.idx3-ubyte");
    labels_ = bytes_of(folder_ / "train-labels.idx1-ubyte");
  }
  void fails(const std::string& name, std::string_view bytes,
             const std::vector<std::string>& found) {
    const std::string before = bytes_of(folder_ / name);
    put(folder_ / name, bytes);
    expect_error<BadFile>([&] { open("mnist:" + folder_.text()); }, found);
    put(folder_ / name, before);
  }

  TempFolder folder_;
  std::string images_;
  std::string labels_;
};

TEST_F(DamagedIdx, PlainFiles) {
  const std::string name = "train-images.idx3-ubyte";
  fails(name, "", {name, "empty"});
  fails(name, images_.substr(0, 9), {name, "truncated: 9 bytes"});
  fails(name, images_.substr(0, images_.size() - 1), {name, "needs 120 bytes", "has 119"});
  fails(name, images_ + "x", {name, "needs 120 bytes", "has 121"});
  fails(name, labels_ + std::string(9, 'x'), {name, "0x00000801; expected 0x00000803"});
  std::string huge = images_;
  for (std::size_t i = 4; i < 16; ++i) huge[i] = '\xFF';
  fails(name, huge, {name, "[4294967295, 4294967295, 4294967295]"});
  std::string none = images_.substr(0, 16);
  none[7] = 0;
  fails(name, none, {name, "[0, 4, 5]; expected at least one value"});
}

TEST_F(DamagedIdx, Labels) {
  const std::string name = "train-labels.idx1-ubyte";
  std::string bad = labels_;
  bad[8 + 2] = 10;
  fails(name, bad, {name, "row 2 is label 10; expected [0, 10)"});
  std::string fewer = labels_.substr(0, labels_.size() - 1);
  fewer[7] = 5;
  fails(name, fewer, {name, "5 labels", "6 images"});
}

TEST_F(DamagedIdx, PackedFiles) {
  const std::string name = "train-images.idx3-ubyte";
  const std::string packed = bytes_of(fixture("idx/packed/train-images-idx3-ubyte.gz"));
  for (std::size_t length = 2; length < packed.size(); ++length) {
    fails(name, packed.substr(0, length), {name, "compressed data"});
  }
  fails(name, packed + "x", {name, "more data"});
  std::string flipped = packed;
  flipped[packed.size() - 8] = static_cast<char>(flipped[packed.size() - 8] ^ 1);
  fails(name, flipped, {name, "damaged compressed data"});
  fails(name, bytes_of(fixture("idx/packed/train-labels-idx1-ubyte.gz")), {name, "16 bytes"});
}

TEST(FashionMnist, OpensWhereDebianPutsIt) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "package not installed";
  const auto data = open("fashion-mnist");
  EXPECT_EQ(data->size(), 60000);
  EXPECT_EQ(data->image_shape(), (ImageShape{28, 28, 1}));
  std::vector<int> count(10);
  for (const auto label : data->labels()) ++count[static_cast<std::size_t>(label)];
  EXPECT_EQ(count, std::vector<int>(10, 6000));
  EXPECT_EQ(open_test_split(DatasetSpec::parse("fashion-mnist"))->size(), 10000);
}

TEST(NpyDataset, HoldsGreyImages) {
  const TempFolder folder;
  write_npy(folder / "y.npy", std::vector<std::int64_t>{1, 0});
  const auto data = open(spec("npy", "npy/cube.npy") + ",labels=" + (folder / "y.npy").string());
  EXPECT_EQ(data->size(), 2);
  EXPECT_TRUE(data->has_images());
  EXPECT_EQ(data->image_shape(), (ImageShape{3, 4, 1}));
  EXPECT_EQ(data->labels(), (std::vector<std::int32_t>{1, 0}));
  EXPECT_EQ(data->key(1), "1");
  EXPECT_EQ(data->fingerprint(), fingerprint_of({"0", "1"}, {1, 0}));
  std::vector<std::uint8_t> pixels(12);
  const std::int64_t id = 1;
  data->read_images({&id, 1}, pixels);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(pixels[i], 12 + i);
  EXPECT_EQ(open_test_split(DatasetSpec::parse(spec("npy", "npy/cube.npy"))), nullptr);
}

TEST(NpyDataset, HoldsColourImages) {
  const auto data = open(spec("npy", "npy/rgb-images.npy"));
  EXPECT_EQ(data->image_shape(), (ImageShape{3, 4, 3}));
  EXPECT_FALSE(data->has_labels());
  EXPECT_EQ(data->fingerprint(), fingerprint_of({"0", "1"}, {-1, -1}));
}

TEST(NpyDataset, ImagesAreResizedAndCut) {
  const TempFolder folder;
  std::vector<std::uint8_t> pixels(2 * 6 * 9 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37);
  put(folder / "x.npy", npy_bytes<std::uint8_t>("|u1", "(2, 6, 9, 3)", pixels));
  const std::string text = "npy:" + (folder / "x.npy").string();
  const auto data = open(text + ",image-size=4,resize-size=5");
  EXPECT_EQ(data->image_shape(), (ImageShape{4, 4, 3}));
  for (const std::int64_t id : {0, 1}) {
    std::vector<std::uint8_t> found(4 * 4 * 3);
    std::vector<std::uint8_t> expected(found.size());
    data->read_images({&id, 1}, found);
    const auto image = std::span(pixels).subspan(static_cast<std::size_t>(id) * 162, 162);
    transform_image(image, {6, 9, 3}, {.resize = 5, .crop = 4}, expected);
    EXPECT_EQ(found, expected);
  }
  // For a page they stay as they are, and so does the dataset.
  EXPECT_EQ(data->encoded_image(1).bytes, open(text)->encoded_image(1).bytes);
  EXPECT_EQ(data->fingerprint(), open(text)->fingerprint());
  expect_error<BadFile>([&] { open(text + ",max-pixels=53"); }, {"x.npy", "54"});
}

TEST(NpyDataset, HoldsVectorsInEitherOrder) {
  for (const char* name : {"npy/int16.npy", "npy/uint8.npy", "npy/fortran-float16.npy"}) {
    const auto data = open(spec("npy", name));
    EXPECT_FALSE(data->has_images());
    EXPECT_EQ(data->size(), 4);
    EXPECT_EQ(data->vector_width(), 3);
    const std::int64_t ids[] = {3, 0};
    std::vector<float> rows(6);
    data->read_vectors(ids, rows);
    EXPECT_EQ(rows, (std::vector<float>{9, 10, 11, 0, 1, 2}));
    expect_error<InvalidArgument>([&] { data->image_shape(); }, {name, "holds vectors"});
    expect_error<InvalidArgument>([&] { data->read_images({}, {}); }, {"holds vectors"});
    const std::int64_t beyond = 4;
    expect_error<InvalidArgument>(
        [&] {
          data->read_vectors({&beyond, 1}, rows);
        },
        {"sample id 4; expected [0, 4)"});
    expect_error<InvalidArgument>([&] { data->read_vectors(ids, std::span(rows).first(5)); },
                                  {"room for 5 values; expected 6"});
  }
}

TEST(NpyDataset, NonFiniteVectorsAreNamed) {
  const TempFolder folder;
  put(folder / "x.npy", npy_bytes<double>("<f8", "(2, 2)", {0, 1, 2, 1e40}));
  const auto data = open("npy:" + (folder / "x.npy").string());
  const std::int64_t id = 1;
  std::vector<float> row(2);
  expect_error<NonFiniteInput>(
      [&] {
        data->read_vectors({&id, 1}, row);
      },
      {"x.npy: row 1 column 1 is 1e+40, which overflows"});
}

TEST(NpyDataset, WrongArraysAreErrors) {
  const TempFolder folder;
  const auto fails = [&](const std::string& bytes, const std::string& found) {
    const auto path = put(folder / "x.npy", bytes);
    expect_error<BadFile>([&] { open("npy:" + path.string()); }, {"x.npy", found});
  };
  fails(npy_bytes<float>("<f4", "(1, 1, 2)", {0, 1}), "[1, 1, 2] float32; expected images, uint8");
  fails(npy_bytes<std::uint8_t>("|u1", "(1, 1, 1, 2)", {0, 1}), "[1, 1, 1, 2] uint8");
  fails(npy_bytes<std::uint8_t>("|u1", "(2,)", {0, 1}), "[2] uint8");
  fails(npy_bytes<float>("<f4", "(0, 2)", {}), "[0, 2] float32");
  fails(npy_bytes<std::uint8_t>("|u1", "(0, 2, 2)", {}), "[0, 2, 2] uint8");
  fails(npy_bytes("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2, 2)}", "1234"),
        "Fortran order");
  write_npy(folder / "y.npy", std::vector<std::int64_t>{1, 0, 1});
  expect_error<DatasetMismatch>(
      [&] { open(spec("npy", "npy/cube.npy") + ",labels=" + (folder / "y.npy").string()); },
      {"y.npy: 3 labels, but npy:", "cube.npy", "has 2 examples"});
}

}  // namespace
}  // namespace winnow::io
