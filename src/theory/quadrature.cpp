#include "theory/quadrature.hpp"

#include <boost/math/quadrature/gauss.hpp>

namespace winnow::theory {

namespace {

template <int count>
Nodes rule_nodes(double low, double high) {
  using Rule = boost::math::quadrature::gauss<double, count>;
  static_assert(count % node_block == 0 && count <= most_nodes);
  const double centre = 0.5 * (low + high);
  const double half = 0.5 * (high - low);
  Nodes nodes;
  nodes.count = count;
  for (int i = 0; i < count / 2; ++i) {
    const auto at = static_cast<std::size_t>(i);
    nodes.position[2 * i] = centre - half * Rule::abscissa()[at];
    nodes.position[2 * i + 1] = centre + half * Rule::abscissa()[at];
    nodes.weight[2 * i] = half * Rule::weights()[at];
    nodes.weight[2 * i + 1] = nodes.weight[2 * i];
  }
  return nodes;
}

}  // namespace

Nodes panel_nodes(double low, double high, double width, double rise) {
  if (width <= 1.0 && rise <= 2.6) return rule_nodes<8>(low, high);
  if (width <= 4.2 && rise <= 14.0) return rule_nodes<16>(low, high);
  return rule_nodes<24>(low, high);
}

}  // namespace winnow::theory
