#pragma once

#include <cstdint>

#include "winnow/numerics/product.hpp"

namespace winnow::numerics {

/// Position and value of a row's smallest entry, and the smallest of all others (infinity for
/// none).
struct Smallest {
  std::int64_t index = 0;
  float value = 0.0F;
  float second = 0.0F;
};

/// Squared lengths of a vector and of what rounding takes away from it, or a little more.
struct RoundedSquares {
  double all = 0.0;
  double residual = 0.0;
};

/// The inner loops, compiled once per instruction set. All take contiguous float32 arrays.
struct Kernels {
  /// sum_i a_i b_i in double. The same bits for every instruction set, as of the next.
  double (*dot)(const float* a, const float* b, std::int64_t n);
  /// sum_i (a_i - b_i)^2, differences and sum in double.
  double (*squared_distance)(const float* a, const float* b, std::int64_t n);
  /// The two smallest of offset_i - values_i, the lowest index on ties; n >= 1, no NaN.
  Smallest (*smallest_difference)(const float* offset, const float* values, std::int64_t n);
  /// How many offset_i - values_i are at most `limit`; n < 2^31.
  std::int64_t (*count_differences)(const float* offset, const float* values, float limit,
                                    std::int64_t n);
  /// Adds the triangle code of one patch to `pool`: z_i = sqrt(max(0, x2 + c2_i - 2 xc_i)),
  /// pool_i += max(0, mean(z) - z_i). `xc` is overwritten by z.
  void (*add_triangle)(float x2, const float* c2, float* xc, float* pool, std::int64_t n);
  /// Rounds to bfloat16, ties to even; what is too large becomes infinite. The squares are at least
  /// what they stand for, and larger by a share of (n + 2) 2^-22 at most.
  RoundedSquares (*round_bf16)(const float* x, std::uint16_t* rounded, std::int64_t n);
  /// y += x, converted to double.
  void (*add_to)(const float* x, double* y, std::int64_t n);
  /// max_i |x_i|.
  float (*largest_magnitude)(const float* x, std::int64_t n);
  /// y = float(factor x), multiplied in double.
  void (*scale)(const float* x, double factor, float* y, std::int64_t n);
  /// sums += round(factor x), ties to even; |factor x| <= 2^50. Any order of additions gives the
  /// same sums, and -factor takes away what factor added.
  void (*add_fixed)(const float* x, double factor, std::int64_t* sums, std::int64_t n);
  /// rest = x - round(factor x) / factor, exactly, for a power of two.
  void (*fixed_rest)(const float* x, double factor, float* rest, std::int64_t n);
};

namespace scalar {
const Kernels& kernels();
}
namespace avx2 {
const Kernels& kernels();
}
namespace avx512 {
const Kernels& kernels();
}

/// The table for the instruction set in force; cheap, but fetch it outside of inner loops.
const Kernels& kernels();

}  // namespace winnow::numerics
