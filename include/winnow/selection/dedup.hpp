#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow {
namespace selection {

/// What makes a group of near-duplicates.
enum class Grouping {
  ordered,    ///< the paper's: each goes with the most similar of those before it in its cluster
  transitive  ///< connected components: all that a chain of near-duplicates joins
};

/// Which example of a group stays, by its distance to the centroid of the cluster.
enum class Representative { farthest, nearest };

}  // namespace selection

template <>
struct EnumNames<selection::Grouping> {
  static constexpr EnumName<selection::Grouping> values[] = {
      {selection::Grouping::ordered, "ordered"}, {selection::Grouping::transitive, "transitive"}};
};

template <>
struct EnumNames<selection::Representative> {
  static constexpr EnumName<selection::Representative> values[] = {
      {selection::Representative::farthest, "farthest"},
      {selection::Representative::nearest, "nearest"}};
};

namespace selection {

/// How deduplicate() goes. Set fields by name; checked on entry.
struct DedupOptions {
  double epsilon = 0.05;         ///< Nearer than this, 1 - cosine, are near-duplicates. [0, 2].
  std::optional<double> keep{};  ///< Fraction that stays, in place of `epsilon`; (0, 1].
  Grouping grouping = Grouping::ordered;
  Representative representative = Representative::farthest;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.epsilon, FieldInfo{.name = "epsilon",
                                  .help = "Rows of one cluster whose 1 - cosine is below this are "
                                          "near-duplicates; 0 drops nothing.",
                                  .min = 0.0,
                                  .max = 2.0});
    visit(self.grouping,
          FieldInfo{.name = "groups",
                    .help = "How groups are formed, of which one example stays. ordered, as in the "
                            "paper: an example goes when one before it in the order of its cluster "
                            "is a near-duplicate, even one that goes itself. transitive: all that "
                            "chains of near-duplicates join are one group, in any order."});
    visit(self.representative,
          FieldInfo{.name = "representative",
                    .help = "Who comes first in a cluster and so stays: the farthest from the "
                            "centroid, as in the paper, or the nearest; ties by id."});
  }
  /// keep has no value by default, so fields() leaves it out.
  static constexpr FieldInfo keep_info() {
    return {.name = "keep",
            .help =
                "Fraction of all examples that stays, in place of --epsilon: finds the epsilon "
                "that comes nearest.",
            .min = 0.0,
            .max = 1.0,
            .min_open = true};
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

/// One example that goes. Similarities are cosines, in [-1, 1].
struct Duplicate {
  std::int64_t id = 0;
  std::int64_t kept = 0;    ///< Who stays of its group.
  std::int64_t match = 0;   ///< Its most similar: of those before it (ordered) or of its group.
  double similarity = 0.0;  ///< To `match`; 1 - similarity < epsilon.
  double similarity_to_kept = 0.0;  ///< May be less, at the end of a chain.
};

/// Who stays and who goes.
struct Dedup {
  std::vector<std::int64_t> ids;   ///< Who stays, strictly increasing.
  std::vector<Duplicate> dropped;  ///< By `kept`, then by id.
  double epsilon = 0.0;            ///< As given, or as found for `keep`.
  std::int64_t groups = 0;         ///< Of two or more.
  std::int64_t largest_group = 0;  ///< Examples in it; 1 when nothing goes.
  std::int64_t equal_rows = 0;     ///< Of the dropped, those whose row equals that of `match`.
  std::int64_t rounds = 0;         ///< Times that rows were compared; 1 when ordered.
  std::int64_t compared_rows = 0;  ///< Rows compared with others, over all rounds.
};

/// Semantic deduplication: inside each cluster, of every group of near-duplicates one stays.
///
///     D(i, j)  = 0 where the rows are equal, else 1 - x_i . x_j, clamped to [2^-53, 2]
///     order    of a cluster: by distance to its centroid, largest first (`farthest`) or smallest
///              first (`nearest`), ties by id
///     ordered     j goes when min over i before j of D(i, j) < epsilon; its match is the i of the
///                 least D, ties to the first. Who goes by whom makes a tree; its root stays
///     transitive  groups are the connected components of the pairs with D < epsilon; the first in
///                 order of each stays
///
/// Rows in different clusters are not compared. With `keep`, epsilon is the one at which nearest to
/// round(keep n) examples stay (ties: more stay); one of each cluster always does. It lies midway
/// between the two distances that it parts, so that giving it as epsilon does the same.
///
/// Products in float32, with a bound on their rounding, find who may be nearest; D decides.
///
/// @param rows        [n, d], finite, unit rows (numerics::normalize_rows()).
/// @param assignment  [n] clusters, >= 0.
/// @param distance    [n] to the own centroid, finite, in any geometry: only its order counts.
/// @throws InvalidArgument  bad options, no rows, lengths that differ, a negative cluster, a row
///                          whose length is not 1; names the row.
/// @throws NonFiniteInput   a distance that is NaN or Inf; names the row.
///
/// Same result for any number of threads and any instruction set. Ordered compares every cluster of
/// m rows with itself once, O(m^2 d); transitive again, at most log2(m) times, those rows that
/// still have a near-duplicate outside of their group (with `keep`: that still may matter). O(n)
/// memory and up to 40 MB a thread for blocks of rows and products, never m x m.
///
/// Abbas, Tirumala, Simig, Ganguli and Morcos, "SemDeDup: Data-efficient learning at web-scale
/// through semantic deduplication", 2023, arXiv:2303.09540, section 3. Transitive groups are found
/// as minimum spanning forests: Boruvka 1926.
Dedup deduplicate(MatrixView<const float> rows, std::span<const std::int32_t> assignment,
                  std::span<const double> distance, const DedupOptions& options,
                  Progress& progress = silent());

}  // namespace selection
}  // namespace winnow
