#include "winnow/numerics/kernels.hpp"

namespace winnow::numerics {

const Kernels& kernels() {
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") > 0 &&
                                 __builtin_cpu_supports("avx512dq") > 0 &&
                                 __builtin_cpu_supports("avx512vl") > 0;
  static const bool has_avx2 =
      __builtin_cpu_supports("avx2") > 0 && __builtin_cpu_supports("fma") > 0;
  const Isa wanted = isa();
  if (wanted == Isa::scalar || !has_avx2) return scalar::kernels();
  if (wanted == Isa::avx2 || !has_avx512) return avx2::kernels();
  return avx512::kernels();
}

}  // namespace winnow::numerics
