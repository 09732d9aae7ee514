// One dataset in every form. The tree and its order are torchvision's: fixtures/make_tars.py.
#include "unit/io/image_stores.hpp"
#include "winnow/io/csv.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

struct Order {
  Names paths;
  Names classes;  // of each path
};

Order expected_order() {
  Order order;
  for (const auto& row : read_csv(fixture("tar/order.csv")).rows) {
    order.paths.push_back(row[0]);
    order.classes.push_back(row[1]);
  }
  return order;
}

/// Unpacks order.tar, by way of the reader under test.
void unpack(const fs::path& folder) {
  const auto tar = open_images(fixture("tar/order.tar").string());
  for (std::int64_t i = 0; i < tar->size(); ++i) {
    put(folder / tar->key(i), tar->encoded_image(i).bytes);
  }
}

void expect_order(const Dataset& data) {
  const Order expected = expected_order();
  ASSERT_EQ(keys_of(data), expected.paths);
  Names classes;
  for (const auto label : data.labels()) {
    classes.push_back(data.class_names()[static_cast<std::size_t>(label)]);
  }
  EXPECT_EQ(classes, expected.classes);
  // Images were painted by torchvision's order: (row, 10 row, 255 - row).
  const auto pixels = all_pixels(data);
  for (std::size_t row = 0; row < expected.paths.size(); ++row) {
    const std::size_t at = row * 90;
    EXPECT_EQ(pixels[at], row);
    EXPECT_EQ(pixels[at + 1], 10 * row);
    EXPECT_EQ(pixels[at + 2], 255 - row);
  }
}

TEST(ImageForms, TarHasTheOrderOfTorchvision) {
  const auto data = open_images(fixture("tar/order.tar").string());
  expect_order(*data);
  EXPECT_EQ(data->class_names(), (Names{"B", "a", "a-b", "b"}));
}

TEST(ImageForms, FolderAndManifestAreTheSameDataset) {
  const TempFolder folder;
  unpack(folder.path());
  const auto data = open_images(folder.text());
  expect_order(*data);
  EXPECT_EQ(data->fingerprint(), open_images(fixture("tar/order.tar").string())->fingerprint());
  const auto path = put(folder / "order.csv", bytes_of(fixture("tar/order.csv")));
  const auto manifest = open_images(path.string());
  expect_order(*manifest);
  EXPECT_EQ(manifest->fingerprint(), data->fingerprint());
}

TEST(ImageForms, SeveralTarsAreOneTree) {
  const TempFolder folder;
  const std::string ustar = bytes_of(fixture("tar/ustar.tar"));
  put(folder / "x-1.tar", ustar);
  put(folder / "x-2.tar", bytes_of(fixture("tar/v7.tar")));
  const auto data = open_images((folder / "x-?.tar").string());
  EXPECT_EQ(keys_of(*data),
            (Names{"cat/1.png", "cat/10.PNG", "cat/2.png", "dog/2.jpg", "dog/b.jpg"}));
  EXPECT_EQ(data->labels(), (Values{0, 0, 0, 1, 1}));
  EXPECT_EQ(data->encoded_image(3).bytes, bytes_of(fixture("images/rgb.jpg")));
  put(folder / "x-3.tar", ustar);
  expect_error<BadFile>([&] { open_images(folder.text()); },
                        {"x-1.tar: member cat/10.PNG is also in", "x-3.tar"});
  // The first of two bad shards is named, whichever is read sooner.
  put(folder / "x-2.tar", "x");
  put(folder / "x-3.tar", "y");
  for (int repeat = 0; repeat < 10; ++repeat) {
    expect_error<BadFile>([&] { open_images(folder.text()); }, {"x-2.tar"});
  }
}

}  // namespace
}  // namespace winnow::io
