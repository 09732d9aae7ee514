#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "io/safetensors_header.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/safetensors.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const std::string& file, const TensorSpec& tensor,
                         const std::string& found) {
  throw InvalidArgument(fmt::format("{}: tensor {} {}", file, dump_json(tensor.name), found));
}

/// What the writer's tensors take. @throws InvalidArgument
std::size_t checked_bytes(const std::string& file, const TensorSpec& tensor) {
  const auto bytes = tensor_bytes(tensor);
  if (!bytes) {
    refuse(file, tensor,
           fmt::format("is {}; expected no negative length and less than 2^63 bytes",
                       tensor.describe()));
  }
  return *bytes;
}

/// As the format's own library lays them. @throws InvalidArgument for a bad or repeated name.
std::vector<TensorSpec> in_file_order(const std::string& file, std::vector<TensorSpec> tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorSpec& a, const TensorSpec& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorSpec& tensor = tensors[i];
    if (!is_utf8(tensor.name)) refuse(file, tensor, "has a name that is no UTF-8");
    if (tensor.name == safetensors_metadata_key) refuse(file, tensor, "has a name of the format");
    if (i > 0 && tensors[i - 1].name == tensor.name) refuse(file, tensor, "is given twice");
  }
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const TensorSpec& a, const TensorSpec& b) { return a.type > b.type; });
  return tensors;
}

/// Length and JSON, padded so that the data begin at a multiple of 8.
std::string header_of(const std::string& file, const std::vector<TensorSpec>& tensors,
                      const TensorMetadata& metadata) {
  std::string text;
  const auto add = [&text](std::string_view key, const Json& value) {
    text += text.empty() ? '{' : ',';
    text += dump_json(key) + ":" + dump_json(value);
  };
  if (!metadata.empty()) {
    for (const auto& [key, value] : metadata) {
      if (is_utf8(key) && is_utf8(value)) continue;
      throw InvalidArgument(
          fmt::format("{}: metadata {} is no UTF-8; expected text", file, dump_json(key)));
    }
    add(safetensors_metadata_key, metadata);
  }
  std::size_t begin = 0;
  for (const TensorSpec& tensor : tensors) {
    std::int64_t end = 0;
    if (__builtin_add_overflow(begin, checked_bytes(file, tensor), &end)) {
      refuse(file, tensor, "goes beyond 2^63 bytes of data");
    }
    add(tensor.name, {{"dtype", tensor_type_name(tensor.type)},
                      {"shape", tensor.shape},
                      {"data_offsets", {begin, end}}});
    begin = static_cast<std::size_t>(end);
  }
  text += text.empty() ? "{}" : "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > max_safetensors_header) {
    throw InvalidArgument(fmt::format(
        "{}: the names, shapes and metadata of {} tensors take {} bytes; safetensors allows {}",
        file, tensors.size(), text.size(), max_safetensors_header));
  }
  std::string header;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    header.push_back(static_cast<char>(text.size() >> shift & 0xFFU));
  }
  return header + text;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const fs::path& path, std::vector<TensorSpec> tensors,
                                     const TensorMetadata& metadata)
    : name_(path.string()), tensors_(in_file_order(name_, std::move(tensors))), file_(path) {
  file_.write(header_of(name_, tensors_, metadata));
  if (!tensors_.empty()) missing_ = checked_bytes(name_, tensors_.front());
  skip_complete();
}

void SafetensorsWriter::skip_complete() {
  while (missing_ == 0 && current_ < tensors_.size()) {
    ++current_;
    if (current_ < tensors_.size()) missing_ = checked_bytes(name_, tensors_[current_]);
  }
}

void SafetensorsWriter::append(std::string_view name, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (current_ == tensors_.size() || tensors_[current_].name != name) {
    throw InvalidArgument(
        fmt::format("{}: bytes of tensor {} appended; expected {}", name_, dump_json(name),
                    current_ == tensors_.size() ? "no more" : dump_json(tensors_[current_].name)));
  }
  if (bytes.size() > missing_) {
    refuse(name_, tensors_[current_],
           fmt::format("has {} bytes left; {} were appended", missing_, bytes.size()));
  }
  file_.write(bytes.data(), bytes.size());
  missing_ -= bytes.size();
  skip_complete();
}

void SafetensorsWriter::commit() {
  if (current_ < tensors_.size()) {
    refuse(name_, tensors_[current_],
           fmt::format("lacks {} bytes; expected all before it is written", missing_));
  }
  file_.commit();
}

void write_safetensors(const fs::path& path, std::span<const TensorView> tensors,
                       const TensorMetadata& metadata) {
  std::map<std::string_view, std::span<const std::byte>> bytes;
  std::vector<TensorSpec> specs;
  for (const TensorView& tensor : tensors) {
    const std::size_t expected = checked_bytes(path.string(), tensor);
    if (tensor.bytes.size() != expected) {
      refuse(path.string(), tensor,
             fmt::format("is {}, {} bytes; {} were given", tensor.describe(), expected,
                         tensor.bytes.size()));
    }
    bytes.emplace(tensor.name, tensor.bytes);
    specs.push_back({tensor.name, tensor.type, tensor.shape});
  }
  SafetensorsWriter writer(path, std::move(specs), metadata);
  for (const TensorSpec& spec : writer.tensors()) writer.append(spec.name, bytes.at(spec.name));
  writer.commit();
}

}  // namespace winnow::io
