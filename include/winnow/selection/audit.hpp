#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/run.hpp"

namespace winnow {
namespace selection {

/// What became of one example, and why.
enum class Outcome : std::uint8_t {
  kept,                 ///< its rank alone admits it
  kept_for_balance,     ///< its rank does not, but its class was below its floor
  dropped,              ///< enough examples rank before it
  dropped_for_balance,  ///< its rank admits it, but its place went to a class below its floor
  cut_off,              ///< among the hardest, which the stratified policy leaves out
  duplicate             ///< another example of its group of near-duplicates stays
};

inline bool is_kept(Outcome outcome) {
  return outcome == Outcome::kept || outcome == Outcome::kept_for_balance;
}

/// How one class fared.
struct ClassAudit {
  std::string name;
  std::int64_t before = 0;                ///< examples of the class in all data
  std::int64_t kept = 0;                  ///< of these, kept
  std::int64_t kept_without_balance = 0;  ///< kept had there been no class floors
  std::int64_t floor = 0;                 ///< least number that balance guarantees
  double share_before = 0.0;              ///< of all examples, [0, 1]
  double share_kept = 0.0;                ///< of the kept examples, [0, 1]
  double kept_fraction = 0.0;             ///< kept / before; 0 for a class without examples
};

/// What a selection did to the classes. Without labels there are no classes: only n and kept.
struct Audit {
  std::int64_t n = 0;
  std::int64_t kept = 0;
  double kept_fraction = 0.0;        ///< kept / n
  std::vector<ClassAudit> classes;   ///< in class order, those without examples too
  std::int64_t moved = 0;            ///< places that balance took from one class for another
  std::int64_t smallest_class = -1;  ///< class (with examples) of which fewest are kept; -1: none
  std::int64_t worst_class = -1;     ///< class (with examples) of least kept_fraction; -1: none
  double entropy_before = 0.0;       ///< of the class shares, over that of equal shares; [0, 1]
  double entropy_kept = 0.0;
  std::vector<std::string> warnings;  ///< what a person should look at, in words
};

/// Counts classes before and after. Ties for smallest and worst go to the lowest class.
///
/// Entropy is -sum p ln p over ln C, C the number of classes that have examples; 1 when C is 1.
/// Warns of classes of which nothing is kept, and of those that keep less than two thirds of the
/// overall fraction where chance (three standard deviations of a random choice) does not explain
/// it.
///
/// @param outcomes     [n]
/// @param labels       [n], in [0, class_names.size()), or empty.
/// @param class_names  [n_classes]
/// @param floors       [n_classes], or empty without balance.
Audit audit(std::span<const Outcome> outcomes, std::span<const std::int32_t> labels,
            std::span<const std::string> class_names, std::span<const std::int64_t> floors);

Json audit_json(const Audit& audit);

/// The audit as aligned text for a terminal, one line each without line ends: a table of the
/// classes, a summary, then the warnings.
std::vector<std::string> format_audit(const Audit& audit);

}  // namespace selection

/// Names of outcomes in `dropped.csv`.
template <>
struct EnumNames<selection::Outcome> {
  static constexpr EnumName<selection::Outcome> values[] = {
      {selection::Outcome::kept, "kept"},
      {selection::Outcome::kept_for_balance, "kept-for-balance"},
      {selection::Outcome::dropped, "rank"},
      {selection::Outcome::dropped_for_balance, "class-balance"},
      {selection::Outcome::cut_off, "cut-off"},
      {selection::Outcome::duplicate, "duplicate"}};
};

}  // namespace winnow
