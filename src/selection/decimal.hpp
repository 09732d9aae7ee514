#pragma once

#include <cmath>
#include <cstdint>

namespace winnow::selection {

/// x up to the rounding of the few double operations that made it from decimal numbers: each
/// number and each product is off by half a unit in the last place at most, a relative 2^-53, and
/// no x here has more than five of those. Eight are made good, so that a product whose exact value
/// is a whole number is never one below it after floor().
inline double up_to_rounding(double x) { return x * (1.0 + 8.0 * 0x1.0p-53); }

inline std::int64_t floor_of(double x) {
  return static_cast<std::int64_t>(std::floor(up_to_rounding(x)));
}

}  // namespace winnow::selection
