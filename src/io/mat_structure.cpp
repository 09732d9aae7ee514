#include "io/mat_structure.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstring>
#include <string_view>
#include <utility>

#include "io/inflater.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

static_assert(std::endian::native == std::endian::little);

namespace {

constexpr std::size_t header_size = 128;
constexpr std::size_t tag_size = 8;
constexpr std::size_t max_rank = 8;
constexpr std::size_t max_name = 63;  // MATLAB's namelengthmax
/// Tag, flags, lengths, name and the tag of the data, each as long as it may be.
constexpr std::size_t max_matrix_header = 512;

// Types of elements.
constexpr std::uint32_t mi_int8 = 1;
constexpr std::uint32_t mi_int32 = 5;
constexpr std::uint32_t mi_uint32 = 6;
constexpr std::uint32_t mi_matrix = 14;
constexpr std::uint32_t mi_compressed = 15;

constexpr std::uint32_t complex_flag = 0x0800;

/// Name and size of the classes 6 to 15.
struct NumericClass {
  const char* name;
  std::size_t size;
};
constexpr std::uint32_t first_class = 6;
constexpr std::array<NumericClass, 10> numeric_classes = {{{"double", 8},
                                                           {"single", 4},
                                                           {"int8", 1},
                                                           {"uint8", 1},
                                                           {"int16", 2},
                                                           {"uint16", 2},
                                                           {"int32", 4},
                                                           {"uint32", 4},
                                                           {"int64", 8},
                                                           {"uint64", 8}}};
constexpr std::array<const char*, 6> other_classes = {
    "an array of no class", "a cell array",  "a struct", "an object",
    "a character array",    "a sparse array"};

/// Size of one stored number of an element's type, 0 for types that are no numbers.
std::size_t stored_size(std::uint32_t type) {
  constexpr std::array<std::size_t, 14> sizes = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8};
  return type < sizes.size() ? sizes[type] : 0;
}

std::size_t round_up(std::size_t size) { return (size + tag_size - 1) / tag_size * tag_size; }

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw BadFile(fmt::format("{}: {}; copy the file again, or save it anew with SciPy's savemat",
                            where, what));
}

void check_header(std::span<const std::byte> bytes, const std::string& name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), header_size));
  constexpr const char* convert =
      "load it in MATLAB and save it with -v7, or read it with h5py and write it with SciPy's "
      "savemat(..., do_compression=True)";
  if (text.starts_with("\x89HDF") || text.starts_with("MATLAB 7.3")) {
    throw BadFile(fmt::format("{}: MAT of version 7.3, which is HDF5; expected version 5 (-v7); {}",
                              name, convert));
  }
  if (bytes.size() < header_size) {
    throw BadFile(fmt::format("{}: truncated: {} bytes, but a MAT header takes {}", name,
                              bytes.size(), header_size));
  }
  const std::string_view version = text.substr(header_size - 4);
  if (version == std::string_view("\x01\x00MI", 4)) {
    throw BadFile(
        fmt::format("{}: big-endian MAT; expected little-endian; read it with SciPy's "
                    "loadmat and write it with savemat",
                    name));
  }
  if (version != std::string_view("\x00\x01IM", 4)) {
    throw BadFile(
        fmt::format("{}: no MAT file of version 5: bytes 124 to 127 are {:#010x}; "
                    "expected 0x4d490100",
                    name, number_at(bytes, header_size - 4)));
  }
}

/// One element inside a matrix: its type and where its content lies.
struct Element {
  std::uint32_t type = 0;
  std::size_t begin = 0;
  std::size_t size = 0;
  std::size_t next = 0;  ///< after the padding
};

/// Reads the parts of a matrix element whose first bytes are `head`.
class MatrixHeader {
 public:
  /// @param size  Of the matrix after its tag; head may end before.
  MatrixHeader(std::span<const std::byte> head, std::size_t size, std::string where)
      : head_(head), size_(size), where_(std::move(where)) {}

  MatVariable parse() {
    MatVariable variable;
    const std::uint32_t numeric = parse_class();
    variable.type = numeric_classes[numeric].name;
    variable.shape = parse_shape();
    variable.name = parse_name();
    check_data(variable);
    return variable;
  }

 private:
  Element next(const char* what) {
    if (position_ + tag_size > std::min(size_, head_.size())) {
      fail(where_, fmt::format("the matrix ends before its {}", what));
    }
    Element element;
    element.type = number_at(head_, position_);
    if (const std::uint32_t small = element.type >> 16U; small != 0) {
      element = {element.type & 0xFFFFU, position_ + 4, small, position_ + tag_size};
      if (small > 4)
        fail(where_, fmt::format("its {} claim {} bytes in a field of 4", what, small));
    } else {
      element.size = number_at(head_, position_ + 4);
      element.begin = position_ + tag_size;
      element.next = element.begin + round_up(element.size);
    }
    if (element.begin + element.size > size_) {
      fail(where_, fmt::format("its {} claim {} bytes, but the matrix has {} left", what,
                               element.size, size_ - element.begin));
    }
    position_ = element.next;
    return element;
  }

  /// As next(), of the type and length given, and within the head.
  Element require(const char* what, std::uint32_t type, std::size_t least, std::size_t most) {
    const Element element = next(what);
    if (element.type != type || element.size < least || element.size > most ||
        element.begin + element.size > head_.size()) {
      fail(where_, fmt::format("its {} are {} bytes of type {}; expected {} to {} of type {}", what,
                               element.size, element.type, least, most, type));
    }
    return element;
  }

  std::uint32_t parse_class() {
    const Element flags = require("flags", mi_uint32, 8, 8);
    const std::uint32_t value = number_at(head_, flags.begin);
    const std::uint32_t type = value & 0xFFU;
    if (type < first_class || type >= first_class + numeric_classes.size()) {
      throw BadFile(fmt::format(
          "{}: {}; expected numeric arrays only; save the arrays alone", where_,
          type < other_classes.size() ? other_classes[type] : fmt::format("of class {}", type)));
    }
    if ((value & complex_flag) != 0) {
      throw BadFile(fmt::format("{}: complex numbers; expected real ones", where_));
    }
    return type - first_class;
  }

  std::vector<std::int64_t> parse_shape() {
    const Element lengths = require("lengths", mi_int32, 8, 4 * max_rank);
    if (lengths.size % 4 != 0) fail(where_, fmt::format("{} bytes of lengths", lengths.size));
    std::vector<std::int64_t> shape;
    for (std::size_t i = 0; i < lengths.size; i += 4) {
      const auto length = static_cast<std::int32_t>(number_at(head_, lengths.begin + i));
      if (length < 0) fail(where_, fmt::format("length {} of dimension {}", length, i / 4));
      shape.push_back(length);
    }
    return shape;
  }

  std::string parse_name() {
    const Element element = require("name", mi_int8, 1, max_name);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
    std::string name(reinterpret_cast<const char*>(head_.data() + element.begin), element.size);
    const bool plain = std::all_of(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (!plain) fail(where_, "its name has other characters than letters, digits and _");
    return name;
  }

  void check_data(const MatVariable& variable) {
    const Element data = next("values");
    const std::size_t each = stored_size(data.type);
    if (each == 0) fail(where_, fmt::format("its values are of type {}", data.type));
    std::uint64_t expected = each;
    bool overflow = false;
    for (const std::int64_t length : variable.shape) {
      overflow |= __builtin_mul_overflow(expected, static_cast<std::uint64_t>(length), &expected);
    }
    if (overflow || expected != data.size) {
      fail(where_, fmt::format("{} has lengths [{}] but {} bytes of values of {}", variable.name,
                               fmt::join(variable.shape, ", "), data.size, each));
    }
    if (size_ - std::min(size_, data.next) >= tag_size) {
      fail(where_,
           fmt::format("{} bytes after the values of {}", size_ - data.next, variable.name));
    }
  }

  std::span<const std::byte> head_;
  std::size_t size_;
  std::string where_;
  std::size_t position_ = 0;
};

/// `content`: of the element of type miCOMPRESSED.
MatVariable parse_compressed(std::span<const std::byte> content, const std::string& where) {
  Inflater inflater(content, Inflater::Format::zlib, where);
  std::array<std::uint8_t, tag_size + max_matrix_header> buffer{};
  const std::size_t found = inflater.read(buffer);
  const auto head = std::as_bytes(std::span(buffer)).first(found);
  if (found < tag_size || number_at(head, 0) != mi_matrix) {
    fail(where, "the compressed element holds no matrix");
  }
  const std::size_t size = number_at(head, 4);
  if (size / max_deflate_ratio > content.size()) {
    fail(where, fmt::format("a matrix of {} bytes, more than {} compressed bytes can hold", size,
                            content.size()));
  }
  MatVariable variable = MatrixHeader(head.subspan(tag_size), size, where).parse();
  variable.compressed = true;
  variable.unpacked = tag_size + size;
  return variable;
}

}  // namespace

std::vector<MatVariable> parse_mat(std::span<const std::byte> bytes, const std::string& name) {
  check_header(bytes, name);
  std::vector<MatVariable> variables;
  for (std::size_t at = header_size; at < bytes.size();) {
    const std::string where = fmt::format("{}: variable {} at byte {}", name, variables.size(), at);
    if (bytes.size() - at < tag_size) fail(where, "the file ends inside its tag");
    const std::uint32_t type = number_at(bytes, at);
    const std::size_t size = number_at(bytes, at + 4);
    const std::size_t begin = at + tag_size;
    if (size > bytes.size() - begin) {
      fail(where,
           fmt::format("claims {} bytes, but the file has {} left", size, bytes.size() - begin));
    }
    if (type != mi_matrix && type != mi_compressed) {
      fail(where, fmt::format("an element of type {}; expected 14 or 15, a matrix", type));
    }
    const auto content = bytes.subspan(begin, size);
    MatVariable variable =
        type == mi_compressed
            ? parse_compressed(content, where)
            : MatrixHeader(content.first(std::min(size, max_matrix_header)), size, where).parse();
    if (type == mi_matrix) variable.unpacked = tag_size + size;
    variable.begin = begin;
    variable.size = size;
    const auto twice = std::find_if(variables.begin(), variables.end(),
                                    [&](const auto& v) { return v.name == variable.name; });
    if (twice != variables.end()) {
      fail(where, fmt::format("a second variable called {}", variable.name));
    }
    variables.push_back(std::move(variable));
    at = begin + size;
  }
  return variables;
}

}  // namespace winnow::io
