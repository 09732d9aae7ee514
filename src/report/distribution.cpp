#include "report/distribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace winnow::report {

namespace {

/// Smallest of 1, 2, 5 times a power of ten that is at least `value`.
double round_step(double value) {
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value) return factor * power;
  }
  return 10.0 * power;
}

double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = at - static_cast<double>(below);
  return sorted[below] + weight * (sorted[above] - sorted[below]);
}

}  // namespace

std::vector<Bin> histogram(std::span<const double> scores, std::span<const std::uint8_t> kept,
                           std::int32_t n_bins) {
  if (scores.empty()) return {};
  const auto [smallest, largest] = std::minmax_element(scores.begin(), scores.end());
  // Spreads too small for the numbers to tell apart count as a single value.
  const double range = *largest - *smallest;
  const double tiny = 1e-12 * std::max(std::abs(*smallest), std::abs(*largest));
  const double step = range > tiny ? round_step(range / n_bins) : 1.0;
  const double first = std::floor(*smallest / step);
  const auto count = static_cast<std::size_t>(std::floor(*largest / step) - first) + 1;
  std::vector<Bin> bins(count);
  for (std::size_t b = 0; b < count; ++b) {
    bins[b].low = (first + static_cast<double>(b)) * step;
    bins[b].high = (first + static_cast<double>(b) + 1.0) * step;
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto b = static_cast<std::size_t>(std::floor(scores[i] / step) - first);
    ++(kept.empty() || kept[i] != 0 ? bins[b].kept : bins[b].dropped);
  }
  return bins;
}

Spread spread_of(std::vector<double> scores) {
  std::sort(scores.begin(), scores.end());
  return {.p5 = quantile(scores, 0.05),
          .p25 = quantile(scores, 0.25),
          .median = quantile(scores, 0.5),
          .p75 = quantile(scores, 0.75),
          .p95 = quantile(scores, 0.95)};
}

std::vector<Group> group_by(std::span<const std::int64_t> index_of,
                            const std::vector<std::string>& names, const std::string& fallback,
                            std::span<const double> scores) {
  std::map<std::int64_t, std::vector<std::int64_t>> members;
  for (std::size_t i = 0; i < index_of.size(); ++i) {
    members[index_of[i]].push_back(static_cast<std::int64_t>(i));
  }
  std::vector<Group> groups;
  for (auto& [index, ids] : members) {
    std::stable_sort(ids.begin(), ids.end(), [&](std::int64_t a, std::int64_t b) {
      return scores[static_cast<std::size_t>(a)] < scores[static_cast<std::size_t>(b)];
    });
    const bool named = index >= 0 && index < static_cast<std::int64_t>(names.size());
    groups.push_back({.index = index,
                      .name = named ? names[static_cast<std::size_t>(index)]
                                    : fmt::format("{} {}", fallback, index),
                      .members = std::move(ids)});
  }
  return groups;
}

std::vector<Group> largest_groups(std::vector<Group> groups, std::size_t limit) {
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.members.size() > b.members.size();
  });
  groups.resize(std::min(limit, groups.size()));
  std::sort(groups.begin(), groups.end(),
            [](const Group& a, const Group& b) { return a.index < b.index; });
  return groups;
}

}  // namespace winnow::report
