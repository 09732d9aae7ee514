#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace winnow::report {

/// Scores in [low, high), the last bin also high; split by whether the example was kept.
struct Bin {
  double low = 0.0;
  double high = 0.0;
  std::int64_t kept = 0;
  std::int64_t dropped = 0;
};

/// About `n_bins` bins with edges at round numbers (1, 2 or 5 times a power of ten). Every score is
/// counted. Without a selection (`kept` empty) all count as kept.
std::vector<Bin> histogram(std::span<const double> scores, std::span<const std::uint8_t> kept,
                           std::int32_t n_bins);

/// Spread of the scores of one group.
struct Spread {
  double p5 = 0.0;
  double p25 = 0.0;
  double median = 0.0;
  double p75 = 0.0;
  double p95 = 0.0;
};

/// Quantiles interpolate linearly between order statistics; scores not empty.
Spread spread_of(std::vector<double> scores);

/// Examples that belong together: a class or a cluster.
struct Group {
  std::int64_t index = 0;
  std::string name;
  std::vector<std::int64_t> members;  ///< Easiest first; ties by id.
};

/// Groups of equal `index_of[i]` with at least one member, in order of index. `names` may be empty
/// or shorter: `fallback` and the index then name the group.
std::vector<Group> group_by(std::span<const std::int64_t> index_of,
                            const std::vector<std::string>& names, const std::string& fallback,
                            std::span<const double> scores);

/// The `limit` largest groups (ties: lower index first), in order of index.
std::vector<Group> largest_groups(std::vector<Group> groups, std::size_t limit);

}  // namespace winnow::report
