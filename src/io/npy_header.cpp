#include "io/npy_header.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

struct DTypeInfo {
  DType dtype;
  const char* name;
  const char* code;  ///< NumPy's kind and item size
  std::size_t size;
};

constexpr std::array<DTypeInfo, 12> dtype_table{{
    {DType::boolean, "bool", "b1", 1},
    {DType::int8, "int8", "i1", 1},
    {DType::uint8, "uint8", "u1", 1},
    {DType::int16, "int16", "i2", 2},
    {DType::uint16, "uint16", "u2", 2},
    {DType::int32, "int32", "i4", 4},
    {DType::uint32, "uint32", "u4", 4},
    {DType::int64, "int64", "i8", 8},
    {DType::uint64, "uint64", "u8", 8},
    {DType::float16, "float16", "f2", 2},
    {DType::float32, "float32", "f4", 4},
    {DType::float64, "float64", "f8", 8},
}};

const DTypeInfo& info_of(DType dtype) { return dtype_table.at(static_cast<std::size_t>(dtype)); }

/// The three entries of the header's dictionary, as NumPy writes it:
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 512), }`.
struct Entries {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;
};

/// Reads that one Python literal. Positions in messages are bytes of the file.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::size_t file_offset, const std::string& name)
      : text_(text), file_offset_(file_offset), name_(name) {}

  Entries parse() {
    Entries entries;
    expect('{');
    while (!accept('}')) {
      const std::string key = parse_string();
      expect(':');
      if (key == "descr") {
        store(entries.descr, key, parse_descr());
      } else if (key == "fortran_order") {
        store(entries.fortran_order, key, parse_bool());
      } else if (key == "shape") {
        store(entries.shape, key, parse_shape());
      } else {
        fail(fmt::format("unknown key '{}'", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (position_ != text_.size()) fail("text after the closing brace");
    if (!entries.descr) fail("key 'descr' is missing");
    if (!entries.fortran_order) fail("key 'fortran_order' is missing");
    if (!entries.shape) fail("key 'shape' is missing");
    return entries;
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw BadFile(fmt::format(
        "{}: malformed .npy header at byte {}: {}; save the array again with numpy.save", name_,
        file_offset_ + position_, found));
  }

  template <class T>
  void store(std::optional<T>& slot, const std::string& key, T value) const {
    if (slot) fail(fmt::format("key '{}' is given twice", key));
    slot = std::move(value);
  }

  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n' ||
                                        text_[position_] == '\t' || text_[position_] == '\r')) {
      ++position_;
    }
  }

  bool accept(char wanted) {
    skip_space();
    if (position_ >= text_.size() || text_[position_] != wanted) return false;
    ++position_;
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("expected '{}'", wanted));
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }

  std::string parse_string() {
    skip_space();
    if (position_ >= text_.size() || (text_[position_] != '\'' && text_[position_] != '"')) {
      fail("expected a quoted text");
    }
    const char quote = text_[position_];
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) fail("unterminated text");
    std::string value(text_.substr(position_ + 1, end - position_ - 1));
    if (value.find('\\') != std::string::npos) fail("escape in a text");
    position_ = end + 1;
    return value;
  }

  std::string parse_descr() {
    skip_space();
    if (position_ < text_.size() && text_[position_] == '[') {
      throw BadFile(fmt::format(
          "{}: structured dtype; expected a plain array of numbers; save one field of it", name_));
    }
    return parse_string();
  }

  bool parse_bool() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail("expected True or False");
  }

  std::vector<std::int64_t> parse_shape() {
    std::vector<std::int64_t> shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(parse_length());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::int64_t parse_length() {
    skip_space();
    std::int64_t value = 0;
    const char* begin = text_.data() + position_;
    const auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (code == std::errc::result_out_of_range) fail("a length beyond 64 bits in the shape");
    if (code != std::errc{}) fail("expected a length in the shape");
    if (value < 0) fail(fmt::format("negative length {} in the shape", value));
    position_ += static_cast<std::size_t>(end - begin);
    if (position_ < text_.size() && text_[position_] == 'L') ++position_;  // Python 2's long
    return value;
  }

  std::string_view text_;
  std::size_t file_offset_;
  const std::string& name_;
  std::size_t position_ = 0;
};

DType parse_dtype(const std::string& descr, const std::string& name) {
  const char order = descr.empty() ? '\0' : descr.front();
  const std::string_view code = std::string_view(descr).substr(descr.empty() ? 0 : 1);
  const auto* found = std::find_if(dtype_table.begin(), dtype_table.end(),
                                   [&](const DTypeInfo& info) { return info.code == code; });
  if (code.starts_with('O')) {
    throw BadFile(fmt::format(
        "{}: object array (dtype '{}'); expected numbers; convert it with .astype('float32')", name,
        descr));
  }
  if (found == dtype_table.end() || (order != '<' && order != '>' && order != '|')) {
    throw BadFile(fmt::format(
        "{}: dtype '{}'; expected bool, an integer or float16/32/64, little-endian", name, descr));
  }
  if (found->size > 1 && order != '<') {
    throw BadFile(fmt::format(
        "{}: big-endian dtype '{}'; expected little-endian; convert it with .astype('<{}')", name,
        descr, code));
  }
  return found->dtype;
}

/// Product of the shape times the item size, checked: what the file must hold.
std::size_t expected_bytes(const NpyHeader& header, const std::string& name) {
  if (std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end()) return 0;
  auto bytes = static_cast<std::int64_t>(dtype_size(header.dtype));
  for (const std::int64_t length : header.shape) {
    if (__builtin_mul_overflow(bytes, length, &bytes)) {
      throw BadFile(fmt::format("{}: shape {} does not fit into 64 bits; the header is damaged",
                                name, shape_text(header.shape)));
    }
  }
  return static_cast<std::size_t>(bytes);
}

std::size_t byte_at(std::span<const std::byte> file, std::size_t i) {
  return std::to_integer<std::size_t>(file[i]);
}

/// Where the header's text lies: (first byte, length).
std::pair<std::size_t, std::size_t> header_extent(std::span<const std::byte> file,
                                                  const std::string& name) {
  constexpr std::string_view magic = "\x93NUMPY";
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (file.empty()) throw BadFile(fmt::format("{}: the file is empty; expected .npy", name));
  if (text.starts_with("PK\x03\x04")) {
    throw BadFile(fmt::format(
        "{}: an .npz archive; expected .npy; save one array of it with numpy.save", name));
  }
  if (!text.starts_with(magic)) {
    throw BadFile(fmt::format(
        "{}: not a .npy file: it does not start with the bytes 93 4E 55 4D 50 59 (\\x93NUMPY)",
        name));
  }
  const auto truncated = [&](std::size_t needed) {
    return BadFile(fmt::format("{}: truncated: {} bytes, but its header alone takes {}", name,
                               file.size(), needed));
  };
  if (file.size() < 10) throw truncated(10);
  const std::size_t major = byte_at(file, 6);
  const std::size_t minor = byte_at(file, 7);
  if (major < 1 || major > 3 || minor != 0) {
    throw BadFile(
        fmt::format("{}: .npy format version {}.{}; expected 1.0, 2.0 or 3.0", name, major, minor));
  }
  if (major == 1) return {10, byte_at(file, 8) | byte_at(file, 9) << 8U};
  if (file.size() < 12) throw truncated(12);
  return {12, byte_at(file, 8) | byte_at(file, 9) << 8U | byte_at(file, 10) << 16U |
                  byte_at(file, 11) << 24U};
}

}  // namespace

const char* dtype_name(DType dtype) { return info_of(dtype).name; }
std::size_t dtype_size(DType dtype) { return info_of(dtype).size; }
bool is_floating(DType dtype) { return info_of(dtype).code[0] == 'f'; }

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string npy_header_text(DType dtype, std::span<const std::int64_t> shape,
                            std::size_t min_size) {
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                 dtype_size(dtype) == 1 ? '|' : '<', info_of(dtype).code,
                                 fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr std::size_t prelude = 10;
  const std::size_t used = std::max(prelude + text.size() + 1, min_size);
  text.append((used + 63) / 64 * 64 - (prelude + text.size() + 1), ' ');
  text.push_back('\n');
  std::string header("\x93NUMPY\x01\x00", 8);
  header.push_back(static_cast<char>(text.size() & 0xFFU));
  header.push_back(static_cast<char>(text.size() >> 8U));
  return header + text;
}

NpyHeader parse_npy_header(std::span<const std::byte> file, const std::string& name) {
  const auto [begin, length] = header_extent(file, name);
  if (file.size() < begin + length) {
    throw BadFile(fmt::format("{}: truncated: {} bytes, but its header alone takes {}", name,
                              file.size(), begin + length));
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + begin, length);
  Entries entries = HeaderParser(text, begin, name).parse();

  NpyHeader header;
  header.dtype = parse_dtype(*entries.descr, name);
  header.shape = std::move(*entries.shape);
  header.fortran_order = *entries.fortran_order && header.shape.size() > 1;
  header.data_offset = begin + length;
  const std::size_t expected = expected_bytes(header, name);
  const std::size_t found = file.size() - header.data_offset;
  if (found != expected) {
    throw BadFile(fmt::format(
        "{}: {} {} needs {} bytes after the header, but the file has {}; it is {}", name,
        shape_text(header.shape), dtype_name(header.dtype), expected, found,
        found < expected ? "truncated: copy or make it again" : "longer than its header says"));
  }
  return header;
}

}  // namespace winnow::io
