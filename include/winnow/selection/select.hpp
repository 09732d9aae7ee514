#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/selection/audit.hpp"

namespace winnow {
namespace selection {

/// Which examples rank first.
enum class Policy { hard, easy, random };

/// What a class floor is a share of: the class's own size, or an equal part of what is kept.
enum class BalanceBy { fraction, count };

}  // namespace selection

template <>
struct EnumNames<selection::Policy> {
  static constexpr EnumName<selection::Policy> values[] = {{selection::Policy::hard, "hard"},
                                                           {selection::Policy::easy, "easy"},
                                                           {selection::Policy::random, "random"}};
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
  Seed seed{0};  ///< Of the random policy.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.keep, FieldInfo{.name = "keep",
                               .help = "Fraction of all examples that stays.",
                               .min = 0.0,
                               .max = 1.0,
                               .min_open = true});
    visit(self.policy, FieldInfo{.name = "policy",
                                 .help = "Which examples stay: the hardest, the easiest, or a "
                                         "random choice."});
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
  /// keep_count has no value by default, so fields() leaves it out.
  static constexpr FieldInfo keep_count_info() {
    return {.name = "keep-count",
            .help = "Number of examples that stay, in place of --keep.",
            .unit = "examples",
            .min = 1.0};
  }

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
  /// K: keep_count, else round(keep * n) with halves up, at least 1.
  /// @throws InvalidArgument n < 1, or keep_count not in [1, n].
  std::int64_t kept_of(std::int64_t n) const;
};

/// A chosen subset, and how it came about.
struct Selection {
  std::vector<std::int64_t> ids;  ///< [K] sample ids, strictly increasing
  std::vector<Outcome> outcomes;  ///< [n]
  SelectOptions options;          ///< as given
  bool balanced = false;  ///< whether there were labels, so that class_balance had a meaning
  /// Score of the last example that its global rank admitted: everything that outranks it is kept.
  /// None for the random policy, and when class floors fill every place.
  std::optional<double> cut;
  Audit audit;
};

/// Chooses K of n examples by difficulty.
///
///     K       = keep_count, or round(F n), at least 1        (F = K / n with keep_count)
///     floor_c = floor(B F n_c)                               balance_by fraction
///             = floor(B min(K / C, n_c))                     balance_by count
///
/// The first floor_c of each class (hardest for `hard`, easiest for `easy`) are kept; the rest of K
/// goes by global rank among all others. Ties go to the lower sample id; -0 equals 0. The `random`
/// policy replaces the scores by a random permutation and otherwise does the same. C counts the
/// classes that have examples. Floors never exceed K in sum.
///
/// K and the floors are those of the decimal numbers typed: rounding of products such as
/// 0.3 * 6000 is made good (a few units in the last place), so 0.5 * 0.3 * 6000 gives 900.
///
/// @param scores       [n], finite, larger is harder; n >= 1.
/// @param labels       [n], in [0, class_names.size()), or empty: no balance.
/// @param class_names  [n_classes]; empty without labels.
/// @throws InvalidArgument  bad options, no scores, a label out of range.
/// @throws DatasetMismatch  scores and labels of different lengths.
/// @throws NonFiniteInput   NaN or Inf; names the first row.
///
/// Same result for any number of threads. Cost: O(n) time, about 40 bytes of memory an example.
Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::span<const std::string> class_names, const SelectOptions& options,
                 Progress& progress = silent());

/// The same with classes called "0", "1", ...
Selection select(std::span<const double> scores, std::span<const std::int32_t> labels,
                 std::int64_t n_classes, const SelectOptions& options,
                 Progress& progress = silent());

}  // namespace selection
}  // namespace winnow
