#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/matrix.hpp"

// Products of bfloat16 by AMX tiles (Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 1, chapter 18).

namespace winnow::numerics::amx {

/// Rows and columns of a block of products; both operands are padded to multiples of it with zeros.
constexpr std::int64_t block = 32;
/// Numbers of a row that one instruction multiplies; depths are padded to multiples of it.
constexpr std::int64_t step = 32;

/// Whether this machine has AMX for bfloat16 and Linux lets the process use it; asks for that once.
bool available();

using Numbers = std::vector<std::uint16_t, AlignedAllocator<std::uint16_t>>;

/// Columns in the order in which tiles take them.
class Columns {
 public:
  /// @param columns  [k, d] bfloat16
  Columns(MatrixView<const std::uint16_t> columns);
  std::int64_t count() const { return count_; }
  /// Numbers from one row to the next: d, padded, and a cache line, so that rows a power of two
  /// long do not meet in the same sets of the cache.
  std::int64_t stride() const { return depth_ + step; }

  /// @param rows  [block, stride()], 64-byte aligned, padded with zeros
  /// @param n     rows wanted, at most `block`
  /// @param out   [n, k] products, added in float32 two at a time: each instruction of a step
  ///              multiplies and adds, rounding after each of two products; subnormal numbers count
  ///              as zeros. Precondition: available().
  void multiply(const std::uint16_t* rows, std::int64_t n, float* out) const;

 private:
  std::int64_t count_;
  std::int64_t depth_;
  Numbers tiles_;  ///< [panels of 32 columns][steps][2 tiles][16 pairs][16 columns][2]
};

}  // namespace winnow::numerics::amx
