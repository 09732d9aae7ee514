#include "unit/io/image_stores.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Dataset> open_tar(const std::string& name, Progress& progress = silent()) {
  return open_images(fixture("tar/" + name).string(), progress);
}

TEST(ImageTar, ReadsMembersWhereTheyLie) {
  Warnings warnings;
  const auto data = open_tar("ustar.tar", warnings);
  EXPECT_EQ(keys_of(*data), (Names{"cat/10.PNG", "cat/2.png", "dog/b.jpg"}));
  EXPECT_EQ(data->class_names(), (Names{"cat", "dog"}));
  EXPECT_EQ(data->labels(), (Values{0, 0, 1}));
  EXPECT_FALSE(data->file(0).has_value());
  EXPECT_TRUE(data->files(0).empty());
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
  EXPECT_EQ(open_images(folder.text())->fingerprint(), open_tar("ustar.tar")->fingerprint());
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

TEST(ImageTar, NamesNeedNotBeUtf8) {
  for (const char* tar : {"bytes-ustar.tar", "bytes-gnu.tar", "bytes-pax.tar"}) {
    const auto data = open_tar(tar);
    EXPECT_EQ(keys_of(*data), Names{"cat/\xFF\xFE.png"}) << tar;
    EXPECT_EQ(all_pixels(*data), expected_pixels("rgb.png")) << tar;
  }
}

TEST(ImageTar, ReadsTheOldestForm) {
  const auto data = open_tar("v7.tar");
  EXPECT_EQ(keys_of(*data), (Names{"cat/1.png", "dog/2.jpg"}));
  EXPECT_EQ(data->encoded_image(1).bytes, bytes_of(fixture("images/rgb.jpg")));
}

TEST(ImageTar, HasSplits) {
  const std::string path = fixture("tar/splits.tar").string();
  EXPECT_EQ(keys_of(*open_images(path)), (Names{"train/a/1.png", "train/b/1.png"}));
  const auto test = open_test_split(DatasetSpec::parse("images:" + path));
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(keys_of(*test), Names{"val/b/1.png"});
  EXPECT_EQ(test->labels(), Values{1});
}

TEST(ImageTar, WithoutClassFoldersHasNoLabels) {
  const auto data = open_tar("flat.tar");
  EXPECT_EQ(keys_of(*data), (Names{"a.jpg", "b.png"}));
  EXPECT_FALSE(data->has_labels());
}

TEST(ImageTar, MembersThatCannotBeTrustedAreErrors) {
  const auto fails = [](const std::string& tar, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { open_tar(tar); }, found);
  };
  fails("absolute.tar", {"absolute.tar: member /cat/1.png", "is absolute"});
  fails("dot-dot.tar", {"dot-dot.tar: member cat/../../1.png", ".."});
  fails("symlink.tar", {"symlink.tar: member cat/2.png", "is a link"});
  fails("symlink-out.tar", {"symlink-out.tar: member cat/2.png", "is a link"});
  fails("hardlink.tar", {"hardlink.tar: member cat/2.png", "is a link"});
  fails("device.tar", {"device.tar: member cat/2.png", "special file"});
  fails("pipe.tar", {"pipe.tar: member cat/2.png", "special file"});
  fails("sparse.tar", {"sparse.tar: member cat/1.png", "sparse"});
  fails("twice.tar", {"twice.tar: member cat/1.png", "twice"});
  fails("huge.tar", {"huge.tar: member cat/1.png claims 1152921504606846976 bytes"});
  fails("short.tar", {"short.tar: member cat/1.png claims 4000 bytes"});
  fails("other-format.tar", {"other-format.tar: member cat/2.GIF", "format that is not read"});
  fails("empty.tar", {"empty.tar: no JPEG, PNG or WebP images"});
  fails("packed.tar.gz", {"packed.tar.gz", "decompress it"});
}

TEST(ImageTar, LinksToFoldersAreToldOf) {
  Warnings warnings;
  EXPECT_EQ(keys_of(*open_tar("folder-link.tar", warnings)), Names{"cat/1.png"});
  ASSERT_EQ(warnings.all.size(), 1U);
  EXPECT_NE(warnings.all[0].find("1 files that are not images, the first dog"), std::string::npos);
}

/// What follows the end marker would go unseen.
TEST(ImageTar, TarsJoinedAreAnError) {
  expect_error<BadFile>([] { open_tar("joined.tar"); },
                        {"joined.tar: more data at byte", "as shards"});
}

/// Cut anywhere before its end marker, a tar is an error.
TEST(ImageTar, TruncatedIsAnError) {
  const TempFolder folder;
  const std::string whole = bytes_of(fixture("tar/splits.tar"));
  const std::size_t last = whole.find_last_not_of('\0');
  for (std::size_t length = 0; length <= last; length += 64) {
    const auto path = put(folder / "cut.tar", whole.substr(0, length));
    expect_error<BadFile>([&] { open_images(path.string()); }, {"cut.tar"});
  }
}

TEST(ImageTar, OtherFilesAreErrors) {
  expect_error<BadFile>([] { open_images(fixture("images/rgb.png").string()); },
                        {"rgb.png", "tar"});
}

/// A tar that shrinks after it was indexed.
TEST(ImageTar, ShrunkIsNamed) {
  const TempFolder folder;
  const auto path = put(folder / "a.tar", bytes_of(fixture("tar/ustar.tar")));
  const auto data = open_images(path.string() + ",image-size=4");
  fs::resize_file(path, 0);
  expect_error<BadFile>([&] { all_pixels(*data); }, {"a.tar", "shrank"});
  expect_error<BadFile>([&] { data->encoded_image(0); }, {"a.tar", "shrank"});
}

}  // namespace
}  // namespace winnow::io
