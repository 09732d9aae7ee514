#include "winnow/selection/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numeric>

#include "selection/blocks.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::selection {

namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

/// "class 6 'Shirt'", or "class 6" when the name is the number.
std::string class_title(const Audit& audit, std::int64_t c) {
  const std::string& name = audit.classes[static_cast<std::size_t>(c)].name;
  return name == std::to_string(c) ? fmt::format("class {}", c)
                                   : fmt::format("class {} '{}'", c, name);
}

/// How many examples of each class (of all, without labels) had each outcome.
using OutcomeCounts = std::array<std::int64_t, std::size(EnumNames<Outcome>::values)>;

std::int64_t count_of(const OutcomeCounts& counts, Outcome outcome) {
  return counts[static_cast<std::size_t>(outcome)];
}

std::int64_t kept_of(const OutcomeCounts& counts) {
  return count_of(counts, Outcome::kept) + count_of(counts, Outcome::kept_for_balance);
}

std::vector<OutcomeCounts> count_outcomes(std::span<const Outcome> outcomes,
                                          std::span<const std::int32_t> labels,
                                          std::int64_t n_classes) {
  const std::int64_t n_rows = labels.empty() ? 1 : n_classes;
  const Blocks blocks(static_cast<std::int64_t>(outcomes.size()), n_rows);
  std::vector<OutcomeCounts> partial(static_cast<std::size_t>(blocks.count() * n_rows));
  parallel_blocks(blocks.count(), silent(), [&](std::int64_t block) {
    OutcomeCounts* rows = partial.data() + block * n_rows;
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      ++rows[labels.empty() ? 0 : labels[id]][static_cast<std::size_t>(outcomes[id])];
    }
  });
  std::vector<OutcomeCounts> counts(static_cast<std::size_t>(n_rows));
  for (std::size_t i = 0; i < partial.size(); ++i) {
    OutcomeCounts& row = counts[i % counts.size()];
    for (std::size_t outcome = 0; outcome < row.size(); ++outcome)
      row[outcome] += partial[i][outcome];
  }
  return counts;
}

/// Counts and shares of the classes, from numbers of outcomes.
void fill_counts(Audit& audit, const std::vector<OutcomeCounts>& counts) {
  for (const OutcomeCounts& row : counts) {
    audit.kept += kept_of(row);
    audit.moved += count_of(row, Outcome::kept_for_balance);
  }
  audit.kept_fraction = ratio(audit.kept, audit.n);
  for (std::size_t c = 0; c < audit.classes.size(); ++c) {
    const OutcomeCounts& row = counts[c];
    ClassAudit& entry = audit.classes[c];
    entry.kept = kept_of(row);
    entry.kept_without_balance =
        count_of(row, Outcome::kept) + count_of(row, Outcome::dropped_for_balance);
    entry.before = std::accumulate(row.begin(), row.end(), std::int64_t{0});
    entry.share_before = ratio(entry.before, audit.n);
    entry.share_kept = ratio(entry.kept, audit.kept);
    entry.kept_fraction = ratio(entry.kept, entry.before);
  }
}

/// Entropy of the shares over that of `n_present` equal ones.
double normalised_entropy(const std::vector<ClassAudit>& classes, double ClassAudit::*share,
                          std::int64_t n_present) {
  if (n_present < 2) return 1.0;
  double entropy = 0.0;
  for (const ClassAudit& entry : classes) {
    const double p = entry.*share;
    if (p > 0.0) entropy -= p * std::log(p);
  }
  return entropy / std::log(static_cast<double>(n_present));
}

/// Fewer than two thirds of the fair part, and fewer than chance explains.
bool keeps_too_little(const ClassAudit& entry, double overall) {
  const double expected = overall * static_cast<double>(entry.before);
  const double deviation = std::sqrt(expected * (1.0 - overall));
  const auto kept = static_cast<double>(entry.kept);
  return kept < expected * 2.0 / 3.0 && expected - kept > 3.0 * deviation;
}

void add_warnings(Audit& audit) {
  constexpr std::size_t most_named = 5;
  std::vector<std::int64_t> poor;
  std::vector<std::int64_t> gone;
  for (std::size_t c = 0; c < audit.classes.size(); ++c) {
    const ClassAudit& entry = audit.classes[c];
    if (entry.before == 0) continue;
    if (entry.kept == 0) {
      gone.push_back(static_cast<std::int64_t>(c));
    } else if (keeps_too_little(entry, audit.kept_fraction)) {
      poor.push_back(static_cast<std::int64_t>(c));
    }
  }
  const auto add = [&](const std::vector<std::int64_t>& which, const auto& sentence,
                       const char* rest) {
    for (std::size_t i = 0; i < std::min(most_named, which.size()); ++i) {
      audit.warnings.push_back(
          sentence(which[i], audit.classes[static_cast<std::size_t>(which[i])]));
    }
    if (which.size() > most_named) {
      audit.warnings.push_back(fmt::format("{} more classes {}", which.size() - most_named, rest));
    }
  };
  std::stable_sort(poor.begin(), poor.end(), [&](auto a, auto b) {
    return audit.classes[static_cast<std::size_t>(a)].kept_fraction <
           audit.classes[static_cast<std::size_t>(b)].kept_fraction;
  });
  add(
      gone,
      [&](std::int64_t c, const ClassAudit& entry) {
        return fmt::format("{} vanishes: none of its {} examples is kept", class_title(audit, c),
                           entry.before);
      },
      "vanish");
  add(
      poor,
      [&](std::int64_t c, const ClassAudit& entry) {
        return fmt::format("{} keeps {:.0f} % of its examples; all data keep {:.0f} %",
                           class_title(audit, c), 100.0 * entry.kept_fraction,
                           100.0 * audit.kept_fraction);
      },
      "keep less than two thirds of the overall fraction");
}

std::string pad_left(std::string_view text, std::size_t width) {
  return fmt::format("{:>{}}", text, width);
}

}  // namespace

Audit audit(std::span<const Outcome> outcomes, std::span<const std::int32_t> labels,
            std::span<const std::string> class_names, std::span<const std::int64_t> floors) {
  assert(labels.empty() || labels.size() == outcomes.size());
  Audit result;
  result.n = static_cast<std::int64_t>(outcomes.size());
  if (!labels.empty()) {
    for (const std::string& name : class_names) result.classes.push_back({.name = name});
  }
  const auto n_classes = static_cast<std::int64_t>(class_names.size());
  fill_counts(result, count_outcomes(outcomes, labels, n_classes));
  std::int64_t n_present = 0;
  for (std::size_t c = 0; c < result.classes.size(); ++c) {
    ClassAudit& entry = result.classes[c];
    if (!floors.empty()) entry.floor = floors[c];
    if (entry.before == 0) continue;
    ++n_present;
    const auto improves = [&](std::int64_t best, auto member) {
      return best < 0 || entry.*member < result.classes[static_cast<std::size_t>(best)].*member;
    };
    const auto here = static_cast<std::int64_t>(c);
    if (improves(result.smallest_class, &ClassAudit::kept)) result.smallest_class = here;
    if (improves(result.worst_class, &ClassAudit::kept_fraction)) result.worst_class = here;
  }
  if (n_present > 0) {
    result.entropy_before =
        normalised_entropy(result.classes, &ClassAudit::share_before, n_present);
    result.entropy_kept = normalised_entropy(result.classes, &ClassAudit::share_kept, n_present);
  }
  add_warnings(result);
  return result;
}

Json audit_json(const Audit& audit) {
  Json json = {{"n", audit.n},
               {"kept", audit.kept},
               {"kept_fraction", audit.kept_fraction},
               {"moved_by_balance", audit.moved}};
  if (!audit.classes.empty()) {
    const auto class_json = [&](std::int64_t c) {
      const ClassAudit& entry = audit.classes[static_cast<std::size_t>(c)];
      return Json{{"class", c},
                  {"name", entry.name},
                  {"kept", entry.kept},
                  {"kept_fraction", entry.kept_fraction}};
    };
    json["smallest_class"] = class_json(audit.smallest_class);
    json["worst_class"] = class_json(audit.worst_class);
    json["entropy_before"] = audit.entropy_before;
    json["entropy_kept"] = audit.entropy_kept;
  }
  json["classes"] = Json::array();
  for (const ClassAudit& entry : audit.classes) {
    json["classes"].push_back({{"name", entry.name},
                               {"before", entry.before},
                               {"kept", entry.kept},
                               {"kept_without_balance", entry.kept_without_balance},
                               {"floor", entry.floor},
                               {"share_before", entry.share_before},
                               {"share_kept", entry.share_kept},
                               {"kept_fraction", entry.kept_fraction}});
  }
  json["warnings"] = audit.warnings;
  return json;
}

std::vector<std::string> format_audit(const Audit& audit) {
  std::vector<std::string> lines;
  if (!audit.classes.empty()) {
    const auto percent = [](double share) { return fmt::format("{:.1f} %", 100.0 * share); };
    std::vector<std::vector<std::string>> table = {{"class", "before", "kept", "kept/before",
                                                    "share before", "share kept", "floor",
                                                    "without balance"}};
    for (const ClassAudit& entry : audit.classes) {
      table.push_back({entry.name, std::to_string(entry.before), std::to_string(entry.kept),
                       percent(entry.kept_fraction), percent(entry.share_before),
                       percent(entry.share_kept), std::to_string(entry.floor),
                       std::to_string(entry.kept_without_balance)});
    }
    std::vector<std::size_t> widths(table[0].size());
    for (const auto& row : table) {
      for (std::size_t j = 0; j < row.size(); ++j) widths[j] = std::max(widths[j], row[j].size());
    }
    for (const auto& row : table) {
      std::string line = fmt::format("{:<{}}", row[0], widths[0]);
      for (std::size_t j = 1; j < row.size(); ++j) line += "  " + pad_left(row[j], widths[j]);
      lines.push_back(line);
    }
  }
  lines.push_back(fmt::format("kept {} of {} examples ({:.1f} %)", audit.kept, audit.n,
                              100.0 * audit.kept_fraction));
  if (audit.classes.empty()) {
    lines.emplace_back("no class balance: no labels were given");
  } else {
    const auto& smallest = audit.classes[static_cast<std::size_t>(audit.smallest_class)];
    lines.push_back(fmt::format("smallest class: {}, {} kept",
                                class_title(audit, audit.smallest_class), smallest.kept));
    lines.push_back(fmt::format("class entropy: {:.4f} before, {:.4f} kept (1: all classes equal)",
                                audit.entropy_before, audit.entropy_kept));
    lines.push_back(fmt::format("class balance moved {} examples", audit.moved));
  }
  for (const std::string& warning : audit.warnings) lines.push_back("warning: " + warning);
  return lines;
}

}  // namespace winnow::selection
