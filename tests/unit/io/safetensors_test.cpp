#include "winnow/io/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "unit/io/test_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {
namespace {

std::string framed(const std::string& header, std::string_view data = "",
                   std::uint64_t extra_length = 0) {
  const std::uint64_t length = header.size() + extra_length;
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, bytes.size());
  return bytes.append(header).append(data);
}

/// `{"w": {...}}` with one tensor, its fields as JSON.
std::string one_tensor(const std::string& dtype, const std::string& shape,
                       const std::string& offsets) {
  return fmt::format(R"({{"w":{{"dtype":{},"shape":{},"data_offsets":{}}}}})", dtype, shape,
                     offsets);
}

std::string entry(const std::string& name, int begin, int end) {
  return fmt::format(R"("{}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}})", name,
                     end - begin, begin, end);
}

std::string object(const std::vector<std::string>& entries) {
  return fmt::format("{{{}}}", fmt::join(entries, ","));
}

std::vector<std::string> names_of(const SafetensorsFile& file) {
  std::vector<std::string> names;
  for (const auto& tensor : file.tensors()) names.push_back(tensor.name);
  return names;
}

class BrokenSafetensors : public ::testing::Test {
 protected:
  void refuses(const std::string& bytes, const std::string& found) {
    put(folder_ / "m.safetensors", bytes);
    expect_error<BadFile>([&] { SafetensorsFile{folder_ / "m.safetensors"}; },
                          {"m.safetensors", found});
  }
  TempFolder folder_;
};

TEST(Safetensors, ReadsEveryTypeAsFloat) {
  const SafetensorsFile file(fixture("safetensors/types.safetensors"));
  const NpyFile expected(fixture("safetensors/types.npy"));
  std::vector<float> values(static_cast<std::size_t>(expected.size()));
  expected.read<float>(0, values);
  const char* names[] = {"BF16", "BOOL", "F16", "F32", "F64", "I16", "I32",
                         "I64",  "I8",   "U16", "U32", "U64", "U8"};
  std::size_t row = 0;
  for (const char* name : names) {
    const TensorView& tensor = file.at(name);
    EXPECT_STREQ(tensor_type_name(tensor.type), name);
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{2, 4}));
    EXPECT_EQ(tensor.describe(), std::string("[2, 4] ") + name);
    EXPECT_EQ(tensor.bytes.size(), 8 * tensor_type_size(tensor.type));
    const auto found = file.read(tensor);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(found[i]),
                std::bit_cast<std::uint32_t>(values[8 * row + i]))
          << name << " " << i;
    }
    ++row;
  }
  EXPECT_EQ(file.tensors().size(), row);
}

TEST(Safetensors, TellsNamesInFileOrderScalarsEmptyTensorsAndMetadata) {
  const SafetensorsFile file(fixture("safetensors/written.safetensors"));
  EXPECT_EQ(names_of(file),
            (std::vector<std::string>{"steps", "a.weight", "b \"ä\"\n", "none", "half", "a.mask"}));
  EXPECT_EQ(file.metadata(), (TensorMetadata{{"format", "pt"}, {"note", "line\nü"}}));
  EXPECT_EQ(file.at("steps").shape, std::vector<std::int64_t>{});
  EXPECT_EQ(file.at("steps").size(), 1);
  EXPECT_EQ(file.at("none").shape, (std::vector<std::int64_t>{0, 5}));
  EXPECT_TRUE(file.read(file.at("none")).empty());
  EXPECT_EQ(file.read(file.at("a.weight")), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(file.find("a.weights"), nullptr);
  expect_error<BadFile>([&] { file.at("a.weights"); },
                        {"written.safetensors", "no tensor \"a.weights\"", "is it \"a.weight\"?"});
}

TEST(Safetensors, ReadsUnalignedTensorsInAnyOrderOfKeys) {
  const SafetensorsFile file(fixture("safetensors/unaligned.safetensors"));
  EXPECT_EQ(names_of(file), (std::vector<std::string>{"z", "y", "x"}));
  EXPECT_EQ(file.read(file.at("y")), (std::vector<float>{0, 1}));
  EXPECT_EQ(file.read(file.at("z")), std::vector<float>{7});
  const TempFolder folder;
  put(folder / "m.safetensors",
      framed(object({entry("b", 3, 4) + " \n", entry("a", 0, 3)}) + "  ", std::string("\1\2\3\4")));
  const SafetensorsFile turned(folder / "m.safetensors");
  EXPECT_EQ(names_of(turned), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(turned.read(turned.at("b")), std::vector<float>{4});
}

TEST(Safetensors, ReadsAFileWithoutTensors) {
  const TempFolder folder;
  put(folder / "m.safetensors", framed("{}      "));
  EXPECT_TRUE(SafetensorsFile(folder / "m.safetensors").tensors().empty());
}

TEST(Safetensors, RefusesValuesThatFloatDoesNotHold) {
  const TempFolder folder;
  const double values[] = {1.0, std::numeric_limits<double>::infinity(), -1e39};
  std::string data(sizeof(values), '\0');
  std::memcpy(data.data(), values, sizeof(values));
  put(folder / "wide.safetensors", framed(one_tensor(R"("F64")", "[3]", "[0,24]"), data));
  const SafetensorsFile wide(folder / "wide.safetensors");
  expect_error<BadFile>([&] { wide.read(wide.at("w")); },
                        {"wide.safetensors", "\"w\"", "element 2 is -1e+39", "overflows float32"});
  put(folder / "f8.safetensors", framed(one_tensor(R"("F8_E4M3")", "[1]", "[0,1]"), "a"));
  const SafetensorsFile small(folder / "f8.safetensors");
  expect_error<BadFile>([&] { small.read(small.at("w")); }, {"f8.safetensors", "[1] F8_E4M3"});
  std::vector<float> two(2);
  expect_error<InvalidArgument>([&] { wide.read(wide.at("w"), two); },
                                {"wide.safetensors", "room for 2 values; expected 3"});
}

TEST_F(BrokenSafetensors, Frames) {
  refuses("", "the file is empty");
  refuses("abc", "truncated: 3 bytes");
  refuses(std::string(8, '\0'), "no '{' at byte 8");
  refuses(framed("[]"), "no '{' at byte 8");
  refuses(framed(" {}"), "no '{' at byte 8");
  refuses(framed("{}", "", 1), "header alone takes 11");
  refuses(framed("{}", "", 99'999'998), "header alone takes 100000008");
  refuses(framed("{}", "", 99'999'999), "header of 100000001 bytes; expected at most 100000000");
  refuses(framed("{}", "", std::numeric_limits<std::uint64_t>::max() - 3), "expected at most");
  refuses(framed("{}", "x"), "its tensors take 0 bytes, but 1 follow the header; it is longer");
  refuses(std::string("{\"w\": {}}       "), "not a safetensors file");
}

TEST_F(BrokenSafetensors, EveryTruncationIsAnError) {
  const std::string whole = bytes_of(fixture("safetensors/written.safetensors"));
  for (std::size_t size = 0; size < whole.size(); ++size) refuses(whole.substr(0, size), "");
  refuses(whole + '\0', "longer than its header says");
}

TEST_F(BrokenSafetensors, PickleAndZipSayHowToConvert) {
  const std::string line =
      "python3 -c \"import torch, safetensors.torch as s; s.save_file({k: v.clone().contiguous() "
      "for k, v in torch.load('model.pt', map_location='cpu').items()}, 'model.safetensors')\"";
  refuses(std::string("PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0", 14), "a zip archive");
  refuses("PK\x03\x04" + std::string(20, 'x'), line);
  refuses("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", "a pickle");
  refuses("\x80\x04\x95" + std::string(20, 'x'), line);
}

/// A header of 640 or of 1.2 thousand bytes begins with the bytes of a pickle, and is none.
TEST(Safetensors, AHeaderLengthIsNoPickle) {
  const TempFolder folder;
  for (const std::size_t length : {0x280U, 0x480U}) {
    std::string header = object({entry("a", 0, 1)});
    header.resize(length, ' ');
    put(folder / "m.safetensors", framed(header, "x"));
    EXPECT_EQ(SafetensorsFile(folder / "m.safetensors").tensors().size(), 1U);
  }
}

TEST_F(BrokenSafetensors, Json) {
  refuses(framed("{"), "not JSON at byte 9");
  refuses(framed("{} x"), "not JSON at byte 11");
  refuses(framed("{}{}"), "not JSON at byte 10");
  refuses(framed("{\"a\xff\":1}"), "not JSON at byte 11");
  refuses(framed(std::string("{}\0 ", 4)), "a zero at byte 10");
  refuses(framed(R"({"w":[[[[[[[[]]]]]]]]})"), "\"w\" is an array; expected an object");
  refuses(framed(R"({"w":null})"), "\"w\" is null");
  refuses(framed(R"({"w":1e999})"), "not JSON at byte");
  refuses(framed(object({entry("a", 0, 1), entry("a", 0, 1)}), "x"), "key \"a\" is given twice");
  refuses(framed(object({entry("a", 0, 1), entry("\\u0061", 1, 2)}), "xy"),
          "key \"a\" is given twice");
}

TEST_F(BrokenSafetensors, Metadata) {
  refuses(framed(R"({"__metadata__":"pt"})"), "\"__metadata__\" is a text; expected an object");
  refuses(framed(R"({"__metadata__":{"a":1}})"), "\"a\" of __metadata__ is 1; expected a text");
  refuses(framed(R"({"__metadata__":{"a":{}}})"), "\"a\" of __metadata__ is an object");
  refuses(framed(R"({"__metadata__":{"a":"1","a":"1"}})"), "key \"a\" is given twice");
  refuses(framed(R"({"__metadata__":{},"__metadata__":{}})"), "given twice");
}

TEST_F(BrokenSafetensors, Fields) {
  refuses(framed(R"({"w":{}})"), "tensor \"w\" without 'dtype'");
  refuses(framed(R"({"w":{"dtype":"F32","shape":[]}})"), "without 'data_offsets'");
  refuses(framed(R"({"w":{"dtype":"F32","dtype":"F32"}})"), "key \"dtype\" is given twice");
  refuses(framed(R"({"w":{"strides":[1]}})"), "a key \"strides\"; expected dtype");
  refuses(framed(one_tensor("7", "[1]", "[0,4]")), "7 as dtype; expected a text");
  refuses(framed(one_tensor("[]", "[1]", "[0,4]")), "an array as dtype");
  refuses(framed(one_tensor(R"("float32")", "[1]", "[0,4]")), "dtype \"float32\"; expected one of");
  refuses(framed(one_tensor(R"("F32")", "1", "[0,4]")), "1 as shape; expected an array of lengths");
  refuses(framed(one_tensor(R"("F32")", "[-1]", "[0,4]")), "-1 as shape");
  refuses(framed(one_tensor(R"("F32")", "[1.0]", "[0,4]")), "1.0 as shape");
  refuses(framed(one_tensor(R"("F32")", "[[1]]", "[0,4]")), "an array as shape");
  refuses(framed(one_tensor(R"("F32")", "[true]", "[0,4]")), "true as shape");
  refuses(framed(one_tensor(R"("F32")", "[1]", "{}")), "an object as data_offsets");
  refuses(framed(one_tensor(R"("F32")", "[1]", "[4]")), "has 1 data_offsets; expected two");
  refuses(framed(one_tensor(R"("F32")", "[1]", "[0,4,8]")), "has 3 data_offsets");
  refuses(framed(one_tensor(R"("F32")", "[9223372036854775808]", "[0,4]")), "less than 2^63");
  refuses(framed(one_tensor(R"("F32")", "[18446744073709551616]", "[0,4]")), "as shape");
  std::string many = "1";
  for (int i = 0; i < 64; ++i) many += ",1";
  refuses(framed(one_tensor(R"("F32")", fmt::format("[{}]", many), "[0,4]")),
          "more than 64 numbers");
}

TEST_F(BrokenSafetensors, OffsetsAndSizes) {
  const std::string data = "12345678";
  refuses(framed(one_tensor(R"("F32")", "[2]", "[0,4]"), "1234"), "[2] F32 needs 8 bytes");
  refuses(framed(one_tensor(R"("F32")", "[2]", "[0,9]"), data + "9"), "needs 8 bytes");
  refuses(framed(one_tensor(R"("F32")", "[2]", "[0,8]"), data.substr(1)), "it is truncated");
  refuses(framed(one_tensor(R"("F32")", "[2]", "[8,0]"), data), "begins at byte 8");
  refuses(framed(one_tensor(R"("F32")", "[0]", "[0,0]"), data), "longer than its header");
  refuses(framed(one_tensor(R"("F32")", "[4611686018427387904,2]", "[0,0]")), "63 bits");
  refuses(framed(one_tensor(R"("F32")", "[4611686018427387904,4,0]", "[0,0]")), "63 bits");
  refuses(framed(one_tensor(R"("U8")", "[9223372036854775807]", "[0,9223372036854775807]")),
          "it is truncated");
  refuses(framed(object({entry("a", 0, 4), entry("b", 3, 8)}), data),
          "\"b\" begins at byte 3 of the data, but the one before it ends at 4; they overlap");
  refuses(framed(object({entry("a", 0, 4), entry("b", 0, 8)}), data), "they overlap");
  refuses(framed(object({entry("a", 0, 3), entry("b", 4, 8)}), data), "they leave a hole");
  refuses(framed(object({entry("a", 1, 8)}), data), "they leave a hole");
}

TEST(Safetensors, LongNamesAreCutInMessages) {
  const TempFolder folder;
  put(folder / "m.safetensors", framed("{\"" + std::string(100'000, 'a') + "\":1}"));
  try {
    const SafetensorsFile file(folder / "m.safetensors");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadFile& error) {
    EXPECT_LT(std::strlen(error.what()), 1000U);
  }
}

// --- writing

template <class T>
std::vector<std::byte> ramp(std::size_t n) {
  std::vector<std::byte> bytes(n * sizeof(T));
  for (std::size_t i = 0; i < n; ++i) {
    const T value = static_cast<T>(i);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

TEST(SafetensorsWriter, WritesTheBytesOfThePythonProgram) {
  const auto steps = ramp<std::int64_t>(1);
  const auto weights = ramp<float>(6);
  const std::uint16_t halves[] = {0, 0x3C00, 0x4000};
  const auto half = std::as_bytes(std::span(halves));
  const auto mask = ramp<std::uint8_t>(2);
  const std::span<const std::byte> two(weights.data(), 8);
  const std::vector<TensorView> tensors = {{{"half", TensorType::float16, {3}}, half},
                                           {{"none", TensorType::float32, {0, 5}}, {}},
                                           {{"a.mask", TensorType::boolean, {2}}, mask},
                                           {{"b \"ä\"\n", TensorType::float32, {2}}, two},
                                           {{"a.weight", TensorType::float32, {2, 3}}, weights},
                                           {{"steps", TensorType::int64, {}}, steps}};
  const TempFolder folder;
  write_safetensors(folder / "m.safetensors", tensors, {{"note", "line\nü"}, {"format", "pt"}});
  EXPECT_EQ(bytes_of(folder / "m.safetensors"),
            bytes_of(fixture("safetensors/written.safetensors")));
}

TEST(SafetensorsWriter, WritesPieceByPiece) {
  const TempFolder folder;
  const auto bytes = ramp<float>(6);
  const std::span<const std::byte> all(bytes);
  SafetensorsWriter writer(folder / "m.safetensors", {{"none", TensorType::int64, {0}},
                                                      {"b", TensorType::float32, {2}},
                                                      {"a", TensorType::float32, {2, 2}}});
  EXPECT_EQ(writer.tensors()[0].name, "none");
  EXPECT_EQ(writer.tensors()[1].name, "a");
  writer.append("a", all.subspan(0, 5));
  writer.append("a", all.subspan(5, 11));
  writer.append("b", all.subspan(16));
  EXPECT_FALSE(std::filesystem::exists(folder / "m.safetensors"));
  writer.commit();
  const SafetensorsFile file(folder / "m.safetensors");
  EXPECT_EQ(file.read(file.at("a")), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(file.read(file.at("b")), (std::vector<float>{4, 5}));
  EXPECT_EQ(file.at("none").size(), 0);
  for (const auto& tensor : file.tensors()) {
    const auto place = static_cast<std::size_t>(tensor.bytes.data() - file.file_bytes().data());
    EXPECT_EQ(place % tensor_type_size(tensor.type), 0U);
  }
}

TEST(SafetensorsWriter, WritesNoTensors) {
  const TempFolder folder;
  write_safetensors(folder / "m.safetensors", {});
  EXPECT_EQ(bytes_of(folder / "m.safetensors"), framed("{}      "));
}

TEST(SafetensorsWriter, RefusesWhatItCannotWrite) {
  const TempFolder folder;
  const auto path = folder / "m.safetensors";
  const auto fails = [&](std::vector<TensorSpec> tensors, const std::string& found,
                         const TensorMetadata& metadata = {}) {
    expect_error<InvalidArgument>([&] { SafetensorsWriter(path, std::move(tensors), metadata); },
                                  {"m.safetensors", found});
  };
  constexpr auto f32 = TensorType::float32;
  fails({{"a", f32, {1}}, {"b", f32, {}}, {"a", f32, {2}}}, "\"a\" is given twice");
  fails({{"__metadata__", f32, {1}}}, "name of the format");
  fails({{"\xff", f32, {1}}}, "no UTF-8");
  fails({{"a", f32, {-1}}}, "[-1] F32");
  fails({{"a", f32, {1LL << 61}}}, "2^63");
  fails({{"a", f32, {1LL << 60}}, {"b", f32, {1LL << 60}}}, "beyond 2^63");
  fails({}, "metadata \"a\" is no UTF-8", {{"a", "\xff"}});
  expect_error<InvalidArgument>(
      [&] {
        const TensorView tensor{{"a", f32, {2}}, {}};
        write_safetensors(path, {&tensor, 1});
      },
      {"m.safetensors", "[2] F32, 8 bytes; 0 were given"});
  EXPECT_TRUE(std::filesystem::is_empty(folder / ""));
}

TEST(SafetensorsWriter, RefusesBytesOutOfTurnAndHalfAFile) {
  const TempFolder folder;
  const auto bytes = ramp<float>(2);
  const std::span<const std::byte> all(bytes);
  SafetensorsWriter writer(folder / "m.safetensors",
                           {{"a", TensorType::float32, {1}}, {"b", TensorType::float32, {1}}});
  expect_error<InvalidArgument>([&] { writer.append("b", all.first(4)); },
                                {"m.safetensors", R"("b" appended; expected "a")"});
  expect_error<InvalidArgument>([&] { writer.append("a", all); },
                                {"4 bytes left; 8 were appended"});
  writer.append("a", all.first(4));
  writer.append("b", all.first(1));
  expect_error<InvalidArgument>([&] { writer.commit(); }, {"\"b\" lacks 3 bytes"});
  writer.append("b", all.first(3));
  expect_error<InvalidArgument>([&] { writer.append("b", all.first(1)); }, {"expected no more"});
  writer.commit();
  EXPECT_EQ(SafetensorsFile(folder / "m.safetensors").tensors().size(), 2U);
}

}  // namespace
}  // namespace winnow::io
