#include "metrics/kernels/trajectory.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::metrics {

const TrajectoryKernels& trajectory_kernels() {
  static const bool has_avx512 =
      __builtin_cpu_supports("avx512f") > 0 && __builtin_cpu_supports("avx512dq") > 0 &&
      __builtin_cpu_supports("avx512vl") > 0 && __builtin_cpu_supports("avx512bw") > 0;
  static const bool has_avx2 = __builtin_cpu_supports("avx2") > 0;
  const Isa wanted = numerics::isa();
  if (wanted == Isa::scalar || !has_avx2) return scalar::trajectory_kernels();
  if (wanted == Isa::avx2 || !has_avx512) return avx2::trajectory_kernels();
  return avx512::trajectory_kernels();
}

}  // namespace winnow::metrics
