#include "io/label_join.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "winnow/core/error.hpp"

namespace winnow::io {

namespace {

using Positions = std::unordered_map<std::string_view, std::size_t>;

constexpr std::size_t none = static_cast<std::size_t>(-1);

std::string_view plain(std::string_view name) {
  if (name.starts_with("./")) name.remove_prefix(2);
  return name;
}

/// Calls take(suffix) for `b/c` and `c` of `a/b/c`.
template <class Take>
void for_each_suffix(std::string_view path, const Take& take) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/')) {
    path.remove_prefix(slash + 1);
    take(path);
  }
}

/// Which example each row of the table names.
class NameJoiner {
 public:
  NameJoiner(const LabelTable& table, const Dataset& dataset) : table_(table), dataset_(dataset) {
    keys_.reserve(static_cast<std::size_t>(dataset.size()) + dataset.skipped().size());
    for (std::int64_t id = 0; id < dataset.size(); ++id) keys_.push_back(dataset.key(id));
    for (const auto& example : dataset.skipped()) keys_.push_back(example.key);
    examples_.reserve(keys_.size());
    for (std::size_t id = 0; id < keys_.size(); ++id) examples_.emplace(keys_[id], id);
    example_of_.assign(table.names.size(), none);
  }

  void match_equal() {
    for (std::size_t row = 0; row < example_of_.size(); ++row) {
      const auto found = examples_.find(plain(table_.names[row]));
      if (found != examples_.end()) {
        example_of_[row] = found->second;
      } else {
        others_.emplace(plain(table_.names[row]), row);
      }
    }
  }

  /// The rows left over, by the ends of their names and of the keys.
  void match_suffixes() {
    if (others_.empty()) return;
    for (std::size_t id = 0; id < keys_.size(); ++id) {
      for_each_suffix(keys_[id], [&](std::string_view end) {
        if (const auto found = others_.find(end); found != others_.end()) take(found->second, id);
      });
    }
    for (const auto& [name, row] : others_) {
      for_each_suffix(name, [&, row = row](std::string_view end) {
        if (const auto found = examples_.find(end); found != examples_.end()) {
          take(row, found->second);
        }
      });
    }
    if (ambiguous_ != none) throw_ambiguous();
    // Repeated names among them: `others_` holds the first row of each.
    for (std::size_t row = 0; row < example_of_.size(); ++row) {
      if (example_of_[row] != none) continue;
      const auto found = others_.find(plain(table_.names[row]));
      if (found != others_.end()) example_of_[row] = example_of_[found->second];
    }
  }

  /// @throws as join_names().
  std::vector<std::size_t> rows() const {
    forbid_unknown();
    std::vector<std::size_t> row_of(keys_.size(), none);
    std::size_t n_repeated = 0;
    std::size_t repeated = none;
    for (std::size_t row = 0; row < example_of_.size(); ++row) {
      const std::size_t id = example_of_[row];
      if (row_of[id] == none) {
        row_of[id] = row;
      } else if (n_repeated++ == 0) {
        repeated = row;
      }
    }
    if (n_repeated > 0) throw_repeated(n_repeated, repeated, row_of[example_of_[repeated]]);
    row_of.resize(static_cast<std::size_t>(dataset_.size()));
    require_all(row_of);
    return row_of;
  }

 private:
  void take(std::size_t row, std::size_t id) {
    if (example_of_[row] == none) example_of_[row] = id;
    if (example_of_[row] == id || row >= ambiguous_) return;
    ambiguous_ = row;
    ambiguous_example_ = id;
  }

  [[noreturn]] void throw_ambiguous() const {
    throw BadFile(fmt::format("{}: '{}' fits '{}' and '{}'; write the names as the dataset's keys",
                              table_.where(ambiguous_), table_.names[ambiguous_],
                              keys_[std::min(example_of_[ambiguous_], ambiguous_example_)],
                              keys_[std::max(example_of_[ambiguous_], ambiguous_example_)]));
  }

  [[noreturn]] void throw_repeated(std::size_t count, std::size_t row, std::size_t first) const {
    throw BadFile(fmt::format(
        "{}: {} of {} rows name an example again, the first is '{}' on line {}, which line {} "
        "names already; give each example one label",
        table_.file, count, example_of_.size(), table_.names[row], table_.lines[row],
        table_.lines[first]));
  }

  void forbid_unknown() const {
    const auto count = std::count(example_of_.begin(), example_of_.end(), none);
    if (count == 0) return;
    const auto first = static_cast<std::size_t>(
        std::find(example_of_.begin(), example_of_.end(), none) - example_of_.begin());
    throw DatasetMismatch(fmt::format(
        "{}: {} of {} names are no example of {}, the first is '{}' on line {}; the dataset's "
        "first key is '{}'",
        table_.file, count, example_of_.size(), dataset_.name(), table_.names[first],
        table_.lines[first], keys_[0]));
  }

  void require_all(const std::vector<std::size_t>& row_of) const {
    const auto count = std::count(row_of.begin(), row_of.end(), none);
    if (count == 0) return;
    const auto first = std::find(row_of.begin(), row_of.end(), none) - row_of.begin();
    throw DatasetMismatch(fmt::format(
        "{}: no label for {} of {} examples of {}, the first is '{}'; add them", table_.file, count,
        row_of.size(), dataset_.name(), keys_[static_cast<std::size_t>(first)]));
  }

  const LabelTable& table_;
  const Dataset& dataset_;
  std::vector<std::string> keys_;        ///< of the examples, then of those left out
  Positions examples_;                   ///< by key
  std::vector<std::size_t> example_of_;  ///< [rows], or none
  Positions others_;                     ///< rows whose name is no key, by name; the first of each
  std::size_t ambiguous_ = none;         ///< the first row that fits several examples
  std::size_t ambiguous_example_ = none;
};

}  // namespace

std::vector<std::size_t> join_names(const LabelTable& table, const Dataset& dataset,
                                    Progress& progress) {
  progress.stage("join labels", static_cast<std::int64_t>(table.names.size()), "names");
  NameJoiner joiner(table, dataset);
  progress.throw_if_cancelled();
  joiner.match_equal();
  joiner.match_suffixes();
  progress.throw_if_cancelled();
  auto rows = joiner.rows();
  progress.done(fmt::format("{} examples by name", rows.size()));
  return rows;
}

}  // namespace winnow::io
