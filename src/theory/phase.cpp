#include "winnow/theory/phase.hpp"

#include <algorithm>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <optional>

#include "winnow/core/parallel.hpp"

namespace winnow::theory {

std::vector<PhasePoint> phase(Margin margin, double probe_angle, std::span<const double> alphas,
                              std::span<const double> keeps, Progress& progress) {
  std::vector<PhasePoint> points(alphas.size() * keeps.size());
  progress.stage("phase", static_cast<std::int64_t>(keeps.size()), "fractions");
  const auto fill = [&](std::int64_t k) {
    const double keep = keeps[static_cast<std::size_t>(k)];
    const auto row =
        std::span(points).subspan(static_cast<std::size_t>(k) * alphas.size(), alphas.size());
    for (std::size_t i = 0; i < alphas.size(); ++i) {
      row[i].alpha_tot = alphas[i];
      row[i].keep = keep;
      row[i].converged = true;
    }
    const auto add = [&](Policy policy, double PhasePoint::*error) {
      const Pruning pruning = Pruning::of(policy, margin, keep, probe_angle);
      std::optional<Solution> before;
      for (PhasePoint& point : row) {
        before = solve(pruning, keep * point.alpha_tot, before ? &*before : nullptr);
        point.*error = before->epsilon;
        point.converged = point.converged && before->converged;
      }
    };
    add(Policy::random, &PhasePoint::random);
    add(Policy::hard, &PhasePoint::hard);
    add(Policy::easy, &PhasePoint::easy);
    for (PhasePoint& point : row) {
      const double least = std::min({point.hard, point.easy, point.random});
      if (least == point.hard && point.hard < point.random) point.best = Policy::hard;
      if (least == point.easy && point.easy < point.random) point.best = Policy::easy;
    }
  };
  parallel_blocks(static_cast<std::int64_t>(keeps.size()), progress, fill, true);
  progress.done("");
  return points;
}

std::vector<double> crossings(Policy a, Policy b, Margin margin, double probe_angle, double keep) {
  const Pruning of_a = Pruning::of(a, margin, keep, probe_angle);
  const Pruning of_b = Pruning::of(b, margin, keep, probe_angle);
  Solution last_a;
  Solution last_b;
  const auto advantage = [&](double log_alpha) {
    const double kept = keep * std::exp(log_alpha);
    last_a = solve(of_a, kept, &last_a);
    last_b = solve(of_b, kept, &last_b);
    return std::log(last_a.epsilon / last_b.epsilon);
  };
  constexpr int steps = 80;
  const double low = std::log(0.01 / keep);
  const double high = std::log(1e5);
  std::vector<double> found;
  double at_before = advantage(low);
  for (int i = 1; i <= steps; ++i) {
    const double before = low + (high - low) * (i - 1) / steps;
    const double here = low + (high - low) * i / steps;
    const double at_here = advantage(here);
    if (std::signbit(at_before) != std::signbit(at_here) && at_before != 0.0) {
      std::uintmax_t most = 100;
      const auto root =
          boost::math::tools::toms748_solve(advantage, before, here, at_before, at_here,
                                            boost::math::tools::eps_tolerance<double>(36), most);
      found.push_back(std::exp(0.5 * (root.first + root.second)));
    }
    at_before = at_here;
  }
  return found;
}

}  // namespace winnow::theory
