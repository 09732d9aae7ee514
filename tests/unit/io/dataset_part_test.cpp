#include "winnow/io/dataset_part.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

using testing::expect_error;
using testing::TempFolder;

class DatasetPartTest : public ::testing::Test {
 protected:
  TempFolder folder_;

  /// 50 vectors of two numbers, their position; labels are its last digit.
  std::unique_ptr<Dataset> whole() const {
    Matrix<float> rows(50, 2);
    std::vector<std::int64_t> labels;
    for (int i = 0; i < 50; ++i) {
      std::ranges::fill(rows.row(i), static_cast<float>(i));
      labels.push_back(i % 10);
    }
    const auto file = folder_ / "rows.npy";
    write_npy(file, std::as_const(rows).view());
    write_npy(folder_ / "labels.npy", std::span<const std::int64_t>(labels));
    return open_dataset(DatasetSpec::parse("npy:" + file.string() +
                                           ",labels=" + (folder_ / "labels.npy").string()));
  }
};

TEST_F(DatasetPartTest, HoldsExamplesOfTheWhole) {
  const auto part = random_part(whole(), 20, Seed{3});
  ASSERT_EQ(part->size(), 20);
  EXPECT_EQ(part->class_names(), whole()->class_names());
  std::vector<std::int64_t> ids(20);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  EXPECT_EQ(part->vector_width(), 2);
  std::vector<float> rows(40);
  part->read_vectors(ids, rows);
  int previous = -1;
  for (std::int64_t i = 0; i < 20; ++i) {
    const int number = std::stoi(part->key(i));
    EXPECT_GT(number, previous) << "in the order of the whole";
    previous = number;
    EXPECT_EQ(rows[static_cast<std::size_t>(2 * i)], static_cast<float>(number));
    EXPECT_EQ(part->labels()[static_cast<std::size_t>(i)], number % 10);
  }
}

TEST_F(DatasetPartTest, DependsOnSeedAlone) {
  const auto keys = [&](std::uint64_t seed) {
    const auto part = random_part(whole(), 10, Seed{seed});
    std::vector<std::string> found;
    for (std::int64_t i = 0; i < 10; ++i) found.push_back(part->key(i));
    return found;
  };
  EXPECT_EQ(keys(1), keys(1));
  EXPECT_NE(keys(1), keys(2));
}

TEST_F(DatasetPartTest, HasAFingerprintOfItsOwn) {
  EXPECT_FALSE(random_part(whole(), 10, Seed{1})->fingerprint() == whole()->fingerprint());
  EXPECT_FALSE(random_part(whole(), 10, Seed{1})->fingerprint() ==
               random_part(whole(), 10, Seed{2})->fingerprint());
  EXPECT_TRUE(random_part(whole(), 50, Seed{1})->fingerprint() == whole()->fingerprint());
}

TEST_F(DatasetPartTest, RefusesMoreThanThereIs) {
  expect_error<InvalidArgument>([&] { random_part(whole(), 51, Seed{}); }, {"51", "1 to 50"});
  expect_error<InvalidArgument>([&] { random_part(whole(), 0, Seed{}); }, {"0 examples"});
}

}  // namespace
}  // namespace winnow::io
