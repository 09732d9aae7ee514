#include <cstdint>
#include <cstring>
#include <numbers>

#include "theory/gaussian.hpp"
#include "theory/kernels/line_sums.hpp"
#include "theory/psi_coefficients.hpp"

namespace winnow::theory::avx2 {
namespace {
constexpr int lanes = 4;
// NOLINTNEXTLINE(bugprone-suspicious-include): compiled once per instruction set
#include "theory/kernels/line_sums.inl"
}  // namespace

void add_line_sums(const Nodes& nodes, const Line& line, LineSums& sums) {
  add_lines(nodes, line, sums);
}

}  // namespace winnow::theory::avx2
