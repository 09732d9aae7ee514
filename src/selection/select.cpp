#include "winnow/selection/select.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "selection/ranking.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::selection {

namespace {

/// x up to the rounding of the few double operations that made it from decimal numbers: each
/// number and each product is off by half a unit in the last place at most, a relative 2^-53, and
/// no x here has more than five of those. Eight are made good, so that a product whose exact value
/// is a whole number is never one below it after floor().
double up_to_rounding(double x) { return x * (1.0 + 8.0 * 0x1.0p-53); }

std::int64_t floor_of(double x) { return static_cast<std::int64_t>(std::floor(up_to_rounding(x))); }

void check_inputs(std::span<const double> scores, std::span<const std::int32_t> labels,
                  std::int64_t n_classes, Progress& progress) {
  const auto n = static_cast<std::int64_t>(scores.size());
  const std::int64_t row =
      first_where(n, progress, [&](std::int64_t id) { return !std::isfinite(scores[id]); });
  if (row < n) {
    throw NonFiniteInput(
        fmt::format("scores: row {} is {}; expected finite values; score that example again or "
                    "leave it out of the dataset",
                    row, scores[row]));
  }
  if (labels.empty()) return;
  io::require_same_length(static_cast<std::int64_t>(labels.size()), "labels", n, "scores");
  const std::int64_t wrong = first_where(
      n, progress, [&](std::int64_t id) { return labels[id] < 0 || labels[id] >= n_classes; });
  if (wrong < n) {
    throw InvalidArgument(fmt::format("labels: row {} is {}; expected a class in [0, {})", wrong,
                                      labels[wrong], n_classes));
  }
}

/// [n_classes] examples of each class up to `last` in rank.
std::vector<std::int64_t> count_classes(const Keys& keys, std::span<const std::int32_t> labels,
                                        std::int64_t n_classes, Ranked last, Progress& progress) {
  const Blocks blocks(keys.n, n_classes);
  std::vector<std::int64_t> partial(static_cast<std::size_t>(blocks.count() * n_classes));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    std::int64_t* counts = partial.data() + block * n_classes;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      counts[labels[id]] += keys[id] <= last ? 1 : 0;
    }
  });
  std::vector<std::int64_t> counts(static_cast<std::size_t>(n_classes));
  for (std::size_t i = 0; i < partial.size(); ++i) counts[i % counts.size()] += partial[i];
  return counts;
}

/// Number of examples that each class keeps whatever its ranks.
///
/// In sum at most K: the exact floors sum to at most B F n <= F n, or B K; being whole numbers,
/// to at most floor(F n) <= K, or K. The tolerance of floor_of() adds less than 1e-15 of n,
/// which cannot reach the next whole number while n < 2^49.
std::vector<std::int64_t> class_floors(std::span<const std::int64_t> sizes, std::int64_t n,
                                       std::int64_t k, const SelectOptions& options) {
  const double balance = options.class_balance;
  const double fraction =
      options.keep_count ? static_cast<double>(k) / static_cast<double>(n) : options.keep;
  const auto n_present = std::count_if(sizes.begin(), sizes.end(), [](auto s) { return s > 0; });
  const double equal_part = static_cast<double>(k) / static_cast<double>(n_present);
  std::vector<std::int64_t> floors;
  for (const std::int64_t size : sizes) {
    const auto own = static_cast<double>(size);
    floors.push_back(options.balance_by == BalanceBy::fraction
                         ? floor_of(balance * fraction * own)
                         : floor_of(balance * std::min(equal_part, own)));
  }
  return floors;
}

/// Where the ranking is cut: an example stays when it is <= `overall`, or <= its class's own cut.
struct Cuts {
  Ranked without_balance;
  Ranked overall;
  std::vector<Ranked> classes;       // [n_classes]; empty when no class is below its floor
  std::vector<std::int64_t> floors;  // [n_classes]; empty without labels
};

Cuts find_cuts(const Keys& keys, std::span<const std::int32_t> labels, std::int64_t n_classes,
               std::int64_t k, const SelectOptions& options, Progress& progress) {
  Cuts cuts;
  cuts.without_balance = nth_ranked(keys, k, progress, [](Ranked) { return true; });
  cuts.overall = cuts.without_balance;
  if (labels.empty()) return cuts;

  constexpr Ranked after_all{std::numeric_limits<std::uint64_t>::max(),
                             std::numeric_limits<std::int64_t>::max()};
  const auto sizes = count_classes(keys, labels, n_classes, after_all, progress);
  const auto kept = count_classes(keys, labels, n_classes, cuts.without_balance, progress);
  cuts.floors = class_floors(sizes, keys.n, k, options);
  const bool all_above = std::equal(kept.begin(), kept.end(), cuts.floors.begin(),
                                    [](auto count, auto floor) { return count >= floor; });
  if (all_above) return cuts;

  cuts.classes = last_of_classes(keys, labels, sizes, cuts.floors, progress);
  const std::int64_t rest = k - std::reduce(cuts.floors.begin(), cuts.floors.end());
  const auto beyond_floor = [&](Ranked ranked) {
    return ranked > cuts.classes[static_cast<std::size_t>(labels[ranked.id])];
  };
  cuts.overall = rest > 0 ? nth_ranked(keys, rest, progress, beyond_floor) : before_all;
  return cuts;
}

std::vector<Outcome> judge(const Keys& keys, std::span<const std::int32_t> labels, const Cuts& cuts,
                           Progress& progress) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(keys.n));
  const Blocks blocks(keys.n);
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const Ranked ranked = keys[id];
      const bool by_rank = ranked <= cuts.without_balance;
      const bool stays =
          ranked <= cuts.overall || (!cuts.classes.empty() && ranked <= cuts.classes[labels[id]]);
      outcomes[id] = stays ? (by_rank ? Outcome::kept : Outcome::kept_for_balance)
                           : (by_rank ? Outcome::dropped_for_balance : Outcome::dropped);
    }
  });
  return outcomes;
}

std::vector<std::int64_t> kept_ids(std::span<const Outcome> outcomes, Progress& progress) {
  const Blocks blocks(static_cast<std::int64_t>(outcomes.size()));
  std::vector<std::int64_t> begins(static_cast<std::size_t>(blocks.count()) + 1);
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    begins[block + 1] = std::count_if(outcomes.begin() + blocks.begin(block),
                                      outcomes.begin() + blocks.end(block), is_kept);
  });
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<std::int64_t> ids(static_cast<std::size_t>(begins.back()));
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    std::int64_t next = begins[block];
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      if (is_kept(outcomes[id])) ids[next++] = id;
    }
  });
  return ids;
}

}  // namespace

void SelectOptions::validate() const {
  validate_fields(*this);
  if (keep_count) check_range(static_cast<double>(*keep_count), keep_count_info());
}

std::int64_t SelectOptions::kept_of(std::int64_t n) const {
  validate();
  if (n < 1) throw InvalidArgument("scores: no examples; expected at least one to select from");
  if (!keep_count) {
    const double exact = up_to_rounding(keep * static_cast<double>(n));
    return std::max(std::int64_t{1}, static_cast<std::int64_t>(std::floor(exact + 0.5)));
  }
  if (*keep_count > n) {
    throw InvalidArgument(
        fmt::format("keep-count = {}; expected a value in [1, {}], since there "
                    "are {} examples",
                    *keep_count, n, n));
  }
  return *keep_count;
}

Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::span<const std::string> class_names, const SelectOptions& options,
                 Progress& progress) {
  const auto n = static_cast<std::int64_t>(scores.size());
  const auto n_classes = static_cast<std::int64_t>(class_names.size());
  const std::int64_t k = options.kept_of(n);
  check_inputs(scores, labels, n_classes, progress);

  progress.stage("select", n, "scores");
  const Keys keys = rank_keys(scores, options.policy, options.seed, progress);
  const Cuts cuts = find_cuts(keys, labels, n_classes, k, options, progress);
  Selection selection;
  selection.options = options;
  selection.balanced = !labels.empty();
  selection.outcomes = judge(keys, labels, cuts, progress);
  selection.ids = kept_ids(selection.outcomes, progress);
  if (options.policy != Policy::random && cuts.overall != before_all) {
    selection.cut = scores[cuts.overall.id];
  }
  selection.audit = audit(selection.outcomes, labels, class_names, cuts.floors);
  progress.advance(n);
  progress.done(fmt::format("kept {} of {} examples", k, n));
  return selection;
}

Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::int64_t n_classes, const SelectOptions& options, Progress& progress) {
  std::vector<std::string> names;
  for (std::int64_t c = 0; c < n_classes; ++c) names.push_back(std::to_string(c));
  return select(scores, labels, names, options, progress);
}

}  // namespace winnow::selection
