#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit/io/image_stores.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

using ImageFolder = ImageFiles;

TEST_F(ImageFolder, OrdersClassesThenFilesByBytes) {
  add("b/2.png", "rgb.png");
  add("b/10.JPG", "rgb.jpg");
  add("a/deep/x.jpeg", "grey.jpg");
  add("a-b/1.png", "grey.png");
  add("a/.hidden.png", "grey.png");
  const auto data = open_images(folder_.text());
  // As whole paths `a-b/1.png` would come before `a/...`: classes order first.
  EXPECT_EQ(keys_of(*data), (Names{"a/deep/x.jpeg", "a-b/1.png", "b/10.JPG", "b/2.png"}));
  EXPECT_EQ(data->class_names(), (Names{"a", "a-b", "b"}));
  EXPECT_EQ(data->labels(), (Values{0, 1, 2, 2}));
  EXPECT_EQ(data->split(), "");
  EXPECT_EQ(data->image_shape(), (ImageShape{6, 5, 3}));
  EXPECT_EQ(data->file(3), folder_ / "b/2.png");
  EXPECT_TRUE(data->files(3).empty());

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
  const auto train = open_images(folder_.text());
  EXPECT_EQ(train->split(), "train");
  EXPECT_EQ(keys_of(*train), (Names{"train/a/1.png", "train/b/1.png"}));
  const auto test = open_test_split(DatasetSpec::parse("images:" + folder_.text()));
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(keys_of(*test), Names{"test/b/7.png"});
  EXPECT_EQ(test->labels(), Values{1});
  EXPECT_EQ(test->class_names(), (Names{"a", "b"}));
  EXPECT_EQ(open_images(folder_.text() + "#test")->fingerprint(), test->fingerprint());

  add("test/new/1.png", "rgb.png");
  expect_error<BadFile>([&] { open_images(folder_.text() + "#test"); },
                        {"test/new/1.png", "class 'new' has no folder in train"});
}

TEST_F(ImageFolder, ValStandsInForTest) {
  add_all({"train/a/1.png", "val/a/2.png"});
  EXPECT_EQ(keys_of(*open_images(folder_.text() + "#test")), Names{"val/a/2.png"});
}

TEST_F(ImageFolder, OrdinaryClassesAreNoSplits) {
  add_all({"train/1.png", "plane/1.png"});
  EXPECT_EQ(open_images(folder_.text())->class_names(), (Names{"plane", "train"}));
  EXPECT_EQ(open_test_split(DatasetSpec::parse("images:" + folder_.text())), nullptr);
  expect_error<InvalidArgument>([&] { open_images(folder_.text() + "#test"); }, {"no splits"});
}

TEST_F(ImageFolder, WithoutClassFoldersHasNoLabels) {
  add_all({"b.png", "a.png", "10.png"});
  put(folder_ / "notes/x.txt", "x");
  const auto data = open_images(folder_.text());
  EXPECT_EQ(keys_of(*data), (Names{"10.png", "a.png", "b.png"}));
  EXPECT_FALSE(data->has_labels());
  EXPECT_TRUE(data->class_names().empty());
  EXPECT_EQ(all_pixels(*data).size(), 3U * 90);
}

TEST_F(ImageFolder, SplitsMayHaveNoClasses) {
  add_all({"train/b.png", "train/a.png", "test/c.png"});
  EXPECT_EQ(keys_of(*open_images(folder_.text())), (Names{"train/a.png", "train/b.png"}));
  EXPECT_EQ(keys_of(*open_images(folder_.text() + "#test")), Names{"test/c.png"});
  // But not one of them only.
  fs::remove(folder_ / "train/a.png");
  fs::remove(folder_ / "train/b.png");
  add_all({"train/cat/a.png"});
  expect_error<BadFile>([&] { open_images(folder_.text() + "#test"); },
                        {"test/c.png", "outside the class folders"});
}

TEST_F(ImageFolder, ImagesBesideClassesAreErrors) {
  add_all({"a/1.png", "stray.png"});
  fails({(folder_ / "stray.png").string(), "outside the class folders"});
}

TEST_F(ImageFolder, ImagesBesideSplitsAreErrors) {
  add_all({"train/a/1.png", "test/a/1.png"});
  put(folder_ / "README", "x");
  EXPECT_EQ(open_images(folder_.text())->size(), 1);
  add("stray.jpg", "rgb.jpg");
  fails({(folder_ / "stray.jpg").string(), "outside the class folders"});
}

TEST_F(ImageFolder, OtherFilesAreToldOfAndOtherImagesAreErrors) {
  add_all({"a/1.png"});
  put(folder_ / "a/notes.txt", "x");
  put(folder_ / "README", "x");
  Warnings warnings;
  EXPECT_EQ(open_images(folder_.text(), warnings)->size(), 1);
  ASSERT_EQ(warnings.all.size(), 1U);
  EXPECT_NE(warnings.all[0].find("2 files that are not images, the first README"),
            std::string::npos);
  put(folder_ / "a/2.TIFF", "x");
  fails({"a/2.TIFF", "format that is not read"});
}

TEST_F(ImageFolder, EmptyFoldersAreErrors) {
  fails({folder_.text() + ": no JPEG, PNG or WebP images"});
  add_all({"a/1.png"});
  fs::create_directories(folder_ / "b");
  fails({(folder_ / "b").string() + ": no JPEG, PNG or WebP images in this class folder"});
  expect_error<BadFile>([] { open_images("/nowhere"); }, {"/nowhere", "no such folder"});
}

TEST_F(ImageFolder, FollowsLinksToFilesAndClassesButNotDeeper) {
  add_all({"a/1.png"});
  fs::create_symlink(folder_ / "a/1.png", folder_ / "a/2.png");
  fs::create_directory_symlink(folder_ / "a", folder_ / "b");
  EXPECT_EQ(keys_of(*open_images(folder_.text())),
            (Names{"a/1.png", "a/2.png", "b/1.png", "b/2.png"}));
  fs::create_directory_symlink(folder_.text(), folder_ / "a/loop");
  fails({"/loop: a link to a folder"});
  fs::remove(folder_ / "a/loop");
  fs::create_symlink("nothing", folder_ / "a/3.png");
  fails({"/3.png: a link to nothing"});
  fs::remove(folder_ / "a/3.png");
  fs::create_directory_symlink(".", folder_ / "self");
  fails({"/self/b: a link to a folder"});
  fs::remove(folder_ / "self");
  fs::create_symlink("self", folder_ / "self");
  fails({"/self: a link to nothing"});
}

TEST_F(ImageFolder, SpecialFilesAreErrors) {
  add_all({"a/1.png"});
  ASSERT_EQ(::mkfifo((folder_ / "a/2.png").c_str(), 0600), 0);
  fails({"a/2.png: a special file"});
  fs::remove(folder_ / "a/2.png");

  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (folder_ / "a/3.png").string();
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  path.copy(static_cast<char*>(address.sun_path), path.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the interface of sockets
  ASSERT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ::close(descriptor);
  fails({"a/3.png: a special file"});
}

TEST_F(ImageFolder, NamesNeedNotBeUtf8) {
  add_all({"a/\xFF\xFE.png", "\xE9t\xE9/1.png"});
  const auto data = open_images(folder_.text());
  EXPECT_EQ(keys_of(*data), (Names{"a/\xFF\xFE.png", "\xE9t\xE9/1.png"}));
  EXPECT_EQ(data->class_names(), (Names{"a", "\xE9t\xE9"}));
  EXPECT_EQ(all_pixels(*data).size(), 2U * 90);
}

/// The superuser may read anything: while alive, the tests run as another user, who gets `folder`.
class Unprivileged {
 public:
  explicit Unprivileged(const fs::path& folder) : is_root_(::geteuid() == 0) {
    if (!is_root_) return;
    const auto give = [](const fs::path& path) {
      EXPECT_EQ(::chown(path.c_str(), nobody, nobody), 0);
    };
    give(folder);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) give(entry.path());
    EXPECT_EQ(::seteuid(nobody), 0);
  }
  ~Unprivileged() {
    if (is_root_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  static constexpr uid_t nobody = 65534;
  bool is_root_;
};

TEST_F(ImageFolder, WhatCannotBeReadIsNamed) {
  add_all({"a/1.png", "b/1.png"});
  const Unprivileged as_other(folder_.path());
  fs::permissions(folder_ / "b", fs::perms::none);
  fails({(folder_ / "b").string() + ": cannot list: Permission denied"});
  fs::permissions(folder_ / "b", fs::perms::owner_all);
  fs::permissions(folder_ / "b/1.png", fs::perms::none);
  const auto data = open_images(folder_.text());
  expect_error<BadFile>([&] { all_pixels(*data); }, {"b/1.png", "Permission denied"});
}

TEST_F(ImageFolder, FilesThatVanishAreNamed) {
  add_all({"a/1.png", "a/2.png"});
  const auto data = open_images(folder_.text() + ",image-size=4");
  fs::remove(folder_ / "a/2.png");
  expect_error<BadFile>([&] { all_pixels(*data); },
                        {(folder_ / "a/2.png").string(), "No such file"});
  expect_error<BadFile>([&] { data->encoded_image(1); }, {(folder_ / "a/2.png").string()});
}

}  // namespace
}  // namespace winnow::io
