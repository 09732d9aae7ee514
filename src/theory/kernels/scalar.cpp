#include "theory/gaussian.hpp"
#include "theory/kernels/line_sums.hpp"

namespace winnow::theory::scalar {

void add_line_sums(const Nodes& nodes, const Line& line, LineSums& sums) {
  for (int i = 0; i < nodes.count; ++i) {
    const double t = nodes.position[i];
    const Psi at = psi(line.offset - line.slope * t);
    const double mass = nodes.weight[i] * phi(line.shift + t);
    sums.psi2 += mass * at.two;
    sums.psi1 += mass * at.one;
    sums.psi0 += mass * at.zero;
    sums.t_psi1 += mass * t * at.one;
    sums.t_psi0 += mass * t * at.zero;
    sums.t2_psi0 += mass * t * t * at.zero;
  }
}

}  // namespace winnow::theory::scalar
