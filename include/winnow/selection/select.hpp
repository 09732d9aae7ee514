#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/selection/audit.hpp"
#include "winnow/selection/balanced.hpp"
#include "winnow/selection/d2.hpp"
#include "winnow/selection/density.hpp"
#include "winnow/selection/stratified.hpp"

namespace winnow {
namespace selection {

/// Which examples rank first.
enum class Policy {
  hard,        ///< the largest scores
  easy,        ///< the smallest scores
  random,      ///< a random permutation
  moderate,    ///< the scores nearest to the median, of the class where there are labels
  stratified,  ///< a random part of every stratum of scores, without the hardest of all
  density,     ///< the largest scores of each cluster, more of complex clusters; needs clusters
  d2,          ///< hard and spread out over a graph of neighbours; needs embeddings
  balanced     ///< equally many of every cluster, level by level; needs clusters
};

/// What a class floor is a share of: the class's own size, or an equal part of what is kept.
enum class BalanceBy { fraction, count };

}  // namespace selection

template <>
struct EnumNames<selection::Policy> {
  static constexpr EnumName<selection::Policy> values[] = {
      {selection::Policy::hard, "hard"},
      {selection::Policy::easy, "easy"},
      {selection::Policy::random, "random"},
      {selection::Policy::moderate, "moderate"},
      {selection::Policy::stratified, "stratified"},
      {selection::Policy::density, "density"},
      {selection::Policy::d2, "d2"},
      {selection::Policy::balanced, "balanced"}};
};

template <>
struct EnumNames<selection::BalanceBy> {
  static constexpr EnumName<selection::BalanceBy> values[] = {
      {selection::BalanceBy::fraction, "fraction"}, {selection::BalanceBy::count, "count"}};
};

namespace selection {

/// How select() chooses. Set fields by name; checked on entry.
struct SelectOptions {
  double keep = 0.5;                         ///< F, fraction of all examples that stays; (0, 1].
  std::optional<std::int64_t> keep_count{};  ///< K itself, in place of `keep`; [1, n].
  Policy policy = Policy::hard;              ///< Who ranks first.
  double class_balance = 0.5;                ///< B, [0, 1]; without labels there is none.
  BalanceBy balance_by = BalanceBy::fraction;
  Seed seed{0};  ///< Of the random, stratified and balanced policies.
  StratifiedOptions stratified{};
  DensityOptions density{};
  D2Options d2{};
  BalancedOptions balanced{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.keep, FieldInfo{.name = "keep",
                               .help = "Fraction of all examples that stays.",
                               .min = 0.0,
                               .max = 1.0,
                               .min_open = true});
    visit(self.policy, FieldInfo{.name = "policy",
                                 .help = "Which examples stay: the hardest, the easiest, a random "
                                         "choice, those nearest to the median (moderate), some of "
                                         "every difficulty (stratified), the hardest of each "
                                         "cluster (density), hard ones apart from each other "
                                         "(d2), or equally many of all clusters, level by level "
                                         "(balanced)."});
    visit(self.class_balance,
          FieldInfo{.name = "class-balance",
                    .help = "Share of every class's fair part that it keeps whatever its ranks; "
                            "needs labels.",
                    .min = 0.0,
                    .max = 1.0});
    visit(self.balance_by,
          FieldInfo{.name = "balance-by",
                    .help = "A class's fair part: the kept fraction of the class, or an equal "
                            "count for every class."});
  }
  /// Calls visit(policy, its options) for each policy that has options of its own, which fields()
  /// leaves out. keep_count, which has no value by default, is left out as well.
  template <class Self, class Visit>
  static void policy_options(Self& self, Visit&& visit) {
    visit(Policy::stratified, self.stratified);
    visit(Policy::density, self.density);
    visit(Policy::d2, self.d2);
    visit(Policy::balanced, self.balanced);
  }
  static constexpr FieldInfo keep_count_info() {
    return {.name = "keep-count",
            .help = "Number of examples that stay, in place of --keep.",
            .unit = "examples",
            .min = 1.0};
  }

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
  /// K: keep_count, else round(keep * n) with halves up, at least 1.
  /// @throws InvalidArgument n < 1, keep_count not in [1, n], or more than the cut-off of
  ///         `stratified` leaves.
  std::int64_t kept_of(std::int64_t n) const;
  /// Options of the policy itself, as options_json(); empty where it has none.
  Json policy_json() const;
};

/// What select() may look at: views of n examples.
struct Examples {
  std::span<const double> scores;              ///< [n], finite, larger is harder; n >= 1
  std::span<const std::int32_t> labels{};      ///< [n], or empty: no balance
  std::span<const std::string> class_names{};  ///< [n_classes]; empty without labels
  MatrixView<const float> embeddings{};        ///< [n, d] for `d2`
  Clusters clusters{};                         ///< of the n examples for `density`
  cluster::HierarchyView hierarchy{};          ///< of the n examples for `balanced`
};

/// A chosen subset, and how it came about.
struct Selection {
  std::vector<std::int64_t> ids;  ///< [K] sample ids, strictly increasing
  std::vector<Outcome> outcomes;  ///< [n]
  SelectOptions options;          ///< as given
  bool balanced = false;  ///< whether there were labels, so that class_balance had a meaning
  /// Score of the last example that its global rank admitted: everything that outranks it is kept.
  /// Of `hard` and `easy`; none when class floors fill every place.
  std::optional<double> cut;
  Audit audit;
  /// What the policy found on its way: medians of the classes, sizes and budgets of strata or
  /// clusters. Empty for hard, easy and random.
  Json details = Json::object();
};

/// Chooses K of n examples: a policy ranks them, class floors may overrule it.
///
///     K       = keep_count, or round(F n), at least 1        (F = K / n with keep_count)
///     floor_c = floor(B F n_c)                               balance_by fraction
///             = floor(B min(K / C, n_c))                     balance_by count
///
/// The first floor_c of each class in rank are kept; the rest of K goes by global rank among all
/// others. Ties go to the lower sample id; -0 equals 0. C counts the classes that have examples.
/// Floors never exceed K in sum. The ranks of each policy:
///
///     hard, easy   by score, largest or smallest first
///     random       a random permutation
///     moderate     by |score_i - median|. With labels the median is that of the example's class,
///                  and the example in place r (0, 1, ...) of its class ranks by (r + 1/2) / n_c:
///                  every class keeps the same share, as Webster's apportionment does it
///     stratified   the floor(beta n) hardest rank last; of the others strata_budgets() says how
///                  many each stratum [min + j w, min + (j + 1) w), w = (max - min) / strata,
///                  keeps: its first by a random permutation, which also orders the kept among each
///                  other
///     density      by (r + 1/2) / x_j for the r-th hardest (0, 1, ...) of a cluster j that keeps
///                  x_j, see cluster_budgets()
///     d2           d2_order()
///     balanced     by (r + 1/2) / x_j for the r-th (0, 1, ...), in the order of `leaf`, of a
///     finest
///                  cluster j that keeps x_j of the cluster::balanced_sample()
///
/// So the first K in rank are what the policy alone keeps. With labels, floors then move as few
/// places as they must; an example beyond the cut-off stays only where its class is below its floor
/// without it.
///
/// The median of an even number of scores is midway between the middle two. The authors of
/// `moderate` score by distance to the class centre and keep a slice in the middle of the sorted
/// scores; in their words and here, those nearest to the median are kept.
///
/// K and the floors are those of the decimal numbers typed: rounding of products such as
/// 0.3 * 6000 is made good (a few units in the last place), so 0.5 * 0.3 * 6000 gives 900.
///
/// @throws InvalidArgument  bad options, no scores, a label or cluster out of range, K too small or
///                          large for the policy, no clusters for density, no embeddings for d2.
/// @throws DatasetMismatch  views of different lengths.
/// @throws NonFiniteInput   NaN or Inf; names the first row.
///
/// Same result for any number of threads. Cost: O(n) time and about 40 bytes of memory an example
/// for hard, easy, random and stratified, O(n log n) for moderate and density; d2 as d2_order().
///
/// Xia et al., "Moderate coreset", ICLR 2023; the others as in their headers.
Selection select(const Examples& examples, const SelectOptions& options,
                 Progress& progress = silent());

/// The same for policies that need scores alone.
Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::span<const std::string> class_names, const SelectOptions& options,
                 Progress& progress = silent());

/// The same with classes called "0", "1", ...
Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::int64_t n_classes, const SelectOptions& options,
                 Progress& progress = silent());

}  // namespace selection
}  // namespace winnow
