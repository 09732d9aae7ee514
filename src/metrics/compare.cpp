#include "winnow/metrics/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "metrics/score_ranks.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::metrics {

namespace {

__extension__ using Wide = __int128;

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

void check_values(std::span<const double> values, std::size_t n, const std::string& name) {
  if (values.size() != n) {
    throw InvalidArgument(fmt::format("{} has {} values; expected {}", name, values.size(), n));
  }
  if (n < 1 || n > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw InvalidArgument(fmt::format("{} has {} values; expected [1, 2^31)", name, n));
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (std::isfinite(values[i])) continue;
    throw NonFiniteInput(
        fmt::format("{}: row {} is {}; expected finite values", name, i, values[i]));
  }
}

Wide dot(std::span<const std::int32_t> x, std::span<const std::int32_t> y) {
  Wide sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += std::int64_t{x[i]} * y[i];
  return sum;
}

double spearman_of(Wide xy, Wide xx, Wide yy) {
  if (xx == 0 || yy == 0) return undefined;
  const double scale = std::sqrt(static_cast<double>(xx) * static_cast<double>(yy));
  return std::clamp(static_cast<double>(xy) / scale, -1.0, 1.0);
}

double kendall_of(const ScoreRanks& x, const ScoreRanks& y) {
  const std::int64_t n = x.n();
  const std::int64_t all = n * (n - 1) / 2;
  if (x.tied_pairs == all || y.tied_pairs == all) return undefined;
  const PairCounts pairs = count_pairs(x, y);
  const std::int64_t untied = all - x.tied_pairs - y.tied_pairs + pairs.tied_both;
  const auto balance = static_cast<double>(untied - 2 * pairs.discordant);
  const double scale =
      std::sqrt(static_cast<double>(all - x.tied_pairs) * static_cast<double>(all - y.tied_pairs));
  return std::clamp(balance / scale, -1.0, 1.0);
}

/// One score, ready to be compared.
struct Column {
  ScoreRanks ranks;
  std::vector<std::int32_t> centred;
  Wide squares = 0;  ///< of `centred`
  /// [n] by id: the first count of `kept` that keeps it among the hardest; F when none does.
  std::vector<std::uint16_t> hard_step;
  std::vector<ClassBalance> hardest;
  std::vector<ClassBalance> easiest;
};

/// What all scores share.
struct Setting {
  std::span<const std::int64_t> kept;
  std::span<const std::int32_t> labels;
  std::int64_t n_classes = 0;
  std::int64_t n_present = 0;  ///< classes that have examples
};

double normalised_entropy(std::span<const std::int64_t> counts, std::int64_t total,
                          std::int64_t n_present) {
  if (n_present < 2) return 1.0;
  double entropy = 0.0;
  for (const std::int64_t count : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(total);
    if (count > 0) entropy -= share * std::log(share);
  }
  return entropy / std::log(static_cast<double>(n_present));
}

/// Calls visit(id, step) from the first kept to the last, `step` the first count that keeps it.
template <class Visit>
void visit_kept(const ScoreRanks& ranks, std::span<const std::int64_t> kept, bool hardest_first,
                const Visit& visit) {
  std::int64_t position = 0;
  std::size_t step = 0;
  const std::size_t n_groups = ranks.starts.size() - 1;
  for (std::size_t g = 0; g < n_groups; ++g) {
    const std::size_t group = hardest_first ? n_groups - 1 - g : g;
    for (std::uint32_t i = ranks.starts[group]; i < ranks.starts[group + 1]; ++i, ++position) {
      while (step < kept.size() && kept[step] <= position) ++step;
      visit(ranks.order[i], step);
    }
  }
}

std::vector<ClassBalance> balance_of(const ScoreRanks& ranks, const Setting& setting,
                                     bool hardest) {
  const auto n_classes = static_cast<std::size_t>(setting.n_classes);
  std::vector<ClassBalance> balance(setting.kept.size(),
                                    {std::vector<std::int64_t>(n_classes), 0.0});
  visit_kept(ranks, setting.kept, hardest, [&](std::uint32_t id, std::size_t step) {
    if (step < balance.size()) ++balance[step].kept[static_cast<std::size_t>(setting.labels[id])];
  });
  for (std::size_t f = 0; f < balance.size(); ++f) {
    for (std::size_t c = 0; c < n_classes && f > 0; ++c)
      balance[f].kept[c] += balance[f - 1].kept[c];
    balance[f].entropy = normalised_entropy(balance[f].kept, setting.kept[f], setting.n_present);
  }
  return balance;
}

Column column_of(std::span<const double> values, const Setting& setting) {
  Column column;
  column.ranks = rank_scores(values);
  column.centred = centred_ranks(column.ranks);
  column.squares = dot(column.centred, column.centred);
  column.hard_step.resize(values.size());
  visit_kept(column.ranks, setting.kept, true, [&](std::uint32_t id, std::size_t step) {
    column.hard_step[id] = static_cast<std::uint16_t>(step);
  });
  if (!setting.labels.empty()) {
    column.hardest = balance_of(column.ranks, setting, true);
    column.easiest = balance_of(column.ranks, setting, false);
  }
  return column;
}

/// [F] Jaccard indices of what two scores keep.
std::vector<double> overlap_of(const Column& a, const Column& b,
                               std::span<const std::int64_t> kept) {
  std::vector<std::int64_t> joining(kept.size() + 1);  // at each step, to what both keep
  for (std::size_t i = 0; i < a.hard_step.size(); ++i) {
    ++joining[std::max(a.hard_step[i], b.hard_step[i])];
  }
  std::vector<double> overlap;
  std::int64_t both = 0;
  for (std::size_t f = 0; f < kept.size(); ++f) {
    both += joining[f];
    overlap.push_back(static_cast<double>(both) / static_cast<double>(2 * kept[f] - both));
  }
  return overlap;
}

void check_setting(const Setting& setting, std::size_t n) {
  if (setting.kept.size() >= std::numeric_limits<std::uint16_t>::max()) {
    throw InvalidArgument(
        fmt::format("{} keep counts; expected fewer than 65535", setting.kept.size()));
  }
  std::int64_t before = 1;
  for (const std::int64_t count : setting.kept) {
    if (count < before || count > static_cast<std::int64_t>(n)) {
      throw InvalidArgument(fmt::format(
          "keep count {}; expected ascending counts in [1, {}], the number of examples", count, n));
    }
    before = count;
  }
  if (!setting.labels.empty() && setting.labels.size() != n) {
    throw InvalidArgument(fmt::format("{} labels for {} examples", setting.labels.size(), n));
  }
  for (std::size_t i = 0; i < setting.labels.size(); ++i) {
    if (setting.labels[i] >= 0 && setting.labels[i] < setting.n_classes) continue;
    throw InvalidArgument(fmt::format("label of row {} is {}; expected a class index in [0, {})", i,
                                      setting.labels[i], setting.n_classes));
  }
}

std::vector<Column> columns_of(std::span<const std::span<const double>> scores,
                               const Setting& setting, Progress& progress) {
  std::vector<Column> columns(scores.size());
  progress.stage("rank", static_cast<std::int64_t>(scores.size()), "scores");
  parallel_blocks(
      static_cast<std::int64_t>(scores.size()), progress,
      [&](std::int64_t s) {
        const auto i = static_cast<std::size_t>(s);
        columns[i] = column_of(scores[i], setting);
      },
      true);
  progress.done("");
  return columns;
}

/// Fills the entries of a and b in every matrix.
void compare_pair(std::span<const Column> columns, std::int64_t a, std::int64_t b,
                  std::span<const std::int64_t> kept, Comparison& result) {
  const Column& x = columns[static_cast<std::size_t>(a)];
  const Column& y = columns[static_cast<std::size_t>(b)];
  const auto store = [a, b](Matrix<double>& matrix, double value) {
    matrix(a, b) = value;
    matrix(b, a) = value;
  };
  store(result.spearman, spearman_of(dot(x.centred, y.centred), x.squares, y.squares));
  store(result.kendall, kendall_of(x.ranks, y.ranks));
  const auto overlap = overlap_of(x, y, kept);
  for (std::size_t f = 0; f < overlap.size(); ++f) store(result.overlap[f], overlap[f]);
}

}  // namespace

double spearman(std::span<const double> x, std::span<const double> y) {
  check_values(x, x.size(), "x");
  check_values(y, x.size(), "y");
  const auto x_ranks = centred_ranks(rank_scores(x));
  const auto y_ranks = centred_ranks(rank_scores(y));
  return spearman_of(dot(x_ranks, y_ranks), dot(x_ranks, x_ranks), dot(y_ranks, y_ranks));
}

double kendall(std::span<const double> x, std::span<const double> y) {
  check_values(x, x.size(), "x");
  check_values(y, x.size(), "y");
  return kendall_of(rank_scores(x), rank_scores(y));
}

Comparison compare(std::span<const std::span<const double>> scores,
                   std::span<const std::int64_t> kept, std::span<const std::int32_t> labels,
                   std::int64_t n_classes, Progress& progress) {
  if (scores.empty()) throw InvalidArgument("no scores; expected at least one to compare");
  const std::size_t n = scores.front().size();
  for (std::size_t s = 0; s < scores.size(); ++s) {
    check_values(scores[s], n, fmt::format("score {}", s));
  }
  Setting setting{kept, labels, n_classes, 0};
  check_setting(setting, n);
  Comparison result;
  if (!labels.empty()) {
    result.class_sizes.resize(static_cast<std::size_t>(n_classes));
    for (const std::int32_t label : labels) ++result.class_sizes[static_cast<std::size_t>(label)];
    setting.n_present = static_cast<std::int64_t>(result.class_sizes.size()) -
                        std::count(result.class_sizes.begin(), result.class_sizes.end(), 0);
    result.entropy =
        normalised_entropy(result.class_sizes, static_cast<std::int64_t>(n), setting.n_present);
  }
  std::vector<Column> columns = columns_of(scores, setting, progress);

  const auto n_scores = static_cast<std::int64_t>(scores.size());
  result.spearman = Matrix<double>(n_scores, n_scores);
  result.kendall = Matrix<double>(n_scores, n_scores);
  result.overlap.assign(kept.size(), Matrix<double>(n_scores, n_scores));
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  for (std::int64_t b = 0; b < n_scores; ++b) {
    for (std::int64_t a = 0; a < b; ++a) pairs.emplace_back(a, b);
    const double itself = columns[static_cast<std::size_t>(b)].squares == 0 ? undefined : 1.0;
    result.spearman(b, b) = itself;
    result.kendall(b, b) = itself;
    for (auto& overlap : result.overlap) overlap(b, b) = 1.0;
  }
  progress.stage("compare", static_cast<std::int64_t>(pairs.size()), "pairs");
  parallel_blocks(
      static_cast<std::int64_t>(pairs.size()), progress,
      [&](std::int64_t i) {
        const auto& pair = pairs[static_cast<std::size_t>(i)];
        compare_pair(columns, pair.first, pair.second, kept, result);
      },
      true);
  progress.done("");
  for (Column& column : columns) {
    if (labels.empty()) break;
    result.hardest.push_back(std::move(column.hardest));
    result.easiest.push_back(std::move(column.easiest));
  }
  return result;
}

}  // namespace winnow::metrics
