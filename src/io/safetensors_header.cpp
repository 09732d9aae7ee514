#include "io/safetensors_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

namespace {

constexpr std::size_t length_bytes = 8;  // before the header
constexpr std::size_t max_dimensions = 64;

struct TypeInfo {
  TensorType type;
  const char* name;
  std::size_t size;
};

constexpr std::array<TypeInfo, 15> type_table{{
    {TensorType::boolean, "BOOL", 1},
    {TensorType::uint8, "U8", 1},
    {TensorType::int8, "I8", 1},
    {TensorType::float8_e5m2, "F8_E5M2", 1},
    {TensorType::float8_e4m3, "F8_E4M3", 1},
    {TensorType::int16, "I16", 2},
    {TensorType::uint16, "U16", 2},
    {TensorType::float16, "F16", 2},
    {TensorType::bfloat16, "BF16", 2},
    {TensorType::int32, "I32", 4},
    {TensorType::uint32, "U32", 4},
    {TensorType::float32, "F32", 4},
    {TensorType::float64, "F64", 8},
    {TensorType::int64, "I64", 8},
    {TensorType::uint64, "U64", 8},
}};

const TypeInfo& info_of(TensorType type) { return type_table.at(static_cast<std::size_t>(type)); }

/// A text of the file, quoted for a message.
std::string shown(std::string_view text) {
  constexpr std::size_t longest = 200;
  return dump_json(text.substr(0, longest)) + (text.size() > longest ? "..." : "");
}

/// A tensor of the header: data_offsets beside what TensorSpec has.
struct Entry {
  TensorSpec spec;
  std::vector<std::int64_t> offsets;  ///< begin and end
};

/// Takes the header's JSON event by event and refuses the first that the format does not have:
/// nothing is stored that is not wanted, however deep or long the text.
class HeaderHandler final : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderHandler(const std::string& name) : file_(name) {}

  std::vector<Entry> take_entries() { return std::move(entries_); }
  TensorMetadata take_metadata() { return std::move(metadata_); }

  bool key(string_t& text) override {
    switch (place_) {
      case Place::top:
        require_new(names_.insert(text).second, text);
        break;
      case Place::metadata:
        require_new(metadata_.try_emplace(text).second, text);
        break;
      default:
        require_field(text);
        require_new(fields_.insert(text).second, text);
    }
    key_ = text;
    return true;
  }

  bool start_object(std::size_t /*size*/) override {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top && key_ == safetensors_metadata_key) {
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      place_ = Place::tensor;
      entries_.push_back({{key_, TensorType::float32, {}}, {}});
      fields_.clear();
    } else {
      refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        if (fields_.count(field) == 0) fail(fmt::format("{} without '{}'", where(), field));
      }
    }
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t /*size*/) override {
    if (place_ != Place::tensor || key_ == "dtype") refuse("an array");
    place_ = key_ == "shape" ? Place::shape : Place::offsets;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && entries_.back().offsets.size() != 2) {
      fail(fmt::format("{} has {} data_offsets; expected two, begin and end", where(),
                       entries_.back().offsets.size()));
    }
    place_ = Place::tensor;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets) refuse(fmt::format("{}", value));
    auto& list = place_ == Place::shape ? entries_.back().spec.shape : entries_.back().offsets;
    if (!std::in_range<std::int64_t>(value)) {
      fail(fmt::format("{} has {} in its {}; expected less than 2^63", where(), value, key_));
    }
    if (list.size() == max_dimensions) {
      fail(fmt::format("{} has more than {} numbers in its {}", where(), max_dimensions, key_));
    }
    list.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      metadata_[key_] = std::move(text);
    } else if (place_ == Place::tensor && key_ == "dtype") {
      entries_.back().spec.type = parse_type(text);
    } else {
      refuse("a text");
    }
    return true;
  }

  bool null() override { refuse("null"); }
  bool boolean(bool value) override { refuse(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { refuse(fmt::format("{}", value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { refuse(text); }
  bool binary(binary_t& /*value*/) override { refuse("binary data"); }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    fail(fmt::format("not JSON at byte {}", length_bytes + std::max<std::size_t>(position, 1) - 1));
  }

 private:
  enum class Place { outside, top, metadata, tensor, shape, offsets };

  [[noreturn]] void fail(const std::string& found) const {
    throw BadFile(fmt::format("{}: malformed safetensors header: {}; download or save it again",
                              file_, found));
  }

  std::string where() const { return "tensor " + shown(entries_.back().spec.name); }

  /// Refuses a value at the present place.
  [[noreturn]] void refuse(std::string_view found) const {
    switch (place_) {
      case Place::outside:
        fail(fmt::format("it is {}; expected an object", found));
      case Place::top:
        fail(fmt::format("{} is {}; expected an object", shown(key_), found));
      case Place::metadata:
        fail(fmt::format("{} of {} is {}; expected a text", shown(key_), safetensors_metadata_key,
                         found));
      default:
        fail(fmt::format("{} has {} as {}; expected {}", where(), found, key_,
                         key_ == "dtype"   ? "a text"
                         : key_ == "shape" ? "an array of lengths"
                                           : "an array of two positions"));
    }
  }

  void require_new(bool is_new, std::string_view key) const {
    if (!is_new) fail(fmt::format("key {} is given twice", shown(key)));
  }

  void require_field(std::string_view key) const {
    if (key == "dtype" || key == "shape" || key == "data_offsets") return;
    fail(fmt::format("{} has a key {}; expected dtype, shape and data_offsets", where(),
                     shown(key)));
  }

  TensorType parse_type(std::string_view text) const {
    if (const auto type = tensor_type_of(text)) return *type;
    std::string known;
    for (const auto& info : type_table)
      known += (known.empty() ? "" : ", ") + std::string(info.name);
    fail(fmt::format("{} has dtype {}; expected one of {}", where(), shown(text), known));
  }

  const std::string& file_;
  Place place_ = Place::outside;
  std::string key_;
  std::set<std::string, std::less<>> names_;
  std::set<std::string, std::less<>> fields_;  ///< of the present tensor
  std::vector<Entry> entries_;
  TensorMetadata metadata_;
};

/// What PyTorch's own files start with; checked only where a file cannot be safetensors.
void refuse_pickle(std::string_view file, const std::string& name) {
  const bool zip = file.starts_with("PK\x03\x04");
  const bool pickle = file.size() > 2 && file[0] == '\x80' && file[1] >= 2 && file[1] <= 5;
  if (!zip && !pickle) return;
  throw BadFile(fmt::format(
      "{}: {}, as torch.save writes it; expected safetensors, because loading a pickle can run any "
      "code; convert a state_dict from a source you trust with: python3 -c \"import torch, "
      "safetensors.torch as s; s.save_file({{k: v.clone().contiguous() for k, v in "
      "torch.load('model.pt', map_location='cpu').items()}}, 'model.safetensors')\"",
      name, zip ? "a zip archive" : "a pickle"));
}

/// The header's text. @throws BadFile unless the file can be safetensors.
std::string_view header_text(std::string_view file, const std::string& name) {
  if (file.empty()) throw BadFile(fmt::format("{}: the file is empty; expected safetensors", name));
  std::uint64_t length = 0;
  if (file.size() >= length_bytes) std::memcpy(&length, file.data(), length_bytes);
  const bool framed = file.size() > length_bytes && length <= max_safetensors_header &&
                      length <= file.size() - length_bytes && file[length_bytes] == '{';
  if (framed) return file.substr(length_bytes, static_cast<std::size_t>(length));
  refuse_pickle(file, name);
  const bool begun = file.size() > length_bytes && file[length_bytes] == '{';
  if (file.size() < length_bytes || (begun && length <= max_safetensors_header)) {
    throw BadFile(fmt::format(
        "{}: truncated: {} bytes, but its safetensors header alone takes {}; copy or download it "
        "again",
        name, file.size(), length_bytes + length));
  }
  if (length > max_safetensors_header) {
    throw BadFile(
        fmt::format("{}: not a safetensors file: its first 8 bytes give a header of {} bytes; "
                    "expected at most {}",
                    name, length, max_safetensors_header));
  }
  throw BadFile(
      fmt::format("{}: not a safetensors file: no '{{' at byte {}, where the header begins", name,
                  length_bytes));
}

/// Sorts by place in the data and checks that the tensors cover it.
/// @throws BadFile for a tensor that does not begin where the one before ends.
void require_gapless(std::vector<Entry>& entries, std::size_t data_size, const std::string& name) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  std::int64_t end = 0;
  for (const Entry& entry : entries) {
    const std::string tensor = shown(entry.spec.name);
    if (entry.offsets[0] != end) {
      throw BadFile(fmt::format(
          "{}: tensor {} begins at byte {} of the data, but the one before it ends at {}; they "
          "{}; the file is damaged",
          name, tensor, entry.offsets[0], end,
          entry.offsets[0] < end ? "overlap" : "leave a hole"));
    }
    const auto bytes = tensor_bytes(entry.spec);
    if (!bytes) {
      throw BadFile(fmt::format("{}: tensor {}: {} does not fit into 63 bits; the file is damaged",
                                name, tensor, entry.spec.describe()));
    }
    end = entry.offsets[1];
    if (end < entry.offsets[0] || *bytes != static_cast<std::size_t>(end - entry.offsets[0])) {
      throw BadFile(
          fmt::format("{}: tensor {}: {} needs {} bytes, but its data_offsets are [{}, {}]; the "
                      "file is damaged",
                      name, tensor, entry.spec.describe(), *bytes, entry.offsets[0], end));
    }
  }
  if (static_cast<std::size_t>(end) == data_size) return;
  throw BadFile(fmt::format(
      "{}: its tensors take {} bytes, but {} follow the header; it is {}", name, end, data_size,
      static_cast<std::size_t>(end) > data_size ? "truncated: copy or download it again"
                                                : "longer than its header says"));
}

}  // namespace

const char* tensor_type_name(TensorType type) { return info_of(type).name; }
std::size_t tensor_type_size(TensorType type) { return info_of(type).size; }

std::optional<TensorType> tensor_type_of(std::string_view name) {
  const auto* found = std::find_if(type_table.begin(), type_table.end(),
                                   [&](const TypeInfo& info) { return info.name == name; });
  if (found == type_table.end()) return std::nullopt;
  return found->type;
}

std::optional<std::size_t> tensor_bytes(const TensorSpec& tensor) {
  auto bytes = static_cast<std::int64_t>(tensor_type_size(tensor.type));
  bool empty = false;
  for (const std::int64_t length : tensor.shape) {
    empty = empty || length == 0;
    if (length < 0 || __builtin_mul_overflow(bytes, std::max<std::int64_t>(length, 1), &bytes)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : static_cast<std::size_t>(bytes);
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                           const std::string& name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  const std::string_view all(reinterpret_cast<const char*>(file.data()), file.size());
  const std::string_view text = header_text(all, name);
  // The JSON reader would take it for the end of the text.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    throw BadFile(fmt::format("{}: malformed safetensors header: a zero at byte {}", name,
                              length_bytes + zero));
  }
  HeaderHandler handler(name);
  Json::sax_parse(text.begin(), text.end(), &handler);
  std::vector<Entry> entries = handler.take_entries();

  const auto data = file.subspan(length_bytes + text.size());
  require_gapless(entries, data.size(), name);
  SafetensorsHeader header;
  header.metadata = handler.take_metadata();
  header.tensors.reserve(entries.size());
  for (Entry& entry : entries) {
    const auto begin = static_cast<std::size_t>(entry.offsets[0]);
    const auto size = static_cast<std::size_t>(entry.offsets[1]) - begin;
    header.tensors.push_back({std::move(entry.spec), data.subspan(begin, size)});
  }
  return header;
}

}  // namespace winnow::io
