#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "io/half.hpp"
#include "io/npy_header.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

void write_array(const fs::path& path, DType dtype, std::span<const std::int64_t> shape,
                 std::span<const std::byte> data) {
  AtomicFile file(path);
  file.write(npy_header_text(dtype, shape));
  file.write(data.data(), data.size());
  file.commit();
}

constexpr std::size_t half_block = 8192;  // values converted at a time

/// Product of all but the first length.
/// @throws InvalidArgument unless the whole array's bytes fit into 64 bits.
std::int64_t checked_row_size(const std::string& name, std::span<const std::int64_t> shape,
                              DType dtype) {
  if (dtype != DType::float32 && dtype != DType::float16) {
    throw InvalidArgument(
        fmt::format("{}: dtype {}; expected float32 or float16", name, dtype_name(dtype)));
  }
  auto bytes = static_cast<std::int64_t>(dtype_size(dtype));
  bool fits = !shape.empty();
  for (const std::int64_t length : shape) {
    fits = fits && length >= 0 &&
           !__builtin_mul_overflow(bytes, std::max<std::int64_t>(length, 1), &bytes);
  }
  if (!fits) {
    throw InvalidArgument(fmt::format(
        "{}: shape {}; expected at least one length, none negative, of less than 2^63 bytes", name,
        shape_text(shape)));
  }
  std::int64_t size = 1;
  for (const std::int64_t length : shape.subspan(1)) size *= length;
  return size;
}

template <class T>
void write_vector(const fs::path& path, DType dtype, std::span<const T> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  write_array(path, dtype, {&n, 1}, std::as_bytes(values));
}

}  // namespace

NpyWriter::NpyWriter(const fs::path& path, std::vector<std::int64_t> shape, DType dtype)
    : name_(path.string()),
      shape_(std::move(shape)),
      dtype_(dtype),
      row_size_(checked_row_size(name_, shape_, dtype)),
      file_(path) {
  file_.write(npy_header_text(dtype, shape_));
}

void NpyWriter::append(std::span<const float> rows) {
  const auto size = static_cast<std::int64_t>(rows.size());
  if (row_size_ == 0 ? size != 0 : size % row_size_ != 0) {
    throw InvalidArgument(
        fmt::format("{}: {} values appended; expected whole rows of {}", name_, size, row_size_));
  }
  const std::int64_t count = row_size_ == 0 ? 0 : size / row_size_;
  if (count > shape_[0] - rows_) {
    throw InvalidArgument(fmt::format("{}: {} rows appended to {}; expected {} in all", name_,
                                      count, rows_, shape_[0]));
  }
  if (dtype_ == DType::float16) {
    write_halves(rows);
  } else {
    file_.write(rows.data(), rows.size_bytes());
  }
  rows_ += count;
}

void NpyWriter::write_halves(std::span<const float> values) {
  std::array<std::uint16_t, half_block> halves{};
  for (std::size_t begin = 0; begin < values.size(); begin += half_block) {
    const auto block = values.subspan(begin, std::min(half_block, values.size() - begin));
    narrow_to_halves(block, halves.data());
    for (std::size_t i = 0; i < block.size(); ++i) {
      if ((halves[i] & 0x7FFFU) == 0x7C00U && std::isfinite(block[i])) {
        throw_overflow(values, begin + i);
      }
    }
    file_.write(halves.data(), block.size() * sizeof(halves[0]));
  }
}

void NpyWriter::throw_overflow(std::span<const float> values, std::size_t offset) const {
  const auto position = static_cast<std::int64_t>(offset);
  throw InvalidArgument(
      fmt::format("{}: row {} column {} is {}; float16 holds values up to 65504; write float32, or "
                  "rescale",
                  name_, rows_ + position / row_size_, position % row_size_, values[offset]));
}

void NpyWriter::commit() {
  if (row_size_ != 0 && rows_ != shape_[0]) {
    throw InvalidArgument(
        fmt::format("{}: {} of {} rows were appended; expected all before it is "
                    "written",
                    name_, rows_, shape_[0]));
  }
  file_.commit();
}

void write_npy(const fs::path& path, std::span<const double> values) {
  write_vector(path, DType::float64, values);
}

void write_npy(const fs::path& path, std::span<const std::int64_t> values) {
  write_vector(path, DType::int64, values);
}

void write_npy(const fs::path& path, std::span<const std::int32_t> values) {
  write_vector(path, DType::int32, values);
}

void write_npy(const fs::path& path, std::span<const std::uint8_t> values) {
  write_vector(path, DType::uint8, values);
}

void write_npy_bool(const fs::path& path, std::span<const std::uint8_t> values) {
  write_vector(path, DType::boolean, values);
}

void write_npy_bool(const fs::path& path, MatrixView<const std::uint8_t> values) {
  const std::int64_t shape[] = {values.rows(), values.cols()};
  write_array(path, DType::boolean, shape,
              std::as_bytes(std::span(values.data(), static_cast<std::size_t>(values.size()))));
}

void write_npy(const fs::path& path, MatrixView<const float> values) {
  const std::int64_t shape[] = {values.rows(), values.cols()};
  write_array(path, DType::float32, shape,
              std::as_bytes(std::span(values.data(), static_cast<std::size_t>(values.size()))));
}

}  // namespace winnow::io
