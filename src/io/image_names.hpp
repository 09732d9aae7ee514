#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "winnow/core/progress.hpp"

namespace winnow::io {

/// What a file is, by the last extension of its name in any case.
enum class FileRole {
  image,        ///< .jpg, .jpeg, .png, .webp
  other_image,  ///< an image in a format that is not read: passing over it would drop an example
  label,        ///< .cls
  json,         ///< .json
  other
};

FileRole file_role(std::string_view path);

/// Told wherever images were looked for and none found, or one in another format.
inline constexpr const char* image_formats = "JPEG, PNG or WebP";

/// @param name  The file, for the message. @throws BadFile.
[[noreturn]] void throw_other_image(const std::string& name);

/// Files that are no images and were passed over: how many, and the first in byte order.
struct PassedOver {
  std::int64_t count = 0;
  std::string first;

  void add(std::string_view path);
  void add(const PassedOver& other);
  /// Warns unless there are none.
  void tell(const std::string& dataset, Progress& progress) const;
};

}  // namespace winnow::io
