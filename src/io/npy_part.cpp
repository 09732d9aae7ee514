#include "io/npy_part.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/half.hpp"
#include "io/npy_header.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

/// One length for any number of rows, so that the header can be completed in place.
constexpr std::size_t header_bytes = 128;
constexpr std::size_t half_block = 8192;  // values converted at a time

}  // namespace

NpyPart::NpyPart(fs::path target, DType dtype, std::vector<std::int64_t> row_shape, int flags)
    : target_(std::move(target)),
      dtype_(dtype),
      row_shape_(std::move(row_shape)),
      row_bytes_(dtype_size(dtype)) {
  for (const std::int64_t length : row_shape_) {
    assert(length >= 1);
    row_bytes_ *= static_cast<std::uint64_t>(length);
  }
  descriptor_ = ::open(part_path(target_).c_str(), flags | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("open");
}

NpyPart::NpyPart(const fs::path& target, DType dtype, const std::vector<std::int64_t>& row_shape)
    : NpyPart(target, dtype, row_shape, O_CREAT | O_TRUNC) {
  const std::string text = header(0);
  write_at(0, text.data(), text.size());
  end_ = header_bytes;
}

NpyPart NpyPart::reopen(const fs::path& target, DType dtype,
                        const std::vector<std::int64_t>& row_shape, std::int64_t rows) {
  std::error_code code;
  if (!fs::exists(part_path(target), code)) {
    fs::rename(target, part_path(target), code);
    if (code) {
      throw BadFile(fmt::format("{}: cannot go on with it: {}; start anew with --force",
                                target.string(), code.message()));
    }
  }
  NpyPart part(target, dtype, row_shape, 0);
  part.cut_to(rows);
  return part;
}

NpyPart::~NpyPart() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

NpyPart::NpyPart(NpyPart&& other) noexcept
    : target_(std::move(other.target_)),
      dtype_(other.dtype_),
      row_shape_(std::move(other.row_shape_)),
      row_bytes_(other.row_bytes_),
      end_(other.end_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

NpyPart& NpyPart::operator=(NpyPart&& other) noexcept {
  std::swap(target_, other.target_);
  std::swap(dtype_, other.dtype_);
  std::swap(row_shape_, other.row_shape_);
  std::swap(row_bytes_, other.row_bytes_);
  std::swap(end_, other.end_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

fs::path NpyPart::part_path(const fs::path& target) {
  fs::path path = target;
  return path += ".part";
}

void NpyPart::fail(const char* action) const {
  throw WorkFailed(
      fmt::format("{}: cannot {}: {}", part_path(target_).string(), action, std::strerror(errno)));
}

std::string NpyPart::header(std::int64_t rows) const {
  std::vector<std::int64_t> shape{rows};
  shape.insert(shape.end(), row_shape_.begin(), row_shape_.end());
  std::string text = npy_header_text(dtype_, shape, header_bytes);
  assert(text.size() == header_bytes);
  return text;
}

void NpyPart::cut_to(std::int64_t rows) {
  const std::string name = part_path(target_).string();
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) fail("examine");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::string found(header_bytes, '\0');
  const bool has_header = size >= header_bytes && ::pread(descriptor_, found.data(), header_bytes,
                                                          0) == ssize_t{header_bytes};
  const auto present =
      has_header ? static_cast<std::int64_t>((size - header_bytes) / row_bytes_) : 0;
  if (!has_header || (found != header(0) && found != header(present))) {
    throw BadFile(
        fmt::format("{}: not the begun array of {} rows {} that should go on; start anew "
                    "with --force",
                    name, dtype_name(dtype_), shape_text(row_shape_)));
  }
  if (present < rows) {
    throw BadFile(
        fmt::format("{}: {} rows; expected at least the {} after which to go on; start "
                    "anew with --force",
                    name, present, rows));
  }
  end_ = header_bytes + static_cast<std::uint64_t>(rows) * row_bytes_;
  if (::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) fail("truncate");
  const std::string text = header(0);
  write_at(0, text.data(), text.size());
}

void NpyPart::write_at(std::uint64_t offset, const void* bytes, std::size_t size) {
  const auto* next = static_cast<const std::byte*>(bytes);
  while (size > 0) {
    const ssize_t written = ::pwrite(descriptor_, next, std::min<std::size_t>(size, 1U << 30U),
                                     static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write");
    }
    next += written;
    offset += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
}

void NpyPart::append_bytes(std::span<const std::byte> bytes) {
  write_at(end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void NpyPart::append(std::span<const float> values) {
  assert(dtype_ == DType::float32 || dtype_ == DType::float16);
  if (dtype_ == DType::float32) return append_bytes(std::as_bytes(values));
  std::array<std::uint16_t, half_block> halves{};
  for (std::size_t begin = 0; begin < values.size(); begin += half_block) {
    const auto block = values.subspan(begin, std::min(half_block, values.size() - begin));
    narrow_to_halves(block, halves.data());
    append_bytes(std::as_bytes(std::span(halves).first(block.size())));
  }
}

std::vector<std::byte> NpyPart::read_rows(std::int64_t rows) const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(rows) * row_bytes_);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                static_cast<off_t>(header_bytes + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("read");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

void NpyPart::sync() {
  if (::fsync(descriptor_) != 0) fail("fsync");
}

void NpyPart::seal(std::int64_t rows) {
  assert(end_ == header_bytes + static_cast<std::uint64_t>(rows) * row_bytes_);
  const std::string text = header(rows);
  write_at(0, text.data(), text.size());
  sync();
}

void NpyPart::commit() {
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("close");
  if (::rename(part_path(target_).c_str(), target_.c_str()) != 0) fail("rename into place");
}

}  // namespace winnow::io
