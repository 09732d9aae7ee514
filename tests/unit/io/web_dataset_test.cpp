#include "unit/io/image_stores.hpp"

namespace winnow::io {
namespace {

std::string web(const std::string& name) { return fixture("web/" + name).string(); }

TEST(WebDataset, ReadsShardsInNaturalOrder) {
  Warnings warnings;
  const auto data = open_images(web("part-*.tar"), warnings);
  EXPECT_EQ(keys_of(*data), (Names{"000", "001", "sub/a", "z", "b"}));
  EXPECT_EQ(data->labels(), (Values{2, 0, 1, 0, 2}));
  EXPECT_EQ(data->class_names(), (Names{"0", "1", "2"}));
  EXPECT_EQ(data->inputs().size(), 3U);
  EXPECT_EQ(data->encoded_image(0).bytes, bytes_of(fixture("images/rgb.jpg")));
  EXPECT_EQ(data->encoded_image(2).bytes, bytes_of(fixture("images/rgb.png")));
  ASSERT_EQ(warnings.all.size(), 1U);
  EXPECT_NE(warnings.all[0].find("1 files that are not images, the first README"),
            std::string::npos);
  expect_error<InvalidArgument>([] { open_images(web("part-*.tar") + "#train"); }, {"no splits"});
  EXPECT_EQ(open_test_split(DatasetSpec::parse("images:" + web("part-*.tar"))), nullptr);
}

TEST(WebDataset, DecodesTheImageOfEachExample) {
  const auto data = open_images(web("part-{1,2}.tar"));
  const auto jpg = expected_pixels("rgb.jpg");
  const auto png = expected_pixels("rgb.png");
  auto expected = jpg;
  expected.insert(expected.end(), png.begin(), png.end());
  expected.insert(expected.end(), png.begin(), png.end());
  EXPECT_EQ(all_pixels(*data), expected);
}

TEST(WebDataset, KnowsAllFilesOfAnExample) {
  const auto data = open_images(web("part-*.tar"));
  const auto files = data->files(0);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].name, "000.jpg");
  EXPECT_EQ(files[0].bytes, bytes_of(fixture("images/rgb.jpg")));
  EXPECT_EQ(files[1].name, "000.cls");
  EXPECT_EQ(files[1].bytes, "2");
  EXPECT_EQ(files[2].name, "000.txt");
  EXPECT_EQ(files[2].bytes, "a caption");
  const auto others = data->files(2);
  ASSERT_EQ(others.size(), 3U);
  EXPECT_EQ(others[2].name, "sub/a.json");
  EXPECT_EQ(data->files(4).size(), 2U);
}

TEST(WebDataset, ReadsLabelsOfJson) {
  const auto names = open_images(web("json-names.tar"));
  EXPECT_EQ(keys_of(*names), (Names{"0", "1", "2"}));
  EXPECT_EQ(names->class_names(), (Names{"cat", "dog"}));
  EXPECT_EQ(names->labels(), (Values{1, 0, 1}));
  const auto numbers = open_images(web("json-numbers.tar"));
  EXPECT_EQ(numbers->labels(), (Values{3, 0}));
  EXPECT_EQ(numbers->class_names(), (Names{"0", "1", "2", "3"}));
}

TEST(WebDataset, MayHaveNoLabels) {
  const auto data = open_images(web("no-labels.tar"));
  EXPECT_EQ(keys_of(*data), (Names{"b", "a"}));
  EXPECT_FALSE(data->has_labels());
}

TEST(WebDataset, FoldersOfClassesStayImageFolders) {
  const auto data = open_images(web("folders.tar"));
  EXPECT_EQ(keys_of(*data), (Names{"cat/0.jpg", "dog/0.jpg"}));
  EXPECT_EQ(data->class_names(), (Names{"cat", "dog"}));
}

TEST(WebDataset, FoldersOfShardsAndListsOfThem) {
  const TempFolder folder;
  for (const char* name : {"part-1.tar", "part-2.tar", "part-10.tar"}) {
    put(folder / name, bytes_of(web(name)));
  }
  put(folder / "part-1_stats.json", "{}");
  Warnings warnings;
  const auto data = open_images(folder.text(), warnings);
  EXPECT_EQ(keys_of(*data), (Names{"000", "001", "sub/a", "z", "b"}));
  EXPECT_EQ(warnings.all.size(), 2U);
  EXPECT_EQ(data->fingerprint(), open_images(web("part-*.tar"))->fingerprint());
  // A list keeps the order given.
  const std::string list =
      (folder / "part-2.tar").string() + "," + (folder / "part-1.tar").string();
  EXPECT_EQ(keys_of(*open_images(list)), (Names{"sub/a", "000", "001"}));
  EXPECT_EQ(keys_of(*open_images((folder / "part-{1..2}.tar").string())),
            (Names{"000", "001", "sub/a"}));
  expect_error<BadFile>([&] { open_images((folder / "part-{1..3}.tar").string()); },
                        {"part-3.tar", "no such .tar"});
  expect_error<BadFile>([&] { open_images((folder / "none-*.tar").string()); }, {"none-*.tar"});
}

TEST(WebDataset, MembersThatMakeNoExampleAreNamed) {
  const auto fails = [](const std::string& tar, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { open_images(web("bad/" + tar)); }, found);
  };
  fails("twice.tar", {"twice.tar: member 0.png: key '0' again", "twice.tar: member 0.jpg has"});
  fails("other-{1,2}.tar,", {"''"});
  fails("two-images.tar", {"member 1.png: a second image of one example, after 1.jpg"});
  fails("two-labels.tar", {"member 1.v.cls: a second label of one example, after 1.cls"});
  fails("no-image.tar", {"member 1.cls: a label without an image"});
  fails("no-label.tar", {"member 1.jpg: an image without a label"});
  fails("null-label.tar", {"member 1.jpg: an image without a label"});
  fails("text.tar", {"member 1.cls: label is 'cat'; expected a whole number"});
  fails("fraction.tar", {"member 1.cls: label is '1.5'"});
  fails("negative.tar", {"member 1.cls", "'-1'"});
  fails("long.tar", {"member 1.cls: label is '1111"});
  fails("damaged-json.tar", {"member 1.json: is not valid JSON"});
  fails("list.tar", {"member 1.json: label is [1]"});
  fails("mixed.tar", {"member 1.json", "cat"});
  fails("other-format.tar", {"member 1.gif", "format that is not read"});
  fails("link.tar", {"member 1.cls", "is a link"});
}

TEST(WebDataset, KeysAreUniqueOverAllShards) {
  const std::string again =
      web("bad/other-2.tar") + "," + web("bad/other-1.tar") + "," + web("bad/no-label.tar");
  expect_error<BadFile>(
      [&] {
        open_images(web("bad/other-{1,2}.tar") + "," + web("part-1.tar") + "," +
                    web("bad/other-1.tar"));
      },
      {"bad/other-1.tar: member 9.jpg: key '9' again", "which"});
  expect_error<BadFile>([&] { open_images(again); }, {"no-label.tar: member 1.jpg"});
  EXPECT_EQ(open_images(web("bad/other-{1,2}.tar"))->size(), 2);
}

}  // namespace
}  // namespace winnow::io
