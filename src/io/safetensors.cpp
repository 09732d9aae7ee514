#include "winnow/io/safetensors.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "io/finite.hpp"
#include "io/half.hpp"
#include "io/npy_header.hpp"
#include "io/safetensors_header.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little);

namespace {

/// Values of type Source from anywhere in memory.
template <class Source>
void convert(const std::byte* from, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Source value{};
    std::memcpy(&value, from + i * sizeof(Source), sizeof(Source));
    out[i] = static_cast<float>(value);
  }
}

void convert_booleans(const std::byte* from, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = from[i] != std::byte{0} ? 1.0F : 0.0F;
}

void widen_bfloats(const std::byte* from, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t upper = 0;
    std::memcpy(&upper, from + i * sizeof(upper), sizeof(upper));
    out[i] = std::bit_cast<float>(std::uint32_t{upper} << 16U);
  }
}

/// @throws BadFile for the first finite value that overflows.
void narrow_doubles(const TensorView& tensor, const fs::path& path, std::span<float> out) {
  convert<double>(tensor.bytes.data(), out);
  if (all_finite(out)) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    double value = 0.0;
    std::memcpy(&value, tensor.bytes.data() + i * sizeof(value), sizeof(value));
    if (std::isfinite(out[i]) || !std::isfinite(value)) continue;
    throw BadFile(fmt::format("{}: tensor {}: element {} is {}", path.string(),
                              dump_json(tensor.name), i, non_finite_text(value)));
  }
}

}  // namespace

std::int64_t TensorSpec::size() const {
  std::int64_t size = 1;
  for (const std::int64_t length : shape) size *= length;
  return size;
}

std::string TensorSpec::describe() const {
  return fmt::format("{} {}", shape_text(shape), tensor_type_name(type));
}

SafetensorsFile::SafetensorsFile(const fs::path& path) : file_(path) {
  SafetensorsHeader header =
      file_.intact([&] { return parse_safetensors_header(file_.bytes(), path.string()); });
  tensors_ = std::move(header.tensors);
  metadata_ = std::move(header.metadata);
  for (std::size_t i = 0; i < tensors_.size(); ++i) positions_.emplace(tensors_[i].name, i);
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = positions_.find(name);
  return found == positions_.end() ? nullptr : &tensors_[found->second];
}

const TensorView& SafetensorsFile::at(std::string_view name) const {
  if (const TensorView* tensor = find(name)) return *tensor;
  std::vector<std::string> names;
  for (const auto& tensor : tensors_) names.push_back(tensor.name);
  const std::string guess = nearest_name(name, names);
  throw BadFile(fmt::format("{}: no tensor {} among its {}{}", path().string(), dump_json(name),
                            tensors_.size(),
                            guess.empty() ? "" : fmt::format("; is it {}?", dump_json(guess))));
}

void SafetensorsFile::read(const TensorView& tensor, std::span<float> out) const {
  if (static_cast<std::int64_t>(out.size()) != tensor.size()) {
    throw InvalidArgument(fmt::format("{}: tensor {}: room for {} values; expected {}",
                                      path().string(), dump_json(tensor.name), out.size(),
                                      tensor.size()));
  }
  file_.intact([&] {
    const std::byte* from = tensor.bytes.data();
    switch (tensor.type) {
      case TensorType::boolean:
        return convert_booleans(from, out);
      case TensorType::uint8:
        return convert<std::uint8_t>(from, out);
      case TensorType::int8:
        return convert<std::int8_t>(from, out);
      case TensorType::int16:
        return convert<std::int16_t>(from, out);
      case TensorType::uint16:
        return convert<std::uint16_t>(from, out);
      case TensorType::float16:
        return widen_halves(from, out);
      case TensorType::bfloat16:
        return widen_bfloats(from, out);
      case TensorType::int32:
        return convert<std::int32_t>(from, out);
      case TensorType::uint32:
        return convert<std::uint32_t>(from, out);
      case TensorType::float32:
        return convert<float>(from, out);
      case TensorType::float64:
        return narrow_doubles(tensor, path(), out);
      case TensorType::int64:
        return convert<std::int64_t>(from, out);
      case TensorType::uint64:
        return convert<std::uint64_t>(from, out);
      case TensorType::float8_e5m2:
      case TensorType::float8_e4m3:
        break;
    }
    throw BadFile(fmt::format(
        "{}: tensor {} is {}; expected float16 to float64 or integers; convert it in Python with "
        ".to(torch.float32)",
        path().string(), dump_json(tensor.name), tensor.describe()));
  });
}

std::vector<float> SafetensorsFile::read(const TensorView& tensor) const {
  std::vector<float> values(static_cast<std::size_t>(tensor.size()));
  read(tensor, values);
  return values;
}

}  // namespace winnow::io
