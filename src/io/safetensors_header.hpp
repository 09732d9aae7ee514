#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/io/safetensors.hpp"

namespace winnow::io {

/// Longest header that the format allows, bytes.
constexpr std::size_t max_safetensors_header = 100'000'000;
constexpr const char* safetensors_metadata_key = "__metadata__";

struct SafetensorsHeader {
  std::vector<TensorView> tensors;  ///< in the order of their bytes
  TensorMetadata metadata;
};

/// Parses and checks the header of a whole file. @param name  The file, for messages.
/// @throws BadFile
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                           const std::string& name);

/// Nothing when no type is called so.
std::optional<TensorType> tensor_type_of(std::string_view name);

/// Bytes of a tensor; nothing for a negative length or when they, or a part of the shape's product,
/// do not fit into 63 bits.
std::optional<std::size_t> tensor_bytes(const TensorSpec& tensor);

}  // namespace winnow::io
