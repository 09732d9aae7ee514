#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <string>

#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

/// Magic, version 1.0 and the dictionary, padded so that the data begin at a multiple of 64.
std::string header_text(const char* descr, std::span<const std::int64_t> shape) {
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                 descr, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr std::size_t prelude = 10;
  const std::size_t used = prelude + text.size() + 1;
  text.append((64 - used % 64) % 64, ' ');
  text.push_back('\n');
  std::string header("\x93NUMPY\x01\x00", 8);
  header.push_back(static_cast<char>(text.size() & 0xFFU));
  header.push_back(static_cast<char>(text.size() >> 8U));
  return header + text;
}

void write_array(const fs::path& path, const char* descr, std::span<const std::int64_t> shape,
                 std::span<const std::byte> data) {
  AtomicFile file(path);
  file.write(header_text(descr, shape));
  file.write(data.data(), data.size());
  file.commit();
}

template <class T>
void write_vector(const fs::path& path, const char* descr, std::span<const T> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  write_array(path, descr, {&n, 1}, std::as_bytes(values));
}

}  // namespace

void write_npy(const fs::path& path, std::span<const double> values) {
  write_vector(path, "<f8", values);
}

void write_npy(const fs::path& path, std::span<const std::int64_t> values) {
  write_vector(path, "<i8", values);
}

void write_npy(const fs::path& path, std::span<const std::int32_t> values) {
  write_vector(path, "<i4", values);
}

void write_npy(const fs::path& path, std::span<const std::uint8_t> values) {
  write_vector(path, "|u1", values);
}

void write_npy_bool(const fs::path& path, std::span<const std::uint8_t> values) {
  write_vector(path, "|b1", values);
}

void write_npy_bool(const fs::path& path, MatrixView<const std::uint8_t> values) {
  const std::int64_t shape[] = {values.rows(), values.cols()};
  write_array(path, "|b1", shape,
              std::as_bytes(std::span(values.data(), static_cast<std::size_t>(values.size()))));
}

void write_npy(const fs::path& path, MatrixView<const float> values) {
  const std::int64_t shape[] = {values.rows(), values.cols()};
  write_array(path, "<f4", shape,
              std::as_bytes(std::span(values.data(), static_cast<std::size_t>(values.size()))));
}

}  // namespace winnow::io
