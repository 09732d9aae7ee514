#include "io/inflater.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "winnow/core/error.hpp"

namespace winnow::io {

Inflater::Inflater(std::span<const std::byte> input, Format format, std::string where)
    : where_(std::move(where)) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-*): zlib's input pointer is not const
  next_ = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  left_ = input.size();
  constexpr int window = 15;
  constexpr int gzip = 16;
  if (inflateInit2(&stream_, window + (format == Format::gzip ? gzip : 0)) != Z_OK) {
    throw std::bad_alloc();
  }
}

Inflater::~Inflater() { inflateEnd(&stream_); }

std::size_t Inflater::read(std::span<std::uint8_t> out) {
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
      throw BadFile(
          fmt::format("{}: truncated compressed data; copy or download it again", where_));
    }
    if (code != Z_OK && code != Z_STREAM_END) {
      throw BadFile(fmt::format("{}: damaged compressed data: {}; copy or download it again",
                                where_, stream_.msg == nullptr ? "no reason given" : stream_.msg));
    }
  }
  return done;
}

}  // namespace winnow::io
