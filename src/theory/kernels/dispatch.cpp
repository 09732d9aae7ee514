#include "theory/kernels/line_sums.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::theory {

AddLineSums line_sums_kernel() {
  static const bool has_avx512 =
      __builtin_cpu_supports("avx512f") > 0 && __builtin_cpu_supports("avx512dq") > 0;
  static const bool has_avx2 =
      __builtin_cpu_supports("avx2") > 0 && __builtin_cpu_supports("fma") > 0;
  const Isa wanted = numerics::isa();
  if (wanted == Isa::scalar || !has_avx2) return scalar::add_line_sums;
  if (wanted == Isa::avx2 || !has_avx512) return avx2::add_line_sums;
  return avx512::add_line_sums;
}

}  // namespace winnow::theory
