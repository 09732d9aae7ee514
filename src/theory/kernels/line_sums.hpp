#pragma once

namespace winnow::theory {

/// Nodes of a quadrature rule are a multiple of this.
inline constexpr int node_block = 8;
inline constexpr int most_nodes = 24;

/// Positions and weights of one panel.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): whoever makes nodes fills them
struct Nodes {
  alignas(64) double position[most_nodes];
  alignas(64) double weight[most_nodes];
  int count = 0;  ///< A multiple of node_block.
};

/// sum weight phi(shift + t) (Psi2, Psi1, Psi0, t Psi1, t Psi0, t^2 Psi0)(y) over positions t
struct LineSums {
  double psi2 = 0.0, psi1 = 0.0, psi0 = 0.0, t_psi1 = 0.0, t_psi0 = 0.0, t2_psi0 = 0.0;
};

/// y(t) = offset - slope t, under a Gaussian whose centre is at t = -shift.
struct Line {
  double offset = 0.0;
  double slope = 0.0;
  double shift = 0.0;
};

using AddLineSums = void (*)(const Nodes& nodes, const Line& line, LineSums& sums);

namespace scalar {
void add_line_sums(const Nodes& nodes, const Line& line, LineSums& sums);
}
namespace avx2 {
void add_line_sums(const Nodes& nodes, const Line& line, LineSums& sums);
}
namespace avx512 {
void add_line_sums(const Nodes& nodes, const Line& line, LineSums& sums);
}

/// The kernel for the instruction set in force; cheap, but fetch it outside of inner loops. All
/// agree to a few units in the last place of the largest term.
AddLineSums line_sums_kernel();

}  // namespace winnow::theory
