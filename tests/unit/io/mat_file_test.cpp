#include "io/mat_file.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {
namespace {

using Numbers = std::vector<std::int64_t>;

TEST(MatFile, ReadsEveryNumericClass) {
  for (const char* name : {"mat/classes.mat", "mat/classes-packed.mat"}) {
    const MatFile file(fixture(name));
    ASSERT_EQ(file.variables().size(), 10U);
    for (const auto& variable : file.variables()) {
      EXPECT_EQ("a_" + variable.type, variable.name);
      EXPECT_EQ(variable.shape, (Numbers{2, 3}));
      // Column major.
      EXPECT_EQ(file.read(variable).integers(name), (Numbers{0, 3, 1, 4, 2, 100}));
    }
    const auto array = file.read(file.variable("a_uint8"));
    const std::vector<std::uint8_t> bytes(array.bytes().begin(), array.bytes().end());
    EXPECT_EQ(bytes, (std::vector<std::uint8_t>{0, 3, 1, 4, 2, 100}));
    EXPECT_TRUE(file.read(file.variable("a_int8")).bytes().empty());
    Hasher hasher;
    hasher.add(bytes_of(fixture(name)));
    EXPECT_EQ(file.input().hash, hash_text(hasher.digest()));
    expect_error<BadFile>([&] { file.variable("b"); }, {name, "no variable 'b'", "a_double"});
  }
}

TEST(MatFile, ReadsValuesKeptInsideTheirTag) {
  const MatFile file(fixture("mat/scalars.mat"));
  EXPECT_EQ(file.read(file.variable("a")).integers("a"), Numbers{7});
  EXPECT_EQ(file.read(file.variable("b")).integers("b"), Numbers{-2});
}

TEST(MatFile, HalvesAreNoWholeNumbers) {
  const MatFile file(fixture("mat/halves.mat"));
  const auto array = file.read(file.variable("a"));
  expect_error<BadFile>([&] { array.integers("x.mat: a"); }, {"x.mat: a: row 1 is 2.5"});
}

TEST(MatFile, RefusesWhatIsNoNumericArrayOfVersion5) {
  const auto fails = [](const std::string& name, const std::vector<std::string>& found) {
    expect_error<BadFile>([&] { MatFile{fixture(name)}; }, found);
  };
  fails("mat/struct.mat", {"struct.mat: variable 0 at byte 128: a struct"});
  fails("mat/text.mat", {"text.mat: variable 0 at byte 128: a character array"});
  fails("mat/complex.mat", {"complex numbers"});
  fails("mat/version-4.mat", {"version-4.mat", "truncated: 54 bytes"});
  fails("images/rgb.png", {"rgb.png", "no MAT file"});
  const TempFolder folder;
  std::string header = bytes_of(fixture("mat/halves.mat"));
  header.replace(0, 10, "MATLAB 7.3");
  expect_error<BadFile>([&] { MatFile{put(folder / "x.mat", header)}; },
                        {"x.mat: MAT of version 7.3", "-v7", "do_compression=True"});
  expect_error<BadFile>([&] { MatFile{put(folder / "x.mat", "\x89HDF\r\n\x1a\n")}; }, {"HDF5"});
  header = bytes_of(fixture("mat/halves.mat"));
  header.replace(124, 4, std::string("\x01\0MI", 4));
  expect_error<BadFile>([&] { MatFile{put(folder / "x.mat", header)}; }, {"big-endian"});
}

/// The one variable of halves.mat: tag at 128, flags at 136, lengths at 152, name at 168, values at
/// 176.
class DamagedMat : public ::testing::Test {
 protected:
  void fails(std::size_t at, std::uint32_t value, const std::vector<std::string>& found) {
    std::string bytes = bytes_;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    expect_error<BadFile>([&] { MatFile{put(folder_ / "x.mat", bytes)}; }, found);
  }

  TempFolder folder_;
  std::string bytes_ = bytes_of(fixture("mat/halves.mat"));
};

TEST_F(DamagedMat, LengthsAndTypes) {
  fails(128, 9, {"variable 0 at byte 128: an element of type 9"});
  fails(132, 0xFFFFFFF8U, {"claims 4294967288 bytes, but the file has 64 left"});
  fails(132, 56, {"x.mat"});
  fails(136, 5, {"its flags are 8 bytes of type 5; expected 8 to 8 of type 6"});
  fails(144, 0x0806, {"complex"});
  fails(144, 42, {"of class 42"});
  fails(156, 4, {"its lengths are 4 bytes"});
  fails(156, 0x7FFFFFFFU, {"its lengths claim 2147483647 bytes"});
  fails(160, 0x80000000U, {"length -2147483648 of dimension 0"});
  fails(160, 0x7FFFFFFFU, {"lengths [2147483647, 2]", "16 bytes of values of 8"});
  fails(168, 0x00010002U, {"its name are 1 bytes of type 2"});
  fails(168, 0x00050001U, {"claim 5 bytes in a field of 4"});
  fails(172, '/', {"its name has other characters"});
  fails(176, 14, {"its values are of type 14"});
  fails(180, 8, {"a has lengths [1, 2] but 8 bytes"});
  fails(180, 0xFFFFFFFFU, {"its values claim 4294967295 bytes"});
}

TEST_F(DamagedMat, TruncatedFiles) {
  for (std::size_t length = 0; length < bytes_.size(); ++length) {
    if (length == 128) continue;  // the header alone: no variables
    expect_error<BadFile>([&] { MatFile{put(folder_ / "x.mat", bytes_.substr(0, length))}; },
                          {"x.mat"});
  }
  EXPECT_TRUE(MatFile(put(folder_ / "x.mat", bytes_.substr(0, 128))).variables().empty());
}

TEST_F(DamagedMat, ASecondVariableOfTheName) {
  expect_error<BadFile>([&] { MatFile{put(folder_ / "x.mat", bytes_ + bytes_.substr(128))}; },
                        {"variable 1 at byte 200", "a second variable called a"});
}

TEST_F(DamagedMat, CompressedDataAreCheckedToTheirLastByte) {
  const std::string packed = bytes_of(fixture("svhn/packed/train_32x32.mat"));
  std::uint32_t size = 0;
  std::memcpy(&size, packed.data() + 132, sizeof size);
  std::string flipped = packed;
  flipped[136 + size - 1] = static_cast<char>(flipped[136 + size - 1] ^ 1);
  const MatFile file(put(folder_ / "x.mat", flipped));
  expect_error<BadFile>([&] { file.read(file.variable("X")); },
                        {"x.mat: X: damaged compressed data"});
}

}  // namespace
}  // namespace winnow::io
