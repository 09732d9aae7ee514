#include "winnow/theory/pruning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/owens_t.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "theory/gaussian.hpp"
#include "winnow/core/error.hpp"

namespace winnow::theory {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Beyond, a Gaussian has less mass than the smallest double.
constexpr double far_margin = 38.6;

double radians(double degrees) { return degrees * std::numbers::pi / 180.0; }
double sine_of(double degrees) { return std::sin(radians(degrees)); }
double cosine_of(double degrees) { return degrees == 90.0 ? 0.0 : std::cos(radians(degrees)); }

void check_angle(double degrees) {
  check_range(degrees, {.name = "probe-angle", .min = 0, .max = 90});
}

void check_keep(double keep) {
  check_range(keep, {.name = "keep", .min = 0, .max = 1, .min_open = true});
}

/// The root of an increasing function on [low, high], to the last bits.
template <class F>
double increasing_root(const F& f, double low, double high) {
  std::uintmax_t steps = 200;
  const auto found = boost::math::tools::toms748_solve(
      f, low, high, boost::math::tools::eps_tolerance<double>(52), steps);
  return 0.5 * (found.first + found.second);
}

/// Bands of |z| as bands of s, ascending.
std::vector<Band> mirrored(const std::vector<Band>& bands) {
  std::vector<Band> both;
  for (const Band& band : bands) {
    both.insert(both.begin(), {-band.high, -band.low, band.weight});
  }
  both.insert(both.end(), bands.begin(), bands.end());
  return both;
}

/// Neighbours of one weight become one band; nothing is left of s < 0 when the probe is the
/// teacher.
std::vector<Band> simplified(const std::vector<Band>& bands, bool is_teacher) {
  std::vector<Band> found;
  for (Band band : bands) {
    if (is_teacher) band.low = std::max(band.low, 0.0);
    if (band.low >= band.high) continue;
    if (!found.empty() && found.back().high == band.low && found.back().weight == band.weight) {
      found.back().high = band.high;
    } else {
      found.push_back(band);
    }
  }
  return found;
}

void check_bands(const std::vector<Band>& bands, Margin margin) {
  if (bands.empty()) throw InvalidArgument("bands = none; expected at least one");
  double end = margin == Margin::absolute ? 0.0 : -infinity;
  for (const Band& band : bands) {
    const auto text = fmt::format("bands: {}:{}:{}", band.low, band.high, band.weight);
    if (!(band.low >= end)) {
      throw InvalidArgument(fmt::format(
          "{}; expected a band that begins at {} or above, bands in ascending order", text, end));
    }
    if (!(band.low < band.high)) throw InvalidArgument(text + "; expected low < high");
    if (!(band.weight > 0.0 && band.weight <= 1.0)) {
      throw InvalidArgument(text + "; expected a weight in (0, 1]");
    }
    end = band.high;
  }
}

}  // namespace

double margin_probability(double margin, double probe_angle) {
  check_angle(probe_angle);
  if (std::isinf(margin)) return margin > 0 ? 1.0 : 0.0;
  if (probe_angle == 0.0) return margin <= 0.0 ? 0.0 : std::erf(margin * std::numbers::sqrt2 / 2);
  const double slope = cosine_of(probe_angle) / sine_of(probe_angle);
  return std::max(0.0, Phi(margin) - 2.0 * boost::math::owens_t(margin, slope));
}

double margin_threshold(Policy policy, Margin margin, double keep, double probe_angle) {
  check_keep(keep);
  check_angle(probe_angle);
  if (keep == 1.0 || policy == Policy::random) return policy == Policy::easy ? -infinity : infinity;
  if (margin == Margin::absolute || probe_angle == 0.0) {
    const double argument =
        policy == Policy::hard ? boost::math::erf_inv(keep) : boost::math::erfc_inv(keep);
    return argument * std::numbers::sqrt2;
  }
  const double below = policy == Policy::hard ? keep : 1.0 - keep;
  return increasing_root([&](double g) { return margin_probability(g, probe_angle) - below; },
                         -far_margin, far_margin);
}

Pruning::Pruning(std::vector<Band> bands, double probe_angle)
    : bands_(std::move(bands)),
      probe_angle_(probe_angle),
      sine_(sine_of(probe_angle)),
      cosine_(cosine_of(probe_angle)) {}

Pruning Pruning::of(Policy policy, Margin margin, double keep, double probe_angle) {
  const double g = margin_threshold(policy, margin, keep, probe_angle);
  std::vector<Band> bands;
  if (policy == Policy::random || keep == 1.0) {
    bands = {{-infinity, infinity, keep}};
  } else if (margin == Margin::times_label) {
    bands = {policy == Policy::hard ? Band{-infinity, g} : Band{g, infinity}};
  } else {
    bands = mirrored({policy == Policy::hard ? Band{0.0, g} : Band{g, infinity}});
  }
  Pruning pruning(simplified(bands, probe_angle == 0.0), probe_angle);
  pruning.keep_ = keep;
  return pruning;
}

Pruning Pruning::of_bands(std::vector<Band> bands, Margin margin, double probe_angle) {
  check_angle(probe_angle);
  check_bands(bands, margin);
  if (margin == Margin::absolute) bands = mirrored(bands);
  Pruning pruning(simplified(bands, probe_angle == 0.0), probe_angle);
  pruning.keep_ = 0.0;
  for (const Band& band : pruning.bands_) {
    pruning.keep_ += band.weight * (margin_probability(band.high, probe_angle) -
                                    margin_probability(band.low, probe_angle));
  }
  if (!(pruning.keep_ > 0.0)) throw InvalidArgument("bands keep no example");
  return pruning;
}

bool Pruning::is_random() const {
  return bands_.size() == 1 && std::isinf(bands_.front().high) &&
         (bands_.front().low == -infinity || (sine_ == 0.0 && bands_.front().low == 0.0));
}

}  // namespace winnow::theory
