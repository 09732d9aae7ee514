#include <gtest/gtest.h>

#include "unit/io/raw_images_values.hpp"
#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<std::int32_t>;

std::unique_ptr<Dataset> open(const std::string& text) {
  return open_dataset(DatasetSpec::parse(text));
}

TEST(Svhn, ReadsPlainAndPackedAlike) {
  for (const char* folder : {"svhn/plain", "svhn/packed"}) {
    const auto data = open("svhn:" + fixture(folder).string());
    EXPECT_EQ(data->labels(), (Values{1, 9, 0, 2, 0}));
    EXPECT_EQ(data->class_names()[0], "0");
    EXPECT_EQ(data->key(4), "train/4");
    EXPECT_EQ(data->image_shape(), (ImageShape{32, 32, 3}));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(pixels_of(*data, {i}), fixture_pixels(i)) << i;
    ASSERT_EQ(data->inputs().size(), 1U);
    EXPECT_EQ(data->encoded_image(0).mime, "image/png");
  }
  EXPECT_EQ(open("svhn:" + fixture("svhn/plain").string())->fingerprint(),
            open("svhn:" + fixture("svhn/packed").string())->fingerprint());
}

TEST(Svhn, HasOtherSplits) {
  const auto test = open_test_split(DatasetSpec::parse("svhn:" + fixture("svhn/packed").string()));
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(test->labels(), (Values{5, 0}));
  EXPECT_EQ(pixels_of(*test, {1}), fixture_pixels(101));
  const auto extra = open("svhn:" + fixture("svhn/plain").string() + "#extra");
  EXPECT_EQ(extra->key(0), "extra/0");
  EXPECT_EQ(extra->labels(), Values{7});
  EXPECT_EQ(pixels_of(*extra, {0}), fixture_pixels(200));
  EXPECT_EQ(open_test_split(DatasetSpec::parse("svhn:" + fixture("svhn/plain").string())), nullptr);
  expect_error<BadFile>([] { open("svhn:" + fixture("svhn/packed").string() + "#extra"); },
                        {"no file extra_32x32.mat", "svhn:DIR"});
}

TEST(Svhn, OtherArraysAreErrors) {
  const TempFolder folder;
  const auto fails = [&](const std::string& name, const std::vector<std::string>& found) {
    fs::copy_file(fixture(name), folder / "train_32x32.mat", fs::copy_options::overwrite_existing);
    expect_error<BadFile>([&] { open("svhn:" + folder.text()); }, found);
  };
  fails("svhn/bad/no-y.mat", {"train_32x32.mat: no variable 'y'", "X"});
  fails("svhn/bad/double.mat", {"X is [32, 32, 3, 1] double; expected [32, 32, 3, n] uint8"});
  fails("svhn/bad/narrow.mat", {"X is [32, 16, 3, 1] uint8"});
  fails("svhn/bad/empty.mat", {"X is [32, 32, 3, 0] uint8", "at least 1"});
  fails("svhn/bad/more-labels.mat", {"y is [2, 1]; expected [1, 1]"});
  fails("svhn/bad/zero.mat", {"y: row 0 is 0; expected 1 to 10"});
  fails("svhn/bad/half.mat", {"y: row 0 is 1.5"});
}

}  // namespace
}  // namespace winnow::io
