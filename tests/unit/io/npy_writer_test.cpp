#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

std::vector<float> ramp(std::size_t n) {
  std::vector<float> values(n);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

/// What NumPy itself writes, byte for byte, whatever the pieces.
TEST(NpyWriter, WritesAsNumPyDoes) {
  const TempFolder folder;
  const auto values = ramp(12);
  for (const auto dtype : {DType::float32, DType::float16}) {
    const fs::path path = folder / "x.npy";
    NpyWriter writer(path, {4, 3}, dtype);
    writer.append(std::span(values).first(3));
    writer.append({});
    writer.append(std::span(values).subspan(3));
    EXPECT_EQ(writer.rows(), 4);
    writer.commit();
    EXPECT_EQ(bytes_of(path), bytes_of(fixture("npy/" + std::string(dtype_name(dtype)) + ".npy")));
  }
}

TEST(NpyWriter, NothingAppearsBeforeCommit) {
  const TempFolder folder;
  {
    NpyWriter writer(folder / "x.npy", {2, 1}, DType::float32);
    writer.append(ramp(2));
    EXPECT_FALSE(fs::exists(folder / "x.npy"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(NpyWriter, ManyRowsAtOnceAreOnlyRounded) {
  const TempFolder folder;
  std::vector<float> values(3 * 10'001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  NpyWriter writer(folder / "x.npy", {10'001, 3}, DType::float16);
  writer.append(values);
  writer.commit();
  std::vector<float> read(values.size());
  NpyFile(folder / "x.npy").read<float>(0, read);
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Half a unit in the last place: 2^-11 of the value, or of a subnormal 2^-24.
    EXPECT_NEAR(read[i], values[i], std::max(std::abs(values[i]) * 0x1p-11F, 0x1p-25F)) << i;
  }
}

TEST(NpyWriter, RefusesWhatDoesNotFit) {
  const TempFolder folder;
  const fs::path path = folder / "x.npy";
  const auto refuses = [&](std::vector<std::int64_t> shape, DType dtype, const char* part) {
    expect_error<InvalidArgument>([&] { NpyWriter(path, shape, dtype); }, {"x.npy", part});
  };
  refuses({2, 3}, DType::float64, "dtype float64");
  refuses({}, DType::float32, "shape []");
  refuses({2, -1}, DType::float32, "shape [2, -1]");
  refuses({std::int64_t{1} << 40, std::int64_t{1} << 30}, DType::float16, "2^63 bytes");

  NpyWriter writer(path, {2, 3}, DType::float32);
  expect_error<InvalidArgument>([&] { writer.append(ramp(2)); },
                                {"x.npy", "2 values", "whole rows of 3"});
  writer.append(ramp(3));
  expect_error<InvalidArgument>([&] { writer.append(ramp(6)); },
                                {"x.npy", "2 rows appended to 1", "2 in all"});
  expect_error<InvalidArgument>([&] { writer.commit(); }, {"x.npy", "1 of 2 rows"});
  EXPECT_FALSE(fs::exists(path));
}

TEST(NpyWriter, OverflowingFloat16NamesRowAndColumn) {
  const TempFolder folder;
  NpyWriter writer(folder / "x.npy", {10'000, 2}, DType::float16);
  writer.append(std::vector<float>{65504.0F, -65519.0F, INFINITY, NAN});
  std::vector<float> rows(2 * 9'000, 1.0F);
  rows[2 * 8'000 + 1] = -70000.0F;
  expect_error<InvalidArgument>([&] { writer.append(rows); },
                                {"x.npy", "row 8002 column 1 is -70000", "float16"});
}

TEST(NpyWriter, WritesArraysWithoutValues) {
  const TempFolder folder;
  for (const auto& shape : {std::vector<std::int64_t>{0, 3}, {4, 0}}) {
    NpyWriter writer(folder / "x.npy", shape, DType::float32);
    writer.append({});
    writer.commit();
    EXPECT_EQ(NpyFile(folder / "x.npy").shape(), shape);
  }
}

}  // namespace
}  // namespace winnow::io
