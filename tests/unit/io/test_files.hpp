#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace winnow::io {

inline std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(WINNOW_FIXTURES) / name;
}

/// A folder that is gone when the test ends.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "winnow-io-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::string text() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

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

/// Expects that `call` throws an E whose message holds every one of `parts`.
template <class E, class Call>
void expect_error(const Call& call, const std::vector<std::string>& parts) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown; expected a message with " << parts.front();
  } catch (const E& error) {
    const std::string message = error.what();
    for (const auto& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
    }
  }
}

}  // namespace winnow::io
