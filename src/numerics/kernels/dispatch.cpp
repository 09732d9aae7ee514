#include "numerics/kernels/dense.hpp"
#include "winnow/numerics/kernels.hpp"

namespace winnow::numerics {

namespace {

/// The widest instruction set that is allowed and there.
Isa effective_isa() {
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") > 0 &&
                                 __builtin_cpu_supports("avx512dq") > 0 &&
                                 __builtin_cpu_supports("avx512vl") > 0;
  static const bool has_avx2 =
      __builtin_cpu_supports("avx2") > 0 && __builtin_cpu_supports("fma") > 0;
  const Isa wanted = isa();
  if (wanted == Isa::scalar || !has_avx2) return Isa::scalar;
  if (wanted == Isa::avx2 || !has_avx512) return Isa::avx2;
  return Isa::avx512;
}

}  // namespace

const Kernels& kernels() {
  const Isa best = effective_isa();
  return best == Isa::scalar ? scalar::kernels()
         : best == Isa::avx2 ? avx2::kernels()
                             : avx512::kernels();
}

const DenseKernels& dense_kernels() {
  const Isa best = effective_isa();
  return best == Isa::scalar ? scalar::dense_kernels()
         : best == Isa::avx2 ? avx2::dense_kernels()
                             : avx512::dense_kernels();
}

}  // namespace winnow::numerics
