// Images of many sizes, and images that cannot be read.
#include "unit/io/image_stores.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

class ImageReading : public ImageFiles {
 protected:
  /// A file whose header is whole and whose pixels are cut off.
  void add_damaged(const std::string& name) {
    put(folder_ / name, bytes_of(fixture("images/rgb.png")).substr(0, 100));
  }
  std::unique_ptr<Dataset> open_skipping(Progress& progress = silent()) {
    return open_images(folder_.text() + ",skip-unreadable", progress);
  }
};

TEST_F(ImageReading, SmallImagesOfOneSizeKeepIt) {
  add_all({"a/1.png", "b/1.png"});
  Warnings warnings;
  EXPECT_EQ(open_images(folder_.text(), warnings)->image_shape(), (ImageShape{6, 5, 3}));
  EXPECT_TRUE(warnings.all.empty());
}

TEST_F(ImageReading, OthersAreBroughtToOneAndItIsSaidOnce) {
  for (int i = 0; i < 600; ++i) add("a/" + std::to_string(1000 + i) + ".png", "rgb.png");
  add("a/1300.png", "smaller.png");
  Warnings warnings;
  const auto data = open_images(folder_.text(), warnings);
  EXPECT_TRUE(warnings.all.empty());  // nobody has asked for pixels
  for (int repeat = 0; repeat < 2; ++repeat) {
    EXPECT_EQ(data->image_shape(), (ImageShape{64, 64, 3}));
  }
  std::vector<std::uint8_t> pixels(64 * 64 * 3);
  const std::int64_t id = 300;
  data->read_images({&id, 1}, pixels);
  ASSERT_EQ(warnings.all.size(), 1U);
  for (const char* part : {"6 x 5", "4 x 5", "64 x 64", "--image-size"}) {
    EXPECT_NE(warnings.all[0].find(part), std::string::npos) << warnings.all[0];
  }
  // The pixels are those that the size gives when it is asked for.
  std::vector<std::uint8_t> asked(pixels.size());
  open_images(folder_.text() + ",image-size=64")->read_images({&id, 1}, asked);
  EXPECT_EQ(pixels, asked);
}

TEST_F(ImageReading, ASizeGivenNeedsNoLookAtTheFiles) {
  put(folder_ / "a/1.png", "no image at all");
  const auto data = open_images(folder_.text() + ",image-size=8");
  EXPECT_EQ(data->image_shape(), (ImageShape{8, 8, 3}));
}

TEST_F(ImageReading, TooManyPixelsAreRefused) {
  add_all({"a/1.png"});
  const auto data = open_images(folder_.text() + ",image-size=4,max-pixels=29");
  expect_error<BadFile>([&] { all_pixels(*data); }, {"a/1.png", "29"});
  EXPECT_EQ(all_pixels(*open_images(folder_.text() + ",image-size=4,max-pixels=30")).size(), 48U);
}

TEST_F(ImageReading, TheFirstUnreadableImageIsNamedWhateverTheThreads) {
  for (int i = 0; i < 200; ++i) {
    const std::string name = "a/" + std::to_string(1000 + i) + ".png";
    if (i % 3 == 1 && i > 50) {
      add_damaged(name);
    } else {
      add(name, "rgb.png");
    }
  }
  const auto data = open_images(folder_.text());
  for (int repeat = 0; repeat < 20; ++repeat) {
    const testing::Threads threads(1 + repeat % 8);
    expect_error<BadFile>([&] { all_pixels(*data); }, {"a/1052.png", "--skip-unreadable"});
  }
  // So are images whose size cannot be told.
  put(folder_ / "a/1190.png", "");
  put(folder_ / "a/1050.png", "x");
  for (int repeat = 0; repeat < 20; ++repeat) {
    const testing::Threads threads(1 + repeat % 8);
    const auto again = open_images(folder_.text());
    expect_error<BadFile>([&] { again->image_shape(); }, {"a/1050.png", "--skip-unreadable"});
  }
}

TEST_F(ImageReading, UnreadableImagesCanBeSkippedLoudly) {
  add_all({"a/1.png", "a/3.png", "b/2.png"});
  const auto smaller = open_images(folder_.text());
  add_damaged("a/2.png");
  put(folder_ / "b/1.jpg", "");
  const auto whole = open_images(folder_.text());
  Warnings warnings;
  const auto data = open_skipping(warnings);
  EXPECT_EQ(keys_of(*data), (Names{"a/1.png", "a/3.png", "b/2.png"}));
  EXPECT_EQ(data->labels(), (Values{0, 0, 1}));
  EXPECT_EQ(data->file(1), folder_ / "a/3.png");
  EXPECT_EQ(all_pixels(*data), all_pixels(*smaller));
  EXPECT_EQ(data->encoded_image(2).bytes, bytes_of(fixture("images/rgb.png")));
  ASSERT_EQ(data->skipped().size(), 2U);
  EXPECT_EQ(data->skipped()[0].key, "a/2.png");
  EXPECT_EQ(data->skipped()[1].key, "b/1.jpg");
  EXPECT_NE(data->skipped()[1].reason, "");
  EXPECT_EQ(data->skipped()[1].reason.find("b/1.jpg"), std::string::npos);
  ASSERT_EQ(warnings.all.size(), 3U);
  EXPECT_NE(warnings.all[0].find("a/2.png"), std::string::npos);
  EXPECT_NE(warnings.all[1].find("b/1.jpg"), std::string::npos);
  EXPECT_NE(warnings.all[2].find("2 of 5 images"), std::string::npos);
  EXPECT_NE(data->fingerprint(), whole->fingerprint());
  EXPECT_NE(data->fingerprint(), smaller->fingerprint());
  EXPECT_EQ(data->fingerprint(), open_skipping()->fingerprint());
}

TEST_F(ImageReading, NothingToSkipChangesNothing) {
  add_all({"a/1.png", "b/2.png"});
  Warnings warnings;
  const auto data = open_skipping(warnings);
  EXPECT_TRUE(data->skipped().empty());
  EXPECT_TRUE(warnings.all.empty());
  EXPECT_EQ(data->fingerprint(), open_images(folder_.text())->fingerprint());
}

TEST_F(ImageReading, ManySkippedAreCounted) {
  add_all({"a/0.png"});
  for (int i = 1; i <= 30; ++i) add_damaged("a/" + std::to_string(i) + ".png");
  Warnings warnings;
  EXPECT_EQ(open_skipping(warnings)->skipped().size(), 30U);
  EXPECT_EQ(warnings.all.size(), 21U);
  EXPECT_NE(warnings.all.back().find("30 of 31"), std::string::npos);
  fs::remove(folder_ / "a/0.png");
  expect_error<BadFile>([&] { open_skipping(); }, {"none of the 30 images"});
}

/// Sizes are those of the images that are left.
TEST_F(ImageReading, SkippingLooksAtSizesOnTheWay) {
  for (int i = 0; i < 40; ++i) add("a/" + std::to_string(100 + i) + ".png", "rgb.png");
  put(folder_ / "a/120.png", bytes_of(fixture("images/smaller.png")).substr(0, 80));
  EXPECT_EQ(open_skipping()->image_shape(), (ImageShape{6, 5, 3}));
  add("a/125.png", "smaller.png");
  Warnings warnings;
  const auto data = open_skipping(warnings);
  const std::size_t before = warnings.all.size();
  EXPECT_EQ(data->image_shape(), (ImageShape{64, 64, 3}));
  EXPECT_EQ(warnings.all.size(), before + 1);
}

TEST_F(ImageReading, SkippingCanBeInterrupted) {
  for (int i = 0; i < 100; ++i) add("a/" + std::to_string(100 + i) + ".png", "rgb.png");
  testing::StoppingProgress progress(120);  // listing counts 100
  EXPECT_THROW(open_skipping(progress), Interrupted);
}

}  // namespace
}  // namespace winnow::io
