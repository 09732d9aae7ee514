#pragma once

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cstdint>
#include <limits>

namespace winnow::theory {

struct Interval {
  double low, high;
};

/// The root of f, negative below it and positive above, near `start`, bracketed by growing steps
/// within bounds; NaN if there is none.
template <class F>
double root_near(const F& f, double start, double step, Interval bounds, int bits) {
  double low = start, high = start, at_low = f(start), at_high = at_low;
  while (at_low > 0.0 && low > bounds.low) {
    high = low, at_high = at_low;
    low = std::max(low - step, bounds.low), at_low = f(low);
    step *= 2.0;
  }
  while (at_high < 0.0 && high < bounds.high) {
    low = high, at_low = at_high;
    high = std::min(high + step, bounds.high), at_high = f(high);
    step *= 2.0;
  }
  if (at_low == 0.0) return low;
  if (at_high == 0.0) return high;
  if (!(at_low < 0.0 && at_high > 0.0)) return std::numeric_limits<double>::quiet_NaN();
  std::uintmax_t limit = 100;
  const auto found = boost::math::tools::toms748_solve(
      f, low, high, at_low, at_high, boost::math::tools::eps_tolerance<double>(bits), limit);
  return 0.5 * (found.first + found.second);
}

}  // namespace winnow::theory
