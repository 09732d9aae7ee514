#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace winnow::io {

/// A numeric array of a MAT file, as its header describes it.
struct MatVariable {
  std::string name;
  std::string type;                 ///< MATLAB's class: uint8, double, ...
  std::vector<std::int64_t> shape;  ///< at least two lengths
  std::size_t begin = 0;            ///< of the element's content in the file, bytes
  std::size_t size = 0;             ///< of it in the file, bytes
  bool compressed = false;
  std::size_t unpacked = 0;  ///< of the matrix element with its tag, bytes
};

/// Finds the variables of a MAT file of version 5 (MATLAB's -v6 and -v7, SciPy's savemat) and
/// checks every length and type in its headers against one another and against the file, so that a
/// library may read it: real numeric arrays of at most eight dimensions, little-endian.
/// Compressed variables are unpacked as far as their headers reach.
///
/// @param name  The file, for messages.
/// @throws BadFile naming the byte: no MAT file, version 4 or 7.3, big-endian, an element that
///         reaches past the end, anything but real numeric arrays, lengths that do not match, a
///         name that comes twice.
///
/// MATLAB, "MAT-File Format", MathWorks.
std::vector<MatVariable> parse_mat(std::span<const std::byte> bytes, const std::string& name);

}  // namespace winnow::io
