#include "winnow/numerics/kernels.hpp"

namespace winnow::numerics::scalar {
namespace {
// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "numerics/kernels/kernels.inl"
}  // namespace

const Kernels& kernels() { return table; }

}  // namespace winnow::numerics::scalar
