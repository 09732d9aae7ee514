#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "winnow/io/npy.hpp"

namespace winnow::io {

/// What the first bytes of a `.npy` file say.
struct NpyHeader {
  DType dtype = DType::float32;
  bool fortran_order = false;  ///< false for fewer than two dimensions, where orders agree
  std::vector<std::int64_t> shape;
  std::size_t data_offset = 0;
};

/// Parses the header at the start of `file` and checks it against the file's length.
/// @param name  The file, for messages.
/// @throws BadFile naming the byte where the header goes wrong.
NpyHeader parse_npy_header(std::span<const std::byte> file, const std::string& name);

/// The header of a C-order array of version 1.0, as NumPy writes it: magic, version and the
/// dictionary, padded so that the data begin at a multiple of 64 and not before `min_size`.
std::string npy_header_text(DType dtype, std::span<const std::int64_t> shape,
                            std::size_t min_size = 0);

/// "[60000, 512]".
std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace winnow::io
