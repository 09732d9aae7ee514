#include <sys/stat.h>

#include "unit/io/image_stores.hpp"

namespace winnow::io {
namespace {

class ImageManifest : public ImageFiles {
 protected:
  std::unique_ptr<Dataset> open_with(const std::string& name, const std::string& text) {
    return open_images(put(folder_ / name, text).string());
  }
  void fails_with(const std::string& text, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { open_with("list.csv", text); }, found);
  }
};

TEST_F(ImageManifest, KeepsTheOrderAndThePathsOfTheFile) {
  add("lists/b.png", "rgb.png");
  add("a.jpg", "rgb.jpg");
  const std::string absolute = (folder_ / "a.jpg").string();
  const auto data =
      open_with("lists/all.csv", "path,label\nb.png,dog\n../a.jpg,cat\n" + absolute + ",dog\n");
  EXPECT_EQ(keys_of(*data), (Names{"b.png", "../a.jpg", absolute}));
  EXPECT_EQ(data->labels(), (Values{1, 0, 1}));
  EXPECT_EQ(data->class_names(), (Names{"cat", "dog"}));
  EXPECT_EQ(data->file(0), folder_ / "lists/b.png");
  ASSERT_EQ(data->inputs().size(), 1U);
  EXPECT_NE(data->inputs()[0].hash, "");
  auto expected = expected_pixels("rgb.png");
  for (int i = 0; i < 2; ++i) {
    const auto jpg = expected_pixels("rgb.jpg");
    expected.insert(expected.end(), jpg.begin(), jpg.end());
  }
  EXPECT_EQ(all_pixels(*data), expected);
  expect_error<InvalidArgument>(
      [&] { open_images((folder_ / "lists/all.csv").string() + "#test"); }, {"no splits"});
  EXPECT_EQ(open_test_split(DatasetSpec::parse("images:" + (folder_ / "lists/all.csv").string())),
            nullptr);
}

TEST_F(ImageManifest, ReadsJsonLinesAndListsWithoutLabels) {
  add_all({"1.png", "2.png"});
  const auto data = open_with(
      "a.jsonl", "{\"path\": \"2.png\", \"label\": 1}\n{\"label\": 0, \"path\": \"1.png\"}\n");
  EXPECT_EQ(keys_of(*data), (Names{"2.png", "1.png"}));
  EXPECT_EQ(data->labels(), (Values{1, 0}));
  const auto plain = open_with("a.csv", "path\n2.png\n1.png\n");
  EXPECT_EQ(keys_of(*plain), (Names{"2.png", "1.png"}));
  EXPECT_FALSE(plain->has_labels());
}

TEST_F(ImageManifest, BadPathsAreNamedWithTheirLine) {
  add_all({"1.png", "d/2.png"});
  fails_with("path,label\n1.png,0\nno.png,1\n", {"list.csv: line 3", "no.png", "No such file"});
  fails_with("path,label\n1.png,0\nd,1\n", {"list.csv: line 3", "a folder"});
  fails_with("path,label\n1.png,0\n,1\n", {"list.csv: line 3", "empty"});
  fails_with("path,label\n1.png,0\n1.png,1\n", {"list.csv: line 3", "1.png"});
  ASSERT_EQ(::mkfifo((folder_ / "pipe.png").c_str(), 0600), 0);
  fails_with("path,label\npipe.png,0\n", {"list.csv: line 2", "not a regular file"});
}

}  // namespace
}  // namespace winnow::io
