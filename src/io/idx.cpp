#include "io/idx.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "io/npy_header.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

namespace {

constexpr std::size_t max_header = 4 + 4 * 3;
constexpr std::uint64_t max_deflate_ratio = 1032;  // of the deflate format

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

/// zlib's inflate over a mapped gzip file.
class Inflater {
 public:
  Inflater(std::span<const std::byte> input, const std::string& name) : name_(name) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-*): zlib's input pointer is not const
    next_ = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    left_ = input.size();
    constexpr int gzip_window = 15 + 16;
    if (inflateInit2(&stream_, gzip_window) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `out` as far as the data reach; returns the number of bytes written.
  std::size_t read(std::span<std::uint8_t> out) {
    std::size_t done = 0;
    while (done < out.size() && !ended_) {
      constexpr std::size_t piece = std::size_t{1} << 30U;
      stream_.next_in = next_;
      stream_.avail_in = static_cast<uInt>(std::min(left_, piece));
      stream_.next_out = out.data() + done;
      stream_.avail_out = static_cast<uInt>(std::min(out.size() - done, piece));
      const uInt room = stream_.avail_out;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      left_ -= static_cast<std::size_t>(stream_.next_in - next_);
      next_ = stream_.next_in;
      done += room - stream_.avail_out;
      ended_ = code == Z_STREAM_END;
      if (code == Z_BUF_ERROR || (code == Z_OK && left_ == 0 && stream_.avail_out > 0)) {
        throw BadFile(fmt::format("{}: truncated gzip data; copy or download it again", name_));
      }
      if (code != Z_OK && code != Z_STREAM_END) {
        throw BadFile(fmt::format("{}: damaged gzip data: {}; copy or download it again", name_,
                                  stream_.msg == nullptr ? "no reason given" : stream_.msg));
      }
    }
    return done;
  }

  std::size_t input_left() const { return left_; }

 private:
  const std::string& name_;
  z_stream stream_{};
  Bytef* next_ = nullptr;
  std::size_t left_ = 0;
  bool ended_ = false;
};

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
  Inflater inflater(file_.bytes(), name);
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
