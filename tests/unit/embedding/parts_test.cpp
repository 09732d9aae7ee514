#include "winnow/embedding/parts.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "unit/embedding/synthetic.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::embedding {
namespace {

using testing::expect_error;
using testing::TempFolder;
using testing::values_of;

constexpr std::int64_t dimensions = 3;

/// Row i is (i, i / 2, -i); counts what it is asked for.
class Counting final : public Encoder {
 public:
  std::int64_t dimensions() const override { return embedding::dimensions; }
  std::int64_t group_size() const override { return 100; }

  mutable std::vector<std::int64_t> begun;
  std::function<void(std::int64_t begin)> before = [](std::int64_t) {};
  float scale = 1.0F;

 private:
  void encode_range(const io::Dataset& /*dataset*/, std::int64_t begin, MatrixView<float> out,
                    Progress& progress) const override {
    before(begin);
    begun.push_back(begin);
    for (std::int64_t i = 0; i < out.rows(); ++i) {
      const float id = scale * static_cast<float>(begin + i);
      std::ranges::copy(std::vector<float>{id, id / 2, -id}, out.row(i).begin());
    }
    progress.advance(out.rows());
  }
};

/// Remembers what it was warned of and counts units.
class Listening final : public Progress {
 public:
  void stage(std::string_view, std::int64_t, std::string_view) override {}
  void advance(std::int64_t count) noexcept override { units += count; }
  void done(std::string_view) override {}
  void warn(std::string_view message) override { warnings += message; }
  std::string warnings;
  std::int64_t units = 0;
};

class PartsTest : public ::testing::Test {
 protected:
  // Parts have 1000 rows: ten groups of a hundred fit into 1024.
  static constexpr std::int64_t n = 2345;

  Parts parts(const Json& identity = {{"seed", 1}}, EmbeddingType type = EmbeddingType::float32) {
    return {folder_ / "parts", encoder_, data_, type, identity, progress_};
  }
  std::string bytes(const Parts& rows, const std::string& name = "out.npy") {
    rows.write(folder_ / name, 0, n);
    return read_file(folder_ / name);
  }

  TempFolder folder_;
  Vectors data_{Matrix<float>(n, 1)};
  Counting encoder_;
  Listening progress_;
};

TEST_F(PartsTest, GiveBackTheRowsHoweverTheyAreAskedFor) {
  Parts rows = parts();
  rows.encode(progress_);
  EXPECT_EQ(progress_.units, n);
  EXPECT_EQ(encoder_.begun, (std::vector<std::int64_t>{0, 1000, 2000}));
  Matrix<float> whole(n, dimensions);
  rows.read(0, whole);
  for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(whole(i, 1), static_cast<float>(i) / 2);
  Matrix<float> middle(1200, dimensions);
  rows.read(950, middle);
  EXPECT_EQ(values_of(middle), values_of(whole.view().block(950, 1200)));
  const std::vector<std::int64_t> ids = {0, 999, 1000, 1001, 2344};
  const Matrix<float> chosen = rows.read(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(chosen(static_cast<std::int64_t>(i), 2), -static_cast<float>(ids[i]));
  }
  rows.write(folder_ / "some.npy", 990, 20);
  const io::NpyFile file(folder_ / "some.npy");
  EXPECT_EQ(file.shape(), (std::vector<std::int64_t>{20, dimensions}));
  std::vector<float> first(1);
  file.read<float>(0, first);
  EXPECT_EQ(first[0], 990.0F);
}

TEST_F(PartsTest, AnInterruptedRunGoesOn) {
  Parts whole = parts({{"seed", 2}});
  whole.encode(progress_);
  const std::string expected = bytes(whole, "expected.npy");
  std::filesystem::remove_all(folder_ / "parts");

  encoder_.before = [](std::int64_t begin) {
    if (begin == 1000) throw Interrupted();
  };
  Parts first = parts();
  EXPECT_THROW(first.encode(progress_), Interrupted);
  std::ofstream(folder_ / "parts/.part-000001.npy.tmp-abcdef") << "half";
  encoder_.before = [](std::int64_t) {};
  encoder_.begun.clear();
  Parts second = parts();
  EXPECT_EQ(second.rows_taken_over(), 1000);
  second.encode(progress_);
  EXPECT_EQ(encoder_.begun, (std::vector<std::int64_t>{1000, 2000}));
  EXPECT_EQ(bytes(second), expected);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "parts/.part-000001.npy.tmp-abcdef"));
  EXPECT_EQ(progress_.warnings, "");
}

TEST_F(PartsTest, PartsOfAnythingElseAreThrownAwayAndItSaysSo) {
  parts().encode(progress_);
  encoder_.begun.clear();
  for (const bool other_identity : {true, false}) {
    progress_.warnings.clear();
    Parts other =
        other_identity ? parts({{"seed", 7}}) : parts({{"seed", 7}}, EmbeddingType::float16);
    EXPECT_EQ(other.rows_taken_over(), 0);
    EXPECT_NE(progress_.warnings.find("starting over"), std::string::npos);
    other.encode(progress_);
  }
  EXPECT_EQ(encoder_.begun.size(), 6U);
  progress_.warnings.clear();
  std::ofstream(folder_ / "parts/parts.json") << "{";
  EXPECT_EQ(parts({{"seed", 7}}).rows_taken_over(), 0);
  EXPECT_NE(progress_.warnings.find("starting over"), std::string::npos);
}

TEST_F(PartsTest, DamagedPartsAreMadeAgain) {
  parts().encode(progress_);
  const std::string good = bytes(parts());
  write_file(folder_ / "parts/part-000001.npy", "no array");
  std::filesystem::copy_file(folder_ / "parts/part-000000.npy", folder_ / "parts/part-000002.npy",
                             std::filesystem::copy_options::overwrite_existing);
  encoder_.begun.clear();
  Parts again = parts();
  EXPECT_EQ(again.rows_taken_over(), 1000);
  again.encode(progress_);
  EXPECT_EQ(encoder_.begun, (std::vector<std::int64_t>{1000, 2000}));
  EXPECT_EQ(bytes(again), good);
}

TEST_F(PartsTest, Float16RoundsAndNamesWhatItCannotHold) {
  Parts half = parts({}, EmbeddingType::float16);
  half.encode(progress_);
  half.write(folder_ / "half.npy", 0, n);
  const io::NpyFile file(folder_ / "half.npy");
  EXPECT_EQ(file.dtype(), io::DType::float16);
  std::vector<float> row(dimensions);
  file.read<float>(2341 * dimensions, row);
  // Between 2048 and 4096 float16 has every second number; 2341 is a tie and goes to the even one.
  EXPECT_EQ(row[0], 2340.0F);
  EXPECT_EQ(row[1], 1170.0F);  // 1170.5 is a tie as well
  encoder_.scale = 50.0F;
  Parts large = parts({{"scale", 50}}, EmbeddingType::float16);
  // 50 i > 65504 from i = 1311 on.
  expect_error<InvalidArgument>([&] { large.encode(progress_); },
                                {"float16", "vectors row 1311 (1311)", "65550", "--dtype float32"});
}

}  // namespace
}  // namespace winnow::embedding
