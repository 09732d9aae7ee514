#include "io/idx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "io/inflater.hpp"
#include "io/npy_header.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

namespace {

constexpr std::size_t max_header = 4 + 4 * 3;

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

}  // namespace

IdxFile::IdxFile(const std::filesystem::path& path, int n_dims) : file_(path) {
  file_.intact([&] { read(n_dims); });
  file_.require_unchanged();
}

void IdxFile::read(int n_dims) {
  const std::string name = file_.path().string();
  const std::size_t header_size = 4 + 4 * static_cast<std::size_t>(n_dims);
  if (file_.bytes().empty()) {
    throw BadFile(fmt::format("{}: the file is empty; expected IDX", name));
  }
  if (is_gzip(file_.bytes())) {
    read_gzip(header_size, n_dims);
  } else {
    if (file_.bytes().size() < header_size) {
      throw BadFile(fmt::format("{}: truncated: {} bytes, but an IDX header takes {}", name,
                                file_.bytes().size(), header_size));
    }
    parse_header(file_.bytes().first(header_size), n_dims);
    read_plain(header_size);
  }
  Hasher hasher;
  hasher.add(file_.bytes().data(), file_.bytes().size());
  input_ = {name, hash_text(hasher.digest())};
}

void IdxFile::parse_header(std::span<const std::byte> header, int n_dims) {
  const std::uint32_t magic = big_endian(header);
  const std::uint32_t expected = 0x0800U + static_cast<std::uint32_t>(n_dims);
  if (magic != expected) {
    throw BadFile(fmt::format(
        "{}: starts with the number {:#010x}; expected {:#010x} (IDX, uint8, {} dimension{})",
        file_.path().string(), magic, expected, n_dims, n_dims == 1 ? "" : "s"));
  }
  for (int i = 0; i < n_dims; ++i) {
    shape_.push_back(big_endian(header.subspan(4 + 4 * static_cast<std::size_t>(i))));
  }
  if (std::find(shape_.begin(), shape_.end(), 0) != shape_.end()) {
    throw BadFile(fmt::format("{}: shape {}; expected at least one value", file_.path().string(),
                              shape_text(shape_)));
  }
}

std::uint64_t IdxFile::value_count() const {
  std::uint64_t count = 1;
  for (const std::int64_t length : shape_) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(length), &count)) {
      return std::numeric_limits<std::uint64_t>::max();
    }
  }
  return count;
}

void IdxFile::read_plain(std::size_t header_size) {
  const auto values = file_.bytes().subspan(header_size);
  if (values.size() != value_count()) {
    throw BadFile(fmt::format("{}: {} needs {} bytes after the header, but the file has {}",
                              file_.path().string(), shape_text(shape_), value_count(),
                              values.size()));
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to uint8
  values_ = {reinterpret_cast<const std::uint8_t*>(values.data()), values.size()};
}

void IdxFile::read_gzip(std::size_t header_size, int n_dims) {
  const std::string name = file_.path().string();
  Inflater inflater(file_.bytes(), Inflater::Format::gzip, name);
  std::array<std::uint8_t, max_header> header{};
  if (inflater.read(std::span(header).first(header_size)) < header_size) {
    throw BadFile(
        fmt::format("{}: unpacks to less than an IDX header of {} bytes", name, header_size));
  }
  parse_header(std::as_bytes(std::span(header)).first(header_size), n_dims);
  if (value_count() / max_deflate_ratio > file_.bytes().size()) {
    throw BadFile(fmt::format("{}: {} needs {} bytes, more than {} bytes of gzip can unpack to",
                              name, shape_text(shape_), value_count(), file_.bytes().size()));
  }
  unpacked_.resize(value_count());
  const std::size_t found = inflater.read(unpacked_);
  std::uint8_t extra = 0;
  if (found < unpacked_.size()) {
    throw BadFile(fmt::format("{}: {} needs {} bytes after the header, but it unpacks to {}", name,
                              shape_text(shape_), unpacked_.size(), found));
  }
  // Reading on also makes zlib compare the checksum at the end of the stream.
  if (inflater.read({&extra, 1}) > 0 || inflater.input_left() > 0) {
    throw BadFile(fmt::format("{}: more data than the header's {} says", name, shape_text(shape_)));
  }
  values_ = unpacked_;
}

}  // namespace winnow::io
