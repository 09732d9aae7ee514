#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace winnow::io {

/// zlib's inflate over data in memory, as much at a time as is asked for.
class Inflater {
 public:
  enum class Format { gzip, zlib };

  /// @param input  Must outlive this.
  /// @param where  The file and part, for messages.
  Inflater(std::span<const std::byte> input, Format format, std::string where);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `out` as far as the data reach; returns the number of bytes written. Reading on past the
  /// last byte compares the checksum.
  /// @throws BadFile truncated or damaged data.
  std::size_t read(std::span<std::uint8_t> out);

  /// Bytes of the input after what was unpacked.
  std::size_t input_left() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What deflate can pack one byte from at most: a limit to check before anything is allocated.
constexpr std::uint64_t max_deflate_ratio = 1032;

}  // namespace winnow::io
