#include "repair.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "fuzz.hpp"

namespace winnow::fuzz {

namespace {

constexpr int zlib_window = 15;
constexpr int gzip_window = zlib_window + 16;

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes.first(4)) value = value << 8U | byte;
  return value;
}

/// An octal number of a tar header; 0 when it is none.
std::size_t octal(std::span<const std::uint8_t> field) {
  std::size_t value = 0;
  for (const std::uint8_t byte : field) {
    if (byte < '0' || byte > '7') break;
    value = value * 8 + (byte - '0');
  }
  return value;
}

std::size_t little_endian(std::span<const std::uint8_t> bytes) {
  std::size_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= std::size_t{bytes[i]} << 8U * i;
  return value;
}

/// What deflated data hold, up to `limit` bytes; empty when they are damaged.
std::vector<std::uint8_t> unpack(std::span<std::uint8_t> packed, std::size_t limit, int window) {
  std::vector<std::uint8_t> content(limit);
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) return {};
  stream.next_in = packed.data();
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = content.data();
  stream.avail_out = static_cast<uInt>(content.size());
  const int code = inflate(&stream, Z_FINISH);
  content.resize(code == Z_STREAM_END ? stream.total_out : 0);
  inflateEnd(&stream);
  return content;
}

/// Packs `content` into `out`; returns the size, 0 when it does not fit.
std::size_t pack(std::span<std::uint8_t> content, std::span<std::uint8_t> out, int window) {
  z_stream stream{};
  constexpr int memory_level = 8;
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window, memory_level, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return 0;
  }
  stream.next_in = content.data();
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  const std::size_t size = code == Z_STREAM_END ? stream.total_out : 0;
  deflateEnd(&stream);
  return size;
}

/// Mutates what deflated data hold; returns their new size, 0 when they are damaged.
std::size_t mutate_packed(std::uint8_t* data, std::size_t size, std::size_t max_size, int window) {
  constexpr std::size_t content_limit = std::size_t{1} << 16U;
  std::vector<std::uint8_t> content = unpack({data, size}, content_limit, window);
  if (content.empty()) return 0;
  const std::size_t found = content.size();
  content.resize(content_limit);
  content.resize(LLVMFuzzerMutate(content.data(), found, content_limit));
  return pack(content, {data, max_size}, window);
}

}  // namespace

void repair_tar(std::span<std::uint8_t> bytes) {
  constexpr std::size_t block = 512;
  constexpr std::size_t checksum_at = 148;
  std::size_t position = 0;
  while (position + block <= bytes.size()) {
    const auto header = bytes.subspan(position, block);
    if (header[0] != 0) {
      const auto checksum = header.subspan(checksum_at, 8);
      std::fill(checksum.begin(), checksum.end(), ' ');
      const unsigned sum = std::accumulate(header.begin(), header.end(), 0U);
      char text[8];
      std::snprintf(text, sizeof(text), "%06o", sum);
      std::copy_n(text, 7, checksum.begin());
    }
    const std::size_t content = octal(header.subspan(124, 12));
    if (content > bytes.size()) return;
    position += block + (content + block - 1) / block * block;
  }
}

void repair_png(std::span<std::uint8_t> bytes) {
  std::size_t position = 8;  // the signature
  while (position + 12 <= bytes.size()) {
    const std::size_t length = big_endian(bytes.subspan(position));
    if (length > bytes.size() - position - 12) return;
    const auto body = bytes.subspan(position + 4, length + 4);
    const auto sum =
        static_cast<std::uint32_t>(crc32(0, body.data(), static_cast<uInt>(body.size())));
    for (unsigned i = 0; i < 4; ++i) {
      bytes[position + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24U - 8U * i));
    }
    position += length + 12;
  }
}

std::size_t mutate_gzip(std::uint8_t* data, std::size_t size, std::size_t max_size) {
  const std::size_t packed = mutate_packed(data, size, max_size, gzip_window);
  return packed > 0 ? packed : LLVMFuzzerMutate(data, size, max_size);
}

std::size_t mutate_mat(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  constexpr std::size_t header = 128;
  constexpr std::size_t tag = 8;
  constexpr std::size_t compressed = 15;
  const std::span<std::uint8_t> bytes(data, size);
  std::size_t skipped = seed % 2;
  for (std::size_t at = header; at + tag <= size;) {
    const std::size_t length = std::min(little_endian(bytes.subspan(at + 4)), size - at - tag);
    const std::size_t begin = at + tag;
    if (little_endian(bytes.subspan(at)) == compressed && skipped-- == 0) {
      const std::vector<std::uint8_t> rest(bytes.begin() + begin + length, bytes.end());
      const std::size_t room = max_size - begin - rest.size();
      const std::size_t packed = mutate_packed(data + begin, length, room, zlib_window);
      if (packed == 0) break;
      std::copy(rest.begin(), rest.end(), data + begin + packed);
      for (unsigned i = 0; i < 4; ++i) {
        data[at + 4 + i] = static_cast<std::uint8_t>(packed >> 8U * i);
      }
      return begin + packed + rest.size();
    }
    at = begin + length;
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

}  // namespace winnow::fuzz
