#include <cmath>
#include <cstdint>

#include "metrics/kernels/trajectory.hpp"

namespace winnow::metrics::avx2 {
namespace {
// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "metrics/kernels/trajectory.inl"
}  // namespace

const TrajectoryKernels& trajectory_kernels() { return table; }

}  // namespace winnow::metrics::avx2
