#include "train/kernels/tables.hpp"

namespace winnow::train {

namespace {

/// The best set of the machine that is not above `wanted`.
Isa usable(Isa wanted) {
  static const bool has_avx512 =
      __builtin_cpu_supports("avx512f") > 0 && __builtin_cpu_supports("avx512dq") > 0 &&
      __builtin_cpu_supports("avx512vl") > 0 && __builtin_cpu_supports("avx512bw") > 0;
  static const bool has_avx2 =
      __builtin_cpu_supports("avx2") > 0 && __builtin_cpu_supports("fma") > 0;
  if (wanted == Isa::scalar || !has_avx2) return Isa::scalar;
  if (wanted == Isa::avx2 || !has_avx512) return Isa::avx2;
  return Isa::avx512;
}

}  // namespace

template <>
const NormKernels<float>& norm_kernels<float>(Isa isa) {
  const Isa chosen = usable(isa);
  if (chosen == Isa::scalar) return scalar::float_kernels();
  return chosen == Isa::avx2 ? avx2::float_kernels() : avx512::float_kernels();
}

template <>
const NormKernels<Bf16>& norm_kernels<Bf16>(Isa isa) {
  const Isa chosen = usable(isa);
  if (chosen == Isa::scalar) return scalar::bf16_kernels();
  return chosen == Isa::avx2 ? avx2::bf16_kernels() : avx512::bf16_kernels();
}

}  // namespace winnow::train
