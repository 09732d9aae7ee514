#include "report/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

#include "report/format.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/csv.hpp"

namespace winnow::report {

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// results.csv with cells found by column name.
class ResultsTable {
 public:
  explicit ResultsTable(const std::filesystem::path& path) : table_(io::read_csv(path)) {
    for (const char* needed : {"model", "policy", "keep", "test_error"}) table_.column(needed);
  }

  std::size_t size() const { return table_.rows.size(); }

  /// "" when there is no such column.
  std::string text(std::size_t row, std::string_view column) const {
    const auto& header = table_.header;
    const auto at = std::find(header.begin(), header.end(), column);
    if (at == header.end()) return "";
    return table_.rows[row][static_cast<std::size_t>(at - header.begin())];
  }

  /// Nothing for an empty cell or an absent column.
  template <class Number>
  std::optional<Number> number(std::size_t row, std::string_view column) const {
    const std::string cell = text(row, column);
    if (cell.empty()) return {};
    Number value{};
    const char* end = cell.data() + cell.size();
    const auto parsed = std::from_chars(cell.data(), end, value);
    if (parsed.ec == std::errc() && parsed.ptr == end) return value;
    throw BadFile(fmt::format("{}: row {} column '{}' is '{}'; expected a number", table_.name, row,
                              column, cell));
  }

  double share(std::size_t row, std::string_view column) const {
    const double value = number<double>(row, column).value_or(not_a_number);
    if (value >= 0.0 && value <= 1.0) return value;
    throw BadFile(fmt::format("{}: row {} column '{}' is '{}'; expected a share in [0, 1]",
                              table_.name, row, column, text(row, column)));
  }

 private:
  io::CsvTable table_;
};

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return values.empty() ? not_a_number : sum / static_cast<double>(values.size());
}

/// Standard deviation with n - 1, over sqrt(n).
double standard_error_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 2) return not_a_number;
  const double mean = mean_of(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / (n - 1.0) / n);
}

template <class Key>
std::vector<Key> in_order_of_appearance(const auto& items, const auto& key) {
  std::vector<Key> keys;
  for (const auto& item : items) {
    const Key value = key(item);
    if (std::find(keys.begin(), keys.end(), value) == keys.end()) keys.push_back(value);
  }
  return keys;
}

Cell summarise_cell(const std::vector<Training>& trainings, const std::string& model, double keep,
                    const std::string& policy) {
  Cell cell{.model = model, .policy = policy, .keep = keep, .test_errors = {}};
  std::vector<double> train_errors;
  for (const auto& training : trainings) {
    if (training.model != model || training.keep != keep || training.policy != policy) continue;
    cell.n_train = training.n_train;
    cell.test_errors.push_back(training.test_error);
    if (training.train_error) train_errors.push_back(*training.train_error);
  }
  cell.mean = mean_of(cell.test_errors);
  cell.standard_error = standard_error_of(cell.test_errors);
  cell.train_mean = mean_of(train_errors);
  return cell;
}

const Cell* find_cell(const std::vector<const Cell*>& cells, const std::string& policy) {
  const auto at = std::find_if(cells.begin(), cells.end(),
                               [&](const Cell* cell) { return cell->policy == policy; });
  return at == cells.end() ? nullptr : *at;
}

/// How sure the gap between two policies is.
struct Gap {
  double points = 0.0;  ///< As a share.
  double ratio = 0.0;   ///< In standard errors of the difference; NaN with a single seed.
  bool clear() const { return ratio > 2.0; }
};

Gap gap_between(const Cell& winner, const Cell& other) {
  const double points = other.mean - winner.mean;
  return {.points = points,
          .ratio = points / std::hypot(winner.standard_error, other.standard_error)};
}

std::string gap_words(const Gap& gap) {
  const std::string by = "by " + format_points(gap.points);
  if (std::isinf(gap.ratio)) return by + ": a clear gap, all seeds agree";
  if (std::isnan(gap.ratio)) {
    return by + "; with a single seed nobody can tell whether that is more than chance";
  }
  return fmt::format("{}, {:.1f} standard errors of the difference: {}", by, gap.ratio,
                     gap.clear() ? "a clear gap" : "not a clear gap");
}

std::string rate(const Cell& cell) { return format_error_rate(cell.mean, cell.standard_error); }

Verdict verdict(std::vector<const Cell*> cells, const Cell* full) {
  std::stable_sort(cells.begin(), cells.end(),
                   [](const Cell* a, const Cell* b) { return a->mean < b->mean; });
  const Cell& winner = *cells.front();
  Verdict text;
  text.brief = fmt::format("at {}, ", format_share(winner.keep));
  text.full = fmt::format("With {} of the examples", format_share(winner.keep));
  if (winner.n_train > 0) text.full += fmt::format(" ({})", format_count(winner.n_train));
  if (cells.size() == 1) {
    text.brief += fmt::format("{} has a test error of {}", winner.policy, rate(winner));
    text.full += fmt::format(", {} has a test error of {}.", winner.policy, rate(winner));
  } else {
    const Cell* random = find_cell(cells, "random");
    const Cell& other = random != nullptr && random != &winner ? *random : *cells[1];
    const Gap gap = gap_between(winner, other);
    text.brief += fmt::format("{} beats {} by {}{}", winner.policy, other.policy,
                              format_points(gap.points), gap.clear() ? "" : " (not a clear gap)");
    text.full += fmt::format(", {} wins: a test error of {}, ahead of {} ({}) {}.", winner.policy,
                             rate(winner), other.policy, rate(other), gap_words(gap));
  }
  if (full != nullptr) {
    const double cost = winner.mean - full->mean;
    text.brief += fmt::format(" and {} {} against all data", cost >= 0.0 ? "costs" : "gains",
                              format_points(cost));
    text.full += fmt::format(" All data gives {}: pruning this way {} {}.", rate(*full),
                             cost >= 0.0 ? "costs" : "gains", format_points(cost));
  }
  return text;
}

}  // namespace

std::vector<Training> read_trainings(const std::filesystem::path& path) {
  const ResultsTable table(path);
  std::vector<Training> trainings(table.size());
  for (std::size_t row = 0; row < table.size(); ++row) {
    Training& training = trainings[row];
    training.model = table.text(row, "model");
    // Benchmarks rank by several metrics: each is a policy of its own.
    const std::string metric = table.text(row, "metric");
    training.policy = (metric.empty() ? "" : metric + " ") + table.text(row, "policy");
    training.keep = table.share(row, "keep");
    training.seed = table.text(row, "seed");
    training.n_train = table.number<std::int64_t>(row, "n_train").value_or(0);
    training.iterations = table.number<std::int64_t>(row, "iterations");
    training.test_error = table.share(row, "test_error");
    training.train_error = table.number<double>(row, "train_error");
  }
  return trainings;
}

std::vector<Cell> summarise(const std::vector<Training>& trainings) {
  const auto models = in_order_of_appearance<std::string>(
      trainings, [](const Training& training) { return training.model; });
  const auto policies = in_order_of_appearance<std::string>(
      trainings, [](const Training& training) { return training.policy; });
  auto keeps = in_order_of_appearance<double>(
      trainings, [](const Training& training) { return training.keep; });
  std::sort(keeps.begin(), keeps.end(), std::greater<>());
  std::vector<Cell> cells;
  for (const auto& model : models) {
    for (const double keep : keeps) {
      for (const auto& policy : policies) {
        Cell cell = summarise_cell(trainings, model, keep, policy);
        if (!cell.test_errors.empty()) cells.push_back(std::move(cell));
      }
    }
  }
  return cells;
}

std::vector<std::string> model_names(const std::vector<Cell>& cells) {
  return in_order_of_appearance<std::string>(cells, [](const Cell& cell) { return cell.model; });
}

std::vector<Verdict> verdicts(const std::vector<Cell>& cells, const std::string& model) {
  const Cell* full = nullptr;
  std::map<double, std::vector<const Cell*>, std::greater<>> by_keep;
  for (const auto& cell : cells) {
    if (cell.model != model) continue;
    if (cell.policy == "full") {
      full = &cell;
    } else {
      by_keep[cell.keep].push_back(&cell);
    }
  }
  std::vector<Verdict> all;
  all.reserve(by_keep.size());
  for (const auto& [keep, group] : by_keep) all.push_back(verdict(group, full));
  return all;
}

}  // namespace winnow::report
