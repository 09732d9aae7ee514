#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "unit/support.hpp"

namespace winnow::io {

inline std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(WINNOW_FIXTURES) / name;
}

using winnow::testing::expect_error;
using winnow::testing::TempFolder;

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

inline std::filesystem::path put(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

/// The bytes of a `.npy` of version 1.0 whose header is `dictionary`.
inline std::string npy_bytes(const std::string& dictionary, std::string_view data) {
  const std::string text = dictionary + "\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(text.size() & 0xFFU);
  bytes += static_cast<char>(text.size() >> 8U);
  bytes += text;
  return bytes.append(data);
}

template <class T>
std::string npy_bytes(const std::string& descr, const std::string& shape,
                      const std::vector<T>& values) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): values to chars
  const auto* data = reinterpret_cast<const char*>(values.data());
  return npy_bytes("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "}",
                   std::string_view(data, values.size() * sizeof(T)));
}

}  // namespace winnow::io
