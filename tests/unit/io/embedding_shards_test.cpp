#include "winnow/io/embedding_shards.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "unit/io/test_files.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

using testing::expect_error;
using testing::normal_matrix;
using testing::TempFolder;
using testing::Threads;
using testing::values_of;

/// Rows of one matrix in files of these sizes.
void write_shards(const TempFolder& folder, const Matrix<float>& rows,
                  const std::vector<std::int64_t>& sizes, DType dtype = DType::float32) {
  std::int64_t first = 0;
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    NpyWriter writer(folder / ("part-" + std::to_string(s) + ".npy"), {sizes[s], rows.cols()},
                     dtype);
    const auto block = rows.view().block(first, sizes[s]);
    writer.append({block.data(), static_cast<std::size_t>(block.size())});
    writer.commit();
    first += sizes[s];
  }
  ASSERT_EQ(first, rows.rows());
}

/// All rows, in pieces of `step`, by several threads.
Matrix<float> read_all(const EmbeddingShards& shards, std::int64_t step) {
  Matrix<float> rows(shards.rows(), shards.cols());
  parallel_blocks((shards.rows() + step - 1) / step, silent(), [&](std::int64_t block) {
    const std::int64_t begin = block * step;
    const std::int64_t count = std::min(step, shards.rows() - begin);
    shards.read(begin, count, rows.view().block(begin, count));
  });
  return rows;
}

TEST(EmbeddingShards, GiveTheRowsAndHashesOfReadingAllAtOnce) {
  for (const DType dtype : {DType::float32, DType::float16}) {
    const TempFolder folder;
    write_shards(folder, normal_matrix(5000, 7, 1), {1, 511, 2000, 3, 2485}, dtype);
    const Embeddings expected = read_embeddings(folder.text());
    for (const std::int64_t step : {2048, 512, 100, 5000}) {
      const Threads threads(3);
      const EmbeddingShards shards(folder.text());
      EXPECT_EQ(shards.rows(), 5000);
      EXPECT_EQ(shards.cols(), 7);
      EXPECT_EQ(shards.shard_count(), 5);
      EXPECT_EQ(shards.file_bytes(), 5000 * 7 * static_cast<std::int64_t>(dtype_size(dtype)));
      EXPECT_EQ(values_of(read_all(shards, step)), values_of(expected.rows)) << step;
      EXPECT_EQ(shards.bytes_read(), shards.file_bytes());
      const auto inputs = shards.inputs();
      ASSERT_EQ(inputs.size(), expected.inputs.size());
      for (std::size_t s = 0; s < inputs.size(); ++s) {
        EXPECT_EQ(inputs[s].path, expected.inputs[s].path);
        EXPECT_EQ(inputs[s].hash, expected.inputs[s].hash);
      }
    }
  }
}

TEST(EmbeddingShards, HashesDoNotNeedThatAnythingWasRead) {
  const TempFolder folder;
  write_shards(folder, normal_matrix(900, 3, 2), {300, 600});
  const EmbeddingShards shards(folder.text());
  const Embeddings expected = read_embeddings(folder.text());
  Matrix<float> one(1, 3);
  shards.read(450, 1, one);
  EXPECT_EQ(values_of(one), values_of(expected.rows.view().block(450, 1)));
  const auto second = shards.inputs(1, 2);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].hash, expected.inputs[1].hash);
  EXPECT_EQ(shards.inputs()[0].hash, expected.inputs[0].hash);
}

TEST(EmbeddingShards, NameTheFirstNumberThatIsNone) {
  const TempFolder folder;
  Matrix<float> rows = normal_matrix(2000, 5, 3);
  rows(1234, 3) = std::numeric_limits<float>::quiet_NaN();
  write_shards(folder, rows, {1000, 1000});
  const EmbeddingShards shards(folder.text());
  expect_error<NonFiniteInput>([&] { read_all(shards, 512); },
                               {"part-1.npy", "row 234 column 3 is NaN"});
  Matrix<float> one(1, 5);
  expect_error<NonFiniteInput>([&] { shards.read(1234, 1, one); }, {"row 234 column 3"});
}

TEST(EmbeddingShards, AFileThatShrinksOrChangesIsAnError) {
  const TempFolder folder;
  write_shards(folder, normal_matrix(40'000, 8, 4), {40'000});
  const auto path = folder / "part-0.npy";
  {
    const EmbeddingShards shards(folder.text());
    std::filesystem::resize_file(path, 100'000);
    expect_error<BadFile>([&] { read_all(shards, 2048); }, {"part-0.npy"});
  }
  write_shards(folder, normal_matrix(40'000, 8, 4), {40'000});
  const EmbeddingShards shards(folder.text());
  read_all(shards, 2048);
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  expect_error<BadFile>([&] { shards.inputs(); }, {"part-0.npy", "written to while"});
}

TEST(EmbeddingShards, FilesMustFitTogether) {
  const TempFolder folder;
  write_npy(folder / "a.npy", normal_matrix(3, 2, 5).view());
  write_npy(folder / "b.npy", normal_matrix(3, 4, 6).view());
  expect_error<BadFile>([&] { EmbeddingShards{folder.text()}; }, {"b.npy", "[3, 4]", "[3, 2]"});
}

TEST(EmbeddingShards, ColumnsFirstCannotBeReadByRows) {
  expect_error<BadFile>([] { EmbeddingShards{fixture("npy/fortran-float64.npy").string()}; },
                        {"fortran-float64.npy", "ascontiguousarray", "--memory"});
}

}  // namespace
}  // namespace winnow::io
