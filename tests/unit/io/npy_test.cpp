#include "winnow/io/npy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {
namespace {

template <class T>
std::vector<T> values_of(const NpyFile& file) {
  std::vector<T> values(static_cast<std::size_t>(file.size()));
  file.read<T>(0, values);
  return values;
}

std::vector<double> ramp(int n, int period = 1 << 20) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(i % period);
  return values;
}

TEST(Npy, ReadsEveryDtype) {
  const std::pair<const char*, DType> dtypes[] = {
      {"bool", DType::boolean},    {"int8", DType::int8},       {"uint8", DType::uint8},
      {"int16", DType::int16},     {"uint16", DType::uint16},   {"int32", DType::int32},
      {"uint32", DType::uint32},   {"int64", DType::int64},     {"uint64", DType::uint64},
      {"float16", DType::float16}, {"float32", DType::float32}, {"float64", DType::float64}};
  for (const auto& [name, dtype] : dtypes) {
    const NpyFile file(fixture("npy/" + std::string(name) + ".npy"));
    EXPECT_EQ(file.dtype(), dtype);
    EXPECT_EQ(file.describe(), "[4, 3] " + std::string(name));
    const auto expected = ramp(12, dtype == DType::boolean ? 2 : 100);
    EXPECT_EQ(values_of<double>(file), expected) << name;
    const auto as_float = values_of<float>(file);
    const auto as_int32 = values_of<std::int32_t>(file);
    const auto as_int64 = values_of<std::int64_t>(file);
    const auto as_uint8 = values_of<std::uint8_t>(file);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(as_float[i], expected[i]) << name;
      EXPECT_EQ(as_int32[i], expected[i]) << name;
      EXPECT_EQ(as_int64[i], expected[i]) << name;
      EXPECT_EQ(as_uint8[i], expected[i]) << name;
    }
  }
}

TEST(Npy, ReadsVersions2And3) {
  for (const char* name : {"npy/version-2.npy", "npy/version-3.npy"}) {
    const NpyFile file(fixture(name));
    EXPECT_EQ(file.shape(), (std::vector<std::int64_t>{4, 3}));
    EXPECT_EQ(values_of<double>(file), ramp(12));
  }
}

TEST(Npy, TellsFortranOrder) {
  const NpyFile file(fixture("npy/fortran-float64.npy"));
  EXPECT_TRUE(file.fortran_order());
  EXPECT_EQ(file.describe(), "[4, 3] float64, Fortran order");
  EXPECT_EQ(values_of<double>(file), (std::vector<double>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}));
  EXPECT_FALSE(NpyFile(fixture("npy/float64.npy")).fortran_order());
}

TEST(Npy, ReadsScalarsVectorsAndEmptyArrays) {
  const NpyFile scalar(fixture("npy/scalar.npy"));
  EXPECT_EQ(scalar.describe(), "[] float64");
  EXPECT_EQ(values_of<double>(scalar), std::vector<double>{7});
  EXPECT_EQ(NpyFile(fixture("npy/no-rows.npy")).size(), 0);
  EXPECT_EQ(read_vector_f64(fixture("npy/vector.npy")), ramp(5));
  EXPECT_EQ(read_vector_i64(fixture("npy/vector.npy")), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

TEST(Npy, ReadsPartOfAnArray) {
  const NpyFile file(fixture("npy/uint16.npy"));
  std::vector<float> part(4);
  file.read<float>(5, part);
  EXPECT_EQ(part, (std::vector<float>{5, 6, 7, 8}));
}

/// All 65536 halves against the definition: sign, 5 bits of exponent, 10 of fraction.
TEST(Npy, WidensEveryHalfExactly) {
  const TempFolder folder;
  std::vector<std::uint16_t> bits(65536);
  std::iota(bits.begin(), bits.end(), std::uint16_t{0});
  const NpyFile file(put(folder / "half.npy", npy_bytes("<f2", "(65536,)", bits)));
  const auto values = values_of<float>(file);
  for (int i = 0; i < 65536; ++i) {
    const int exponent = i >> 10 & 31;
    const int fraction = i & 1023;
    const double sign = i >> 15 == 1 ? -1.0 : 1.0;
    const float value = values[static_cast<std::size_t>(i)];
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(value)) << i;
      continue;
    }
    const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(1024 + fraction, exponent - 25);
    EXPECT_EQ(value, sign * magnitude) << i;
    EXPECT_EQ(std::signbit(value), i >> 15 == 1) << i;
  }
}

TEST(Npy, IntegersThatDoNotFitAreErrorsNotWrapped) {
  const TempFolder folder;
  const auto fails = [&](const std::string& bytes, const std::string& found, auto target) {
    const NpyFile file(put(folder / "x.npy", bytes));
    expect_error<BadFile>([&] { values_of<decltype(target)>(file); }, {"x.npy", found});
  };
  fails(npy_bytes<std::int64_t>("<i8", "(2,)", {1, 1LL << 31}), "element 1", std::int32_t{});
  fails(npy_bytes<std::int16_t>("<i2", "(2,)", {255, 256}), "element 1 is 256", std::uint8_t{});
  fails(npy_bytes<std::int16_t>("<i2", "(1,)", {-1}), "element 0 is -1", std::uint8_t{});
  fails(npy_bytes<std::uint64_t>("<u8", "(1,)", {1ULL << 63}), "element 0", std::int64_t{});
  fails(npy_bytes<double>("<f8", "(3,)", {1, 2, 2.5}), "element 2 is 2.5", std::int64_t{});
  fails(npy_bytes<double>("<f8", "(1,)", {0x1p63}), "element 0", std::int64_t{});
  fails(npy_bytes<double>("<f8", "(1,)", {NAN}), "element 0 is nan", std::int32_t{});
}

TEST(Npy, VectorsMustBeVectorsAndIntegersIntegers) {
  expect_error<BadFile>([] { read_vector_f64(fixture("npy/float32.npy")); },
                        {"float32.npy", "[4, 3] float32", "one-dimensional"});
  expect_error<BadFile>([] { read_vector_i64(fixture("npy/scalar.npy")); },
                        {"scalar.npy", "one-dimensional"});
  const TempFolder folder;
  put(folder / "f.npy", npy_bytes<float>("<f4", "(1,)", {1}));
  expect_error<BadFile>([&] { read_vector_i64(folder / "f.npy"); },
                        {"f.npy", "float32", "expected integers"});
}

TEST(Npy, NamesWhatItCannotRead) {
  const auto fails = [](const char* name, const char* found) {
    expect_error<BadFile>([&] { NpyFile{fixture(name)}; }, {name, found});
  };
  fails("npy/big-endian.npy", "big-endian dtype '>f4'");
  fails("npy/complex.npy", "dtype '<c8'");
  fails("npy/structured.npy", "structured dtype");
  fails("npy/object.npy", "object array");
  fails("npy/archive.npz", ".npz archive");
  fails("images/rgb.png", "not a .npy file");
  fails("npy/missing.npy", "cannot open");
}

TEST(Npy, EveryTruncationIsAnError) {
  const TempFolder folder;
  const std::string whole = bytes_of(fixture("npy/float32.npy"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto path = put(folder / "cut.npy", whole.substr(0, length));
    EXPECT_THROW(NpyFile{path}, BadFile) << length;
  }
  put(folder / "cut.npy", whole.substr(0, whole.size() - 1));
  expect_error<BadFile>([&] { NpyFile{folder / "cut.npy"}; },
                        {"cut.npy", "[4, 3] float32 needs 48 bytes", "has 47", "truncated"});
  put(folder / "cut.npy", "");
  expect_error<BadFile>([&] { NpyFile{folder / "cut.npy"}; }, {"cut.npy", "empty"});
}

TEST(Npy, TooLongIsAnError) {
  const TempFolder folder;
  put(folder / "long.npy", bytes_of(fixture("npy/float32.npy")) + "x");
  expect_error<BadFile>([&] { NpyFile{folder / "long.npy"}; },
                        {"long.npy", "needs 48 bytes", "has 49", "longer"});
}

TEST(Npy, HeadersThatLieAreErrors) {
  const TempFolder folder;
  const std::string head = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  const auto fails = [&](const std::string& dictionary, const std::string& found) {
    put(folder / "bad.npy", npy_bytes(dictionary, "12345678"));
    expect_error<BadFile>([&] { NpyFile{folder / "bad.npy"}; }, {"bad.npy", found});
  };
  fails(head + "(4611686018427387904, 4)}", "does not fit into 64 bits");
  fails(head + "(99999999999999999999,)}", "beyond 64 bits");
  fails(head + "(1000000000000,)}", "needs 4000000000000 bytes");
  fails(head + "(-2,)}", "negative length -2");
  fails(head + "(2.0,)}", "byte 62: expected ')'");
  fails(head + "2}", "expected '('");
  fails(head + "(2,)", "expected '}'");
  fails(head + "(2,)} x", "after the closing brace");
  fails("{'descr': '<f4', 'shape': (2,)}", "'fortran_order' is missing");
  fails("{'descr': '<f4', 'fortran_order': False}", "'shape' is missing");
  fails("{'fortran_order': False, 'shape': (2,)}", "'descr' is missing");
  fails("{'descr': '<f4', 'descr': '<f4'}", "given twice");
  fails("{'descr': '<f4', 'more': 1}", "unknown key 'more'");
  fails("{'descr': '<f4', 'fortran_order': 0}", "expected True or False");
  fails("{'descr': '<f4", "unterminated");
  fails("{'descr': '', 'fortran_order': False, 'shape': (2,)}", "dtype ''");
  fails("{'descr': '=f4', 'fortran_order': False, 'shape': (2,)}", "dtype '=f4'");
  fails("", "expected '{'");
}

TEST(Npy, ALengthOfZeroMakesTheOthersFree) {
  const TempFolder folder;
  put(folder / "none.npy", npy_bytes<float>("<f4", "(0, 4611686018427387904, 4)", {}));
  EXPECT_EQ(NpyFile(folder / "none.npy").size(), 0);
}

/// Refused by the file's length: what they claim would not fit into any memory.
TEST(Npy, AbsurdSizesAreErrorsBeforeAnythingIsAllocated) {
  const TempFolder folder;
  const auto path = folder / "absurd.npy";
  const auto fails = [&](const std::string& bytes, const std::string& found) {
    put(path, bytes);
    expect_error<BadFile>([&] { NpyFile{path}; }, {"absurd.npy", found});
  };
  const std::vector<std::uint8_t> eight(8);
  fails(npy_bytes("|u1", "(9223372036854775807,)", eight), "needs 9223372036854775807 bytes");
  fails(npy_bytes("|u1", "(9223372036854775807, 2)", eight), "does not fit into 64 bits");
  fails(npy_bytes("|u1", "(3037000500, 3037000500)", eight), "does not fit into 64 bits");
  fails(npy_bytes("<f8", "(4294967296, 4294967296, 4294967296)", eight), "64 bits");
  fails(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{", 13), "its header alone takes 4294967307");
  std::string ones;
  for (int i = 0; i < 20'000; ++i) ones += "1,";
  put(path, npy_bytes("|u1", "(" + ones + ")", std::vector<std::uint8_t>{7}));
  EXPECT_EQ(NpyFile(path).size(), 1) << "many dimensions are no more than many";
}

TEST(Npy, UnknownVersionsAreErrors) {
  const TempFolder folder;
  std::string bytes = bytes_of(fixture("npy/float32.npy"));
  bytes[6] = 4;
  put(folder / "v4.npy", bytes);
  expect_error<BadFile>([&] { NpyFile{folder / "v4.npy"}; }, {"v4.npy", "version 4.0"});
}

/// What NumPy itself writes, byte for byte.
TEST(Npy, WritesAsNumPyDoes) {
  const TempFolder folder;
  const std::vector<std::int32_t> ints = {0, 1, 2, 3, 4};
  write_npy(folder / "a.npy", ints);
  EXPECT_EQ(bytes_of(folder / "a.npy"), bytes_of(fixture("npy/vector.npy")));
  Matrix<float> matrix(4, 3);
  std::iota(matrix.data(), matrix.data() + 12, 0.0F);
  write_npy(folder / "b.npy", matrix);
  EXPECT_EQ(bytes_of(folder / "b.npy"), bytes_of(fixture("npy/float32.npy")));
}

TEST(Npy, WritersRoundTrip) {
  const TempFolder folder;
  const std::vector<double> doubles = {-0.0, 1e300, 5e-324, 0.1};
  write_npy(folder / "f8.npy", doubles);
  EXPECT_EQ(read_vector_f64(folder / "f8.npy"), doubles);
  const std::vector<std::int64_t> longs = {std::numeric_limits<std::int64_t>::min(), 0,
                                           std::numeric_limits<std::int64_t>::max()};
  write_npy(folder / "i8.npy", longs);
  EXPECT_EQ(read_vector_i64(folder / "i8.npy"), longs);
  const std::vector<std::uint8_t> bytes = {0, 1, 1, 0};
  write_npy(folder / "u1.npy", bytes);
  EXPECT_EQ(NpyFile(folder / "u1.npy").describe(), "[4] uint8");
  write_npy_bool(folder / "b1.npy", bytes);
  const NpyFile mask(folder / "b1.npy");
  EXPECT_EQ(mask.dtype(), DType::boolean);
  EXPECT_EQ(values_of<std::uint8_t>(mask), bytes);
  write_npy(folder / "none.npy", std::span<const double>{});
  EXPECT_TRUE(read_vector_f64(folder / "none.npy").empty());
}

}  // namespace
}  // namespace winnow::io
