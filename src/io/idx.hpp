#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "winnow/core/files.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

/// A uint8 array in LeCun's IDX format, plain or gzip (told by content, not by name).
///
/// Format: two zero bytes, type 0x08, number of dimensions, one big-endian uint32 length per
/// dimension, the values. The length is checked before anything is allocated; decompression stops
/// at the length that the header gives.
class IdxFile {
 public:
  /// @throws BadFile wrong magic, type or number of dimensions, a length that does not match the
  ///         header, damaged gzip data.
  IdxFile(const std::filesystem::path& path, int n_dims);

  const std::vector<std::int64_t>& shape() const { return shape_; }
  /// Where the file is not compressed these are read from it: call require_intact() after reading.
  std::span<const std::uint8_t> values() const { return values_; }
  /// @throws BadFile when the file shrank while values() were read.
  void require_intact() const { file_.require_intact(); }
  /// Path and hash of the file as it is on disk.
  const InputFile& input() const { return input_; }

 private:
  void read(int n_dims);
  void parse_header(std::span<const std::byte> header, int n_dims);
  std::uint64_t value_count() const;
  void read_plain(std::size_t header_size);
  void read_gzip(std::size_t header_size, int n_dims);

  MappedFile file_;
  std::vector<std::int64_t> shape_;
  std::vector<std::uint8_t> unpacked_;  ///< when the file is compressed
  std::span<const std::uint8_t> values_;
  InputFile input_;
};

}  // namespace winnow::io
