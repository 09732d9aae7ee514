#include <gtest/gtest.h>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;
using Values = std::vector<std::int32_t>;

/// Keeps what it is warned of.
class Warnings final : public Progress {
 public:
  void stage(std::string_view /*name*/, std::int64_t /*n*/, std::string_view /*unit*/) override {}
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view message) override { all.emplace_back(message); }
  std::vector<std::string> all;
};

std::unique_ptr<Dataset> open(const std::string& path, Progress& progress = silent()) {
  return open_dataset(DatasetSpec::parse("images:" + path), progress);
}

std::unique_ptr<Dataset> open_tar(const std::string& name) {
  return open(fixture("tar/" + name).string());
}

Names keys_of(const Dataset& data) {
  Names keys;
  for (std::int64_t i = 0; i < data.size(); ++i) keys.push_back(data.key(i));
  return keys;
}

std::vector<std::uint8_t> expected_pixels(const std::string& name) {
  const NpyFile file(fixture("images/" + name + "-rgb.npy"));
  std::vector<std::uint8_t> values(static_cast<std::size_t>(file.size()));
  file.read<std::uint8_t>(0, values);
  return values;
}

class ImageFolder : public ::testing::Test {
 protected:
  void add(const std::string& name, const std::string& source) {
    put(folder_ / name, bytes_of(fixture("images/" + source)));
  }
  void fails(const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { open(folder_.text()); }, found);
  }

  TempFolder folder_;
};

TEST_F(ImageFolder, OrdersClassesThenFilesByBytes) {
  add("b/2.png", "rgb.png");
  add("b/10.JPG", "rgb.jpg");
  add("a/deep/x.jpeg", "grey.jpg");
  add("a-b/1.png", "grey.png");
  add("a/.hidden.png", "grey.png");
  const auto data = open(folder_.text());
  // As whole paths `a-b/1.png` would come before `a/...`: classes order first.
  EXPECT_EQ(keys_of(*data), (Names{"a/deep/x.jpeg", "a-b/1.png", "b/10.JPG", "b/2.png"}));
  EXPECT_EQ(data->class_names(), (Names{"a", "a-b", "b"}));
  EXPECT_EQ(data->labels(), (Values{0, 1, 2, 2}));
  EXPECT_EQ(data->split(), "");
  EXPECT_EQ(data->image_shape(), (ImageShape{6, 5, 3}));
  EXPECT_EQ(data->file(3), folder_ / "b/2.png");

  std::vector<std::uint8_t> pixels(2 * 90);
  const std::int64_t ids[] = {3, 0};
  data->read_images(ids, pixels);
  auto expected = expected_pixels("rgb.png");
  const auto second = expected_pixels("grey.jpg");
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(pixels, expected);

  const EncodedImage shown = data->encoded_image(2);
  EXPECT_EQ(shown.mime, "image/jpeg");
  EXPECT_EQ(shown.bytes, bytes_of(fixture("images/rgb.jpg")));
  EXPECT_EQ(data->encoded_image(3).mime, "image/png");
}

TEST_F(ImageFolder, HasSplitsThatShareTheirClasses) {
  add("train/a/1.png", "rgb.png");
  add("train/b/1.png", "grey.png");
  add("test/b/7.png", "rgba.png");
  const auto train = open(folder_.text());
  EXPECT_EQ(train->split(), "train");
  EXPECT_EQ(keys_of(*train), (Names{"train/a/1.png", "train/b/1.png"}));
  const auto test = open_test_split(DatasetSpec::parse("images:" + folder_.text()));
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(keys_of(*test), Names{"test/b/7.png"});
  EXPECT_EQ(test->labels(), Values{1});
  EXPECT_EQ(test->class_names(), (Names{"a", "b"}));
  EXPECT_EQ(open(folder_.text() + "#test")->fingerprint(), test->fingerprint());

  add("test/new/1.png", "rgb.png");
  expect_error<BadFile>([&] { open(folder_.text() + "#test"); },
                        {"test/new/1.png", "class 'new' has no folder in train"});
}

TEST_F(ImageFolder, ValStandsInForTest) {
  add("train/a/1.png", "rgb.png");
  add("val/a/2.png", "rgb.png");
  EXPECT_EQ(keys_of(*open(folder_.text() + "#test")), Names{"val/a/2.png"});
}

TEST_F(ImageFolder, OrdinaryClassesAreNoSplits) {
  add("train/1.png", "rgb.png");
  add("plane/1.png", "rgb.png");
  EXPECT_EQ(open(folder_.text())->class_names(), (Names{"plane", "train"}));
  EXPECT_EQ(open_test_split(DatasetSpec::parse("images:" + folder_.text())), nullptr);
  expect_error<InvalidArgument>([&] { open(folder_.text() + "#test"); }, {"no splits"});
}

TEST_F(ImageFolder, ImagesOutsideClassesAreErrors) {
  add("a/1.png", "rgb.png");
  add("stray.png", "rgb.png");
  fails({(folder_ / "stray.png").string(), "outside the class folders"});
}

TEST_F(ImageFolder, ImagesBesideSplitsAreErrors) {
  add("train/a/1.png", "rgb.png");
  add("test/a/1.png", "rgb.png");
  put(folder_ / "README", "x");
  EXPECT_EQ(open(folder_.text())->size(), 1);
  add("stray.jpg", "rgb.jpg");
  fails({(folder_ / "stray.jpg").string(), "outside the class folders"});
}

TEST_F(ImageFolder, OtherFilesAreToldOfAndOtherImagesAreErrors) {
  add("a/1.png", "rgb.png");
  put(folder_ / "a/notes.txt", "x");
  put(folder_ / "README", "x");
  Warnings warnings;
  EXPECT_EQ(open(folder_.text(), warnings)->size(), 1);
  ASSERT_EQ(warnings.all.size(), 1U);
  EXPECT_NE(warnings.all[0].find("2 files that are not images, the first README"),
            std::string::npos);
  put(folder_ / "a/2.WebP", "x");
  fails({"a/2.WebP", "format that is not read"});
}

TEST_F(ImageFolder, EmptyFoldersAreErrors) {
  fails({folder_.text(), "no JPEG or PNG images"});
  add("a/1.png", "rgb.png");
  fs::create_directories(folder_ / "b");
  fails({(folder_ / "b").string(), "no JPEG or PNG images in this class folder"});
  expect_error<BadFile>([] { open("/nowhere"); }, {"/nowhere", "no such folder"});
}

TEST_F(ImageFolder, FollowsLinksToFilesAndClassesButNotDeeper) {
  add("a/1.png", "rgb.png");
  fs::create_symlink(folder_ / "a/1.png", folder_ / "a/2.png");
  fs::create_directory_symlink(folder_ / "a", folder_ / "b");
  EXPECT_EQ(keys_of(*open(folder_.text())), (Names{"a/1.png", "a/2.png", "b/1.png", "b/2.png"}));
  fs::create_directory_symlink(folder_.text(), folder_ / "a/loop");
  fails({"/loop: a link to a folder"});
  fs::remove(folder_ / "a/loop");
  fs::create_symlink("nothing", folder_ / "a/3.png");
  fails({"/3.png: a link to nothing"});
}

TEST_F(ImageFolder, TheFirstImageOfAnotherSizeIsNamed) {
  for (int i = 0; i < 600; ++i) add("a/" + std::to_string(1000 + i) + ".png", "rgb.png");
  add("a/1300.png", "smaller.png");
  add("a/1599.png", "smaller.png");
  const auto data = open(folder_.text());
  for (int repeat = 0; repeat < 2; ++repeat) {
    expect_error<BadFile>([&] { data->image_shape(); },
                          {"a/1300.png: 4 x 5 pixels", "a/1000.png has 6 x 5", "resize"});
  }
}

TEST_F(ImageFolder, UnreadableImagesAreNamed) {
  add("a/1.png", "rgb.png");
  const std::string bytes = bytes_of(fixture("images/rgb.png"));
  put(folder_ / "a/2.png", bytes.substr(0, 100));
  const auto data = open(folder_.text());
  std::vector<std::uint8_t> pixels(180);
  const std::int64_t ids[] = {0, 1};
  expect_error<BadFile>([&] { data->read_images(ids, pixels); }, {"a/2.png", "damaged PNG"});
  put(folder_ / "a/2.png", "");
  expect_error<BadFile>([&] { data->read_images(ids, pixels); }, {"a/2.png", "empty"});
}

TEST(ImageTar, ReadsMembersWhereTheyLie) {
  Warnings warnings;
  const auto data = open(fixture("tar/ustar.tar").string(), warnings);
  EXPECT_EQ(keys_of(*data), (Names{"cat/10.PNG", "cat/2.png", "dog/b.jpg"}));
  EXPECT_EQ(data->class_names(), (Names{"cat", "dog"}));
  EXPECT_EQ(data->labels(), (Values{0, 0, 1}));
  EXPECT_FALSE(data->file(0).has_value());
  ASSERT_EQ(warnings.all.size(), 1U);
  EXPECT_NE(warnings.all[0].find("1 files that are not images, the first notes.txt"),
            std::string::npos);
  std::vector<std::uint8_t> pixels(90);
  const std::int64_t id = 2;
  data->read_images({&id, 1}, pixels);
  EXPECT_EQ(pixels, expected_pixels("rgb.jpg"));
  EXPECT_EQ(data->encoded_image(0).bytes, bytes_of(fixture("images/rgb.png")));
  EXPECT_EQ(open_test_split(DatasetSpec::parse("images:" + fixture("tar/ustar.tar").string())),
            nullptr);
}

TEST(ImageTar, TellsTheSameDatasetAsTheFolder) {
  const TempFolder folder;
  put(folder / "dog/b.jpg", bytes_of(fixture("images/rgb.jpg")));
  put(folder / "cat/2.png", bytes_of(fixture("images/rgb.png")));
  put(folder / "cat/10.PNG", bytes_of(fixture("images/rgb.png")));
  EXPECT_EQ(open(folder.text())->fingerprint(), open_tar("ustar.tar")->fingerprint());
}

TEST(ImageTar, KeepsLongAndForeignNames) {
  std::string name = "chât/";
  for (int i = 0; i < 30; ++i) name += "long";
  for (const char* tar : {"pax.tar", "gnu.tar"}) {
    const auto data = open_tar(tar);
    EXPECT_EQ(data->key(0), name + ".png") << tar;
    EXPECT_EQ(data->encoded_image(0).bytes, bytes_of(fixture("images/rgb.png"))) << tar;
  }
}

TEST(ImageTar, HasSplits) {
  const std::string path = fixture("tar/splits.tar").string();
  EXPECT_EQ(keys_of(*open(path)), (Names{"train/a/1.png", "train/b/1.png"}));
  const auto test = open_test_split(DatasetSpec::parse("images:" + path));
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(keys_of(*test), Names{"val/b/1.png"});
  EXPECT_EQ(test->labels(), Values{1});
}

TEST(ImageTar, MembersThatCannotBeTrustedAreErrors) {
  const auto fails = [](const std::string& tar, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { open_tar(tar); }, found);
  };
  fails("absolute.tar", {"absolute.tar: member /cat/1.png", "is absolute"});
  fails("dot-dot.tar", {"dot-dot.tar: member cat/../../1.png", ".."});
  fails("symlink.tar", {"symlink.tar: member cat/2.png", "is a link"});
  fails("hardlink.tar", {"hardlink.tar: member cat/2.png", "is a link"});
  fails("twice.tar", {"twice.tar: member cat/1.png", "twice"});
  fails("packed.tar.gz", {"packed.tar.gz", "decompress it"});
}

/// Cut anywhere before its end marker, a tar is an error.
TEST(ImageTar, TruncatedIsAnError) {
  const TempFolder folder;
  const std::string whole = bytes_of(fixture("tar/splits.tar"));
  const std::size_t last = whole.find_last_not_of('\0');
  for (std::size_t length = 0; length <= last; length += 64) {
    const auto path = put(folder / "cut.tar", whole.substr(0, length));
    expect_error<BadFile>([&] { open(path.string()); }, {"cut.tar"});
  }
}

TEST(ImageTar, OtherFilesAreErrors) {
  expect_error<BadFile>([] { open(fixture("images/rgb.png").string()); }, {"rgb.png", "tar"});
}

}  // namespace
}  // namespace winnow::io
