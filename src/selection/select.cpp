#include "winnow/selection/select.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "selection/decimal.hpp"
#include "selection/policies.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::selection {

namespace {

void check_scores(std::span<const double> scores, Progress& progress) {
  const auto n = static_cast<std::int64_t>(scores.size());
  const std::int64_t row =
      first_where(n, progress, [&](std::int64_t id) { return !std::isfinite(scores[id]); });
  if (row < n) {
    throw NonFiniteInput(
        fmt::format("scores: row {} is {}; expected finite values; score that example again or "
                    "leave it out of the dataset",
                    row, scores[row]));
  }
}

void check_labels(std::span<const std::int32_t> labels, std::int64_t n, std::int64_t n_classes,
                  Progress& progress) {
  if (labels.empty()) return;
  io::require_same_length(static_cast<std::int64_t>(labels.size()), "labels", n, "scores");
  const std::int64_t wrong = first_where(
      n, progress, [&](std::int64_t id) { return labels[id] < 0 || labels[id] >= n_classes; });
  if (wrong < n) {
    throw InvalidArgument(fmt::format("labels: row {} is {}; expected a class in [0, {})", wrong,
                                      labels[wrong], n_classes));
  }
}

/// That what the policy looks at is there, one for each example.
void check_structure(const Examples& examples, Policy policy) {
  const auto n = static_cast<std::int64_t>(examples.scores.size());
  if (policy == Policy::density) {
    if (examples.clusters.centroids.empty()) {
      throw InvalidArgument("policy = density needs a clustering of the examples");
    }
    io::require_same_length(static_cast<std::int64_t>(examples.clusters.assignment.size()),
                            "clustering", n, "scores");
  }
  if (policy == Policy::balanced) {
    if (examples.hierarchy.assignments.empty()) {
      throw InvalidArgument("policy = balanced needs a clustering of the examples");
    }
    io::require_same_length(static_cast<std::int64_t>(examples.hierarchy.assignments[0].size()),
                            "clustering", n, "scores");
  }
  if (policy == Policy::d2) {
    if (examples.embeddings.empty()) {
      throw InvalidArgument("policy = d2 needs embeddings of the examples");
    }
    io::require_same_length(examples.embeddings.rows(), "embeddings", n, "scores");
  }
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

  const auto sizes = count_groups(keys, labels, n_classes, after_all, progress);
  const auto kept = count_groups(keys, labels, n_classes, cuts.without_balance, progress);
  cuts.floors = class_floors(sizes, keys.n, k, options);
  const bool all_above = std::equal(kept.begin(), kept.end(), cuts.floors.begin(),
                                    [](auto count, auto floor) { return count >= floor; });
  if (all_above) return cuts;

  cuts.classes = last_of_groups(keys, labels, sizes, cuts.floors, progress);
  const std::int64_t rest = k - std::reduce(cuts.floors.begin(), cuts.floors.end());
  const auto beyond_floor = [&](Ranked ranked) {
    return ranked > cuts.classes[static_cast<std::size_t>(labels[ranked.id])];
  };
  cuts.overall = rest > 0 ? nth_ranked(keys, rest, progress, beyond_floor) : before_all;
  return cuts;
}

std::vector<Outcome> judge(const Ranking& ranking, std::span<const std::int32_t> labels,
                           const Cuts& cuts, Progress& progress) {
  const Keys& keys = ranking.keys;
  std::vector<Outcome> outcomes(static_cast<std::size_t>(keys.n));
  const Blocks blocks(keys.n);
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const Ranked ranked = keys[id];
      const bool by_rank = ranked <= cuts.without_balance;
      const bool stays =
          ranked <= cuts.overall || (!cuts.classes.empty() && ranked <= cuts.classes[labels[id]]);
      if (stays) {
        outcomes[id] = by_rank ? Outcome::kept : Outcome::kept_for_balance;
      } else if (by_rank) {
        outcomes[id] = Outcome::dropped_for_balance;
      } else {
        outcomes[id] = ranked.key < ranking.cut_off ? Outcome::dropped : Outcome::cut_off;
      }
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
  policy_options(*this, [](Policy, const auto& own) { own.validate(); });
}

std::int64_t SelectOptions::kept_of(std::int64_t n) const {
  validate();
  if (n < 1) throw InvalidArgument("scores: no examples; expected at least one to select from");
  std::int64_t k = 0;
  if (keep_count) {
    k = *keep_count;
    if (k > n) {
      throw InvalidArgument(
          fmt::format("keep-count = {}; expected a value in [1, {}], since there "
                      "are {} examples",
                      k, n, n));
    }
  } else {
    const double exact = up_to_rounding(keep * static_cast<double>(n));
    k = std::max(std::int64_t{1}, static_cast<std::int64_t>(std::floor(exact + 0.5)));
  }
  const std::int64_t beyond = policy == Policy::stratified ? stratified.cut_off_of(n) : 0;
  if (k > n - beyond) {
    throw InvalidArgument(
        fmt::format("cut-off = {}: {} of {} examples are to be kept, but only {} are left; keep "
                    "fewer, or cut off less",
                    stratified.cut_off, k, n, n - beyond));
  }
  return k;
}

Json SelectOptions::policy_json() const {
  Json json = Json::object();
  policy_options(*this, [&](Policy owner, const auto& own) {
    if (owner == policy) json = options_json(own);
  });
  return json;
}

Selection select(const Examples& examples, const SelectOptions& options, Progress& progress) {
  const auto n = static_cast<std::int64_t>(examples.scores.size());
  const auto n_classes = static_cast<std::int64_t>(examples.class_names.size());
  const std::int64_t k = options.kept_of(n);
  check_scores(examples.scores, progress);
  check_labels(examples.labels, n, n_classes, progress);
  check_structure(examples, options.policy);

  Ranking ranking = rank(examples, options, k, progress);
  progress.stage("select", n, "scores");
  const Cuts cuts = find_cuts(ranking.keys, examples.labels, n_classes, k, options, progress);
  Selection selection;
  selection.options = options;
  selection.balanced = !examples.labels.empty();
  selection.outcomes = judge(ranking, examples.labels, cuts, progress);
  selection.ids = kept_ids(selection.outcomes, progress);
  const bool by_score = options.policy == Policy::hard || options.policy == Policy::easy;
  if (by_score && cuts.overall != before_all) selection.cut = examples.scores[cuts.overall.id];
  selection.audit = audit(selection.outcomes, examples.labels, examples.class_names, cuts.floors);
  selection.details = std::move(ranking.details);
  progress.advance(n);
  progress.done(fmt::format("kept {} of {} examples", k, n));
  return selection;
}

Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::span<const std::string> class_names, const SelectOptions& options,
                 Progress& progress) {
  return select({.scores = scores, .labels = labels, .class_names = class_names}, options,
                progress);
}

Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::int64_t n_classes, const SelectOptions& options, Progress& progress) {
  std::vector<std::string> names;
  for (std::int64_t c = 0; c < n_classes; ++c) names.push_back(std::to_string(c));
  return select(scores, labels, names, options, progress);
}

}  // namespace winnow::selection
