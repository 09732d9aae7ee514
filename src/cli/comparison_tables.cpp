#include "cli/comparison_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "cli/table.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

/// A square matrix with the scores' names; for the terminal numbers stand for them in the head.
Table matrix_table(const Matrix<double>& matrix, const Compared& compared, bool for_terminal) {
  Table table;
  table.columns = {"score"};
  for (std::size_t b = 0; b < compared.names.size(); ++b) {
    table.columns.push_back(for_terminal ? fmt::format("{:>6}", fmt::format("[{}]", b + 1))
                                         : compared.names[b]);
  }
  for (std::int64_t a = 0; a < matrix.rows(); ++a) {
    const std::string& name = compared.names[static_cast<std::size_t>(a)];
    auto& row = table.rows.emplace_back();
    row.emplace_back(for_terminal ? fmt::format("[{}] {}", a + 1, name) : name);
    for (const double value : matrix.row(a)) {
      row.push_back(!for_terminal       ? Json(value)
                    : std::isnan(value) ? Json("undef.")
                                        : Json(fmt::format("{:6.3f}", value)));
    }
  }
  return table;
}

Table overlap_table(const metrics::Comparison& found, const Compared& compared) {
  Table table;
  table.columns = {"score_a", "score_b", "keep", "kept", "jaccard"};
  for (std::size_t a = 0; a < compared.names.size(); ++a) {
    for (std::size_t b = a + 1; b < compared.names.size(); ++b) {
      for (std::size_t f = 0; f < compared.keep.size(); ++f) {
        const double jaccard =
            found.overlap[f](static_cast<std::int64_t>(a), static_cast<std::int64_t>(b));
        table.rows.push_back(
            {compared.names[a], compared.names[b], compared.keep[f], compared.kept[f], jaccard});
      }
    }
  }
  return table;
}

/// Share of each class that stays; null for classes without examples.
std::vector<Json> retention(const metrics::ClassBalance& balance,
                            const std::vector<std::int64_t>& sizes) {
  std::vector<Json> shares;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    shares.push_back(
        sizes[c] == 0 ? Json()
                      : Json(static_cast<double>(balance.kept[c]) / static_cast<double>(sizes[c])));
  }
  return shares;
}

double least_retention(const metrics::ClassBalance& balance,
                       const std::vector<std::int64_t>& sizes) {
  double least = 1.0;
  for (const Json& share : retention(balance, sizes)) {
    if (!share.is_null()) least = std::min(least, share.get<double>());
  }
  return least;
}

/// Calls visit(name, policy, f, balance) for every score, end and fraction.
template <class Visit>
void visit_balance(const metrics::Comparison& found, const Compared& compared, const Visit& visit) {
  for (std::size_t s = 0; s < found.hardest.size(); ++s) {
    for (std::size_t f = 0; f < compared.keep.size(); ++f) {
      visit(compared.names[s], "hard", f, found.hardest[s][f]);
      visit(compared.names[s], "easy", f, found.easiest[s][f]);
    }
  }
}

Table balance_table(const metrics::Comparison& found, const Compared& compared) {
  Table table;
  table.columns = {"score", "policy",     "keep",       "kept",       "entropy",  "entropy_before",
                   "class", "class_name", "class_size", "class_kept", "retention"};
  visit_balance(
      found, compared,
      [&](const std::string& name, const char* policy, std::size_t f,
          const metrics::ClassBalance& balance) {
        const auto shares = retention(balance, found.class_sizes);
        for (std::size_t c = 0; c < shares.size(); ++c) {
          table.rows.push_back({name, policy, compared.keep[f], compared.kept[f], balance.entropy,
                                found.entropy, c, compared.class_names[c], found.class_sizes[c],
                                balance.kept[c], shares[c]});
        }
      });
  return table;
}

/// A row for each entry of `rows`, a column for each fraction kept.
Table by_keep(const std::string& title, const Compared& compared) {
  Table table;
  table.columns = {title};
  for (const double keep : compared.keep) table.columns.push_back(fmt::format("{:>5.4g}", keep));
  return table;
}

std::string share_text(double share) { return fmt::format("{:.3f}", share); }

std::string overlap_text(const metrics::Comparison& found, const Compared& compared) {
  Table table = by_keep("keep", compared);
  auto& chance = table.rows.emplace_back();
  chance.emplace_back("(by chance)");
  for (const std::int64_t kept : compared.kept) {
    const auto k = static_cast<double>(kept);
    chance.emplace_back(share_text(k / (2.0 * static_cast<double>(compared.n) - k)));
  }
  for (std::size_t a = 0; a < compared.names.size(); ++a) {
    for (std::size_t b = a + 1; b < compared.names.size(); ++b) {
      auto& row = table.rows.emplace_back();
      row.emplace_back(fmt::format("[{}] and [{}]", a + 1, b + 1));
      for (const auto& overlap : found.overlap) {
        row.emplace_back(
            share_text(overlap(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b))));
      }
    }
  }
  return "\nOverlap (Jaccard) of the hardest examples, by the fraction kept\n" + table.text();
}

std::string balance_text(const metrics::Comparison& found, const Compared& compared) {
  if (found.hardest.empty()) {
    return "\nNo class balance: no labels were given (--labels or --data).\n";
  }
  Table entropy = by_keep("keep", compared);
  Table least = by_keep("keep", compared);
  for (std::size_t s = 0; s < compared.names.size(); ++s) {
    const std::string name = fmt::format("[{}] {}", s + 1, compared.names[s]);
    auto& entropies = entropy.rows.emplace_back();
    auto& shares = least.rows.emplace_back();
    entropies.emplace_back(name);
    shares.emplace_back(name);
    for (const auto& balance : found.hardest[s]) {
      entropies.emplace_back(share_text(balance.entropy));
      shares.emplace_back(share_text(least_retention(balance, found.class_sizes)));
    }
  }
  return fmt::format(
      "\nClass entropy of the hardest examples (1: all classes equal; all data: {})\n{}"
      "\nShare that stays of the class that keeps least, keeping the hardest\n{}",
      share_text(found.entropy), entropy.text(), least.text());
}

Json matrix_json(const Matrix<double>& matrix) {
  Json rows = Json::array();
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    Json row = Json::array();
    for (const double value : matrix.row(i)) row.push_back(value);  // NaN becomes null
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string spearman_text(const metrics::Comparison& found, const Compared& compared) {
  return "\nSpearman's rank correlation\n" + matrix_table(found.spearman, compared, true).text();
}

std::string comparison_text(const metrics::Comparison& found, const Compared& compared) {
  std::string text = fmt::format("{} scores of {} examples\n", compared.names.size(), compared.n);
  text += spearman_text(found, compared);
  text += "\nKendall's tau-b\n" + matrix_table(found.kendall, compared, true).text();
  const std::span<const double> diagonal(found.spearman.data(),
                                         static_cast<std::size_t>(found.spearman.size()));
  if (std::any_of(diagonal.begin(), diagonal.end(),
                  [](double value) { return std::isnan(value); })) {
    text += "undef.: undefined, since all scores of one of the two are equal\n";
  }
  return text + overlap_text(found, compared) + balance_text(found, compared);
}

Json comparison_json(const metrics::Comparison& found, const Compared& compared) {
  Json json = {{"n", compared.n},
               {"scores", compared.names},
               {"spearman", matrix_json(found.spearman)},
               {"kendall", matrix_json(found.kendall)},
               {"keep", compared.keep},
               {"kept", compared.kept}};
  json["overlap"] = Json::array();
  for (const auto& overlap : found.overlap) json["overlap"].push_back(matrix_json(overlap));
  if (found.hardest.empty()) return json;
  json["classes"] = compared.class_names;
  json["entropy_before"] = found.entropy;
  json["balance"] = Json::array();
  visit_balance(
      found, compared,
      [&](const std::string& name, const char* policy, std::size_t f,
          const metrics::ClassBalance& balance) {
        json["balance"].push_back({{"score", name},
                                   {"policy", policy},
                                   {"keep", compared.keep[f]},
                                   {"entropy", balance.entropy},
                                   {"least_retention", least_retention(balance, found.class_sizes)},
                                   {"retention", retention(balance, found.class_sizes)}});
      });
  return json;
}

std::vector<std::string> write_comparison(const std::filesystem::path& folder,
                                          const metrics::Comparison& found,
                                          const Compared& compared) {
  std::vector<std::string> files;
  const auto write = [&](const char* name, const Table& table) {
    write_file(folder / name, table.csv());
    files.emplace_back(name);
  };
  write("spearman.csv", matrix_table(found.spearman, compared, false));
  write("kendall.csv", matrix_table(found.kendall, compared, false));
  write("overlap.csv", overlap_table(found, compared));
  if (!found.hardest.empty()) write("balance.csv", balance_table(found, compared));
  return files;
}

}  // namespace winnow::cli
