#include "winnow/theory/frontier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>

#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::theory {

namespace {

/// Fractions a factor of this apart are looked at before the best of them is refined.
constexpr double scan_factor = 1.3;

double smallest_allowed(double a, const FrontierLimits& limits) {
  const double ceiling = limits.max_alpha_tot == 0.0 ? 0.0 : a / limits.max_alpha_tot;
  if (ceiling > 1.0) {
    throw InvalidArgument(
        fmt::format("max-alpha-tot = {}; expected at least alpha-prune = {}, what is to be kept",
                    limits.max_alpha_tot, a));
  }
  return std::max(limits.min_keep, ceiling);
}

/// epsilon over f at one alpha_prune, each solution started from the last.
class ErrorOverKeep {
 public:
  ErrorOverKeep(const Setting& setting, double a) : setting_(setting), a_(a) {}

  const Solution& at(double keep) {
    last_ = solve(setting_.keeping(keep), a_, last_.converged ? &last_ : nullptr);
    return last_;
  }

 private:
  const Setting& setting_;
  double a_;
  Solution last_;
};

FrontierPoint frontier_point(const Setting& setting, double a, double low) {
  ErrorOverKeep error(setting, a);
  const auto steps = static_cast<int>(std::ceil(std::log(1.0 / low) / std::log(scan_factor)));
  const auto keep_at = [&](int i) {
    return i >= steps ? low : std::exp(std::log(low) * i / steps);
  };
  FrontierPoint point;
  int best = 0;
  for (int i = 0; i <= steps; ++i) {
    const Solution& found = error.at(keep_at(i));
    if (i == 0 || found.epsilon < point.best.epsilon) {
      point.best = found;
      best = i;
    }
  }
  if (steps == 0 || setting.policy == Policy::random) return point;
  const double from = std::log(keep_at(std::min(best + 1, steps)));
  const double to = std::log(keep_at(std::max(best - 1, 0)));
  Solution refined;
  const auto minimum = boost::math::tools::brent_find_minima(
      [&](double log_keep) { return error.at(std::exp(log_keep)).epsilon; }, from, to, 24);
  refined = error.at(std::exp(minimum.first));
  if (refined.epsilon < point.best.epsilon) point.best = refined;
  point.interior = point.best.keep > low * (1.0 + 1e-6) && point.best.keep < 1.0;
  return point;
}

template <class Result, class Work>
std::vector<Result> over_alphas(const char* stage, std::span<const double> alphas,
                                Progress& progress, const Work& work) {
  std::vector<Result> results(alphas.size());
  progress.stage(stage, static_cast<std::int64_t>(alphas.size()), "points");
  parallel_blocks(
      static_cast<std::int64_t>(alphas.size()), progress,
      [&](std::int64_t i) {
        results[static_cast<std::size_t>(i)] = work(alphas[static_cast<std::size_t>(i)]);
      },
      true);
  progress.done("");
  return results;
}

}  // namespace

std::vector<FrontierPoint> frontier(const Setting& setting, std::span<const double> alphas,
                                    const FrontierLimits& limits, Progress& progress) {
  setting.validate();
  limits.validate();
  return over_alphas<FrontierPoint>("frontier", alphas, progress, [&](double a) {
    return frontier_point(setting, a, smallest_allowed(a, limits));
  });
}

std::vector<SmallestKeep> smallest_keep(const Setting& setting, std::span<const double> alphas,
                                        Progress& progress) {
  setting.validate();
  const FrontierLimits limits;
  return over_alphas<SmallestKeep>("smallest keep fraction", alphas, progress, [&](double a) {
    SmallestKeep found;
    found.best = frontier_point(setting, a, limits.min_keep).best;
    ErrorOverKeep error(setting, a);
    const auto excess = [&](double log_keep) {
      return error.at(std::exp(log_keep)).epsilon / (2.0 * found.best.epsilon) - 1.0;
    };
    double above = std::log(found.best.keep);
    for (double below = above; below > std::log(limits.min_keep);) {
      below = std::max(below - std::log(scan_factor), std::log(limits.min_keep));
      if (excess(below) >= 0.0) {
        std::uintmax_t steps = 100;
        const auto root = boost::math::tools::toms748_solve(
            excess, below, above, boost::math::tools::eps_tolerance<double>(40), steps);
        found.smallest = error.at(std::exp(root.second));
        found.found = true;
        break;
      }
      above = below;
    }
    return found;
  });
}

std::vector<Solution> curves(const Setting& setting, Alpha kind, std::span<const double> alphas,
                             std::span<const double> keeps, Progress& progress) {
  setting.validate();
  std::vector<Solution> results(alphas.size() * keeps.size());
  progress.stage("curves", static_cast<std::int64_t>(keeps.size()), "curves");
  parallel_blocks(
      static_cast<std::int64_t>(keeps.size()), progress,
      [&](std::int64_t k) {
        const double keep = keeps[static_cast<std::size_t>(k)];
        const Pruning pruning = setting.keeping(keep);
        const Solution* before = nullptr;
        for (std::size_t i = 0; i < alphas.size(); ++i) {
          Solution& found = results[static_cast<std::size_t>(k) * alphas.size() + i];
          found = solve(pruning, kind == Alpha::kept ? alphas[i] : keep * alphas[i], before);
          before = &found;
        }
      },
      true);
  progress.done("");
  return results;
}

}  // namespace winnow::theory
