#pragma once

#include <algorithm>
#include <span>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cluster {

/// What decides: the squared Euclidean distance, or 1 - cosine of unit vectors, in double and in a
/// fixed order of additions.
inline double distance_to(std::span<const float> x, std::span<const float> c, Geometry geometry) {
  if (geometry == Geometry::euclidean) return numerics::squared_distance(x, c);
  return std::clamp(1.0 - numerics::dot(x, c), 0.0, 2.0);
}

/// Unit vectors in float32 are of length 1 to this.
constexpr double unit_rounding = 1e-6;

}  // namespace winnow::cluster
