#include "metrics/kernels/bit_kernels.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::metrics {

const BitKernels& bit_kernels() {
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") > 0 &&
                                 __builtin_cpu_supports("avx512dq") > 0 &&
                                 __builtin_cpu_supports("avx512vpopcntdq") > 0;
  static const bool has_avx2 = __builtin_cpu_supports("avx2") > 0;
  const Isa wanted = numerics::isa();
  if (wanted == Isa::scalar || !has_avx2) return scalar::bit_kernels();
  if (wanted == Isa::avx2 || !has_avx512) return avx2::bit_kernels();
  return avx512::bit_kernels();
}

}  // namespace winnow::metrics
