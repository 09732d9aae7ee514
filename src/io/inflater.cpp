#include "io/inflater.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>

#include "winnow/core/error.hpp"

namespace winnow::io {

struct Inflater::State {
  State(std::span<const std::byte> input, Format format, std::string name)
      : where(std::move(name)), left(input.size()) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-*): zlib's input pointer is not const
    next = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    constexpr int window = 15;
    constexpr int gzip = 16;
    if (inflateInit2(&stream, window + (format == Format::gzip ? gzip : 0)) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::string where;
  z_stream stream{};
  Bytef* next = nullptr;
  std::size_t left = 0;
  bool ended = false;
};

Inflater::Inflater(std::span<const std::byte> input, Format format, std::string where)
    : state_(std::make_unique<State>(input, format, std::move(where))) {}

Inflater::~Inflater() = default;

std::size_t Inflater::input_left() const { return state_->left; }

std::size_t Inflater::read(std::span<std::uint8_t> out) {
  State& s = *state_;
  std::size_t done = 0;
  while (done < out.size() && !s.ended) {
    constexpr std::size_t piece = std::size_t{1} << 30U;
    s.stream.next_in = s.next;
    s.stream.avail_in = static_cast<uInt>(std::min(s.left, piece));
    s.stream.next_out = out.data() + done;
    s.stream.avail_out = static_cast<uInt>(std::min(out.size() - done, piece));
    const uInt room = s.stream.avail_out;
    const int code = inflate(&s.stream, Z_NO_FLUSH);
    s.left -= static_cast<std::size_t>(s.stream.next_in - s.next);
    s.next = s.stream.next_in;
    done += room - s.stream.avail_out;
    s.ended = code == Z_STREAM_END;
    if (code == Z_BUF_ERROR || (code == Z_OK && s.left == 0 && s.stream.avail_out > 0)) {
      throw BadFile(
          fmt::format("{}: truncated compressed data; copy or download it again", s.where));
    }
    if (code != Z_OK && code != Z_STREAM_END) {
      throw BadFile(fmt::format("{}: damaged compressed data: {}; copy or download it again",
                                s.where,
                                s.stream.msg == nullptr ? "no reason given" : s.stream.msg));
    }
  }
  return done;
}

}  // namespace winnow::io
