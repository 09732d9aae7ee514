#include "winnow/selection/d2.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>

#include "selection/policies.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/numerics/neighbours.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::selection {

namespace {

/// An undirected graph: the neighbours of i are ends[begins[i]] to ends[begins[i + 1] - 1], by id.
struct Graph {
  std::vector<std::int64_t> begins;  // [n + 1]
  std::vector<std::int64_t> ends;    // [edges, each from both sides]
  std::vector<double> squared;       // their squared distances

  std::int64_t n() const { return static_cast<std::int64_t>(begins.size()) - 1; }
};

/// Joins every row with its nearest others, whichever of the two found the other.
Graph join(const Matrix<std::int64_t>& nearest) {
  Graph graph;
  graph.begins.resize(static_cast<std::size_t>(nearest.rows()) + 1);
  const auto finds = [&](std::int64_t i, std::int64_t j) {
    const auto row = nearest.row(i);
    return std::find(row.begin(), row.end(), j) != row.end();
  };
  const auto each_edge = [&](const auto& visit) {
    for (std::int64_t i = 0; i < nearest.rows(); ++i) {
      for (const std::int64_t j : nearest.row(i)) {
        visit(i, j);
        if (!finds(j, i)) visit(j, i);
      }
    }
  };
  each_edge([&](std::int64_t i, std::int64_t /*j*/) { ++graph.begins[i + 1]; });
  std::partial_sum(graph.begins.begin(), graph.begins.end(), graph.begins.begin());
  graph.ends.resize(static_cast<std::size_t>(graph.begins.back()));
  std::vector<std::int64_t> next(graph.begins.begin(), graph.begins.end() - 1);
  each_edge([&](std::int64_t i, std::int64_t j) { graph.ends[next[i]++] = j; });
  return graph;
}

/// Calls work(first, last) for pieces of [0, n).
template <class Work>
void in_pieces(std::int64_t n, Progress& progress, const Work& work) {
  constexpr std::int64_t size = 4096;
  parallel_blocks((n + size - 1) / size, progress,
                  [&](std::int64_t piece) { work(piece * size, std::min(n, (piece + 1) * size)); });
}

void check_directions(MatrixView<const float> embeddings) {
  const std::vector<double> norms = numerics::row_norms(embeddings);
  const auto zero = std::find(norms.begin(), norms.end(), 0.0);
  if (zero == norms.end()) return;
  throw InvalidArgument(
      fmt::format("embeddings: row {} has norm 0; expected a direction, which nearness by cosine "
                  "needs; embed that example again or leave it out of the dataset",
                  zero - norms.begin()));
}

Graph neighbour_graph(MatrixView<const float> embeddings, std::int64_t neighbours,
                      Progress& progress) {
  const Matrix<float> rows = numerics::normalize_rows(embeddings);
  std::vector<std::int64_t> own(static_cast<std::size_t>(rows.rows()));
  std::iota(own.begin(), own.end(), std::int64_t{0});
  progress.stage("neighbours", rows.rows(), "examples");
  Graph graph =
      join(numerics::nearest_neighbours(rows, rows, {.k = neighbours}, progress, own).index);
  graph.squared.resize(graph.ends.size());
  in_pieces(graph.n(), progress, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      std::sort(graph.ends.begin() + graph.begins[i], graph.ends.begin() + graph.begins[i + 1]);
      for (std::int64_t edge = graph.begins[i]; edge < graph.begins[i + 1]; ++edge) {
        graph.squared[edge] = numerics::squared_distance(rows.row(i), rows.row(graph.ends[edge]));
      }
    }
  });
  progress.done(fmt::format("{} pairs", graph.ends.size() / 2));
  return graph;
}

/// Scores from zero on. They are brought near one by a power of two, which changes no order and
/// leaves room for sums.
std::vector<double> difficulties(std::span<const double> scores) {
  const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
  const double largest = std::max(std::abs(*low), std::abs(*high));
  const int exponent = largest > 0.0 ? std::ilogb(largest) : 0;
  const double zero = std::ldexp(std::min(0.0, *low), -exponent);
  std::vector<double> values;
  values.reserve(scores.size());
  for (const double score : scores) values.push_back(std::ldexp(score, -exponent) - zero);
  return values;
}

/// Difficulty with what the neighbours lend.
std::vector<double> gather(const std::vector<double>& own, const Graph& graph, double gamma,
                           Progress& progress) {
  std::vector<double> values = own;
  in_pieces(graph.n(), progress, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      for (std::int64_t edge = graph.begins[i]; edge < graph.begins[i + 1]; ++edge) {
        values[i] += std::exp(-gamma * graph.squared[edge]) * own[graph.ends[edge]];
      }
    }
  });
  return values;
}

/// Takes the largest value, lowers its neighbours', and again until none is left.
///
/// The heap may hold values that a choice has lowered since: such an entry is put back with what it
/// is worth when it comes up. A value that rises, since the choice was below zero, gets a new
/// entry. So every example left has an entry of at least its value, and the first entry that is up
/// to date is the largest.
std::vector<std::int64_t> take_in_turn(std::vector<double> values, const Graph& graph, double gamma,
                                       Progress& progress) {
  struct Entry {
    double value;
    std::int64_t id;
    bool operator<(const Entry& other) const {
      return value != other.value ? value < other.value : id > other.id;
    }
  };
  std::vector<Entry> entries;
  entries.reserve(values.size());
  for (std::int64_t id = 0; id < graph.n(); ++id) entries.push_back({values[id], id});
  std::priority_queue<Entry, std::vector<Entry>, std::less<>> heap(std::less<>(),
                                                                   std::move(entries));
  std::vector<bool> taken(values.size());
  std::vector<std::int64_t> order;
  order.reserve(values.size());
  while (!heap.empty()) {
    const Entry top = heap.top();
    heap.pop();
    if (taken[top.id]) continue;
    if (values[top.id] < top.value) {
      heap.push({values[top.id], top.id});
      continue;
    }
    taken[top.id] = true;
    order.push_back(top.id);
    for (std::int64_t edge = graph.begins[top.id]; edge < graph.begins[top.id + 1]; ++edge) {
      const std::int64_t other = graph.ends[edge];
      if (taken[other]) continue;
      values[other] -= std::exp(-gamma * graph.squared[edge]) * top.value;
      if (top.value < 0.0) heap.push({values[other], other});
    }
    constexpr std::size_t report_every = 4096;
    if (order.size() % report_every == 0) {
      progress.throw_if_cancelled();
      progress.advance(report_every);
    }
  }
  return order;
}

}  // namespace

std::vector<std::int64_t> d2_order(std::span<const double> scores,
                                   MatrixView<const float> embeddings, const D2Options& options,
                                   Progress& progress) {
  options.validate();
  const auto n = static_cast<std::int64_t>(scores.size());
  io::require_same_length(n, "scores", embeddings.rows(), "embeddings");
  if (options.neighbours >= n) {
    throw InvalidArgument(
        fmt::format("neighbours = {}; expected a value in [1, {}], the other examples",
                    options.neighbours, n - 1));
  }
  const std::int64_t bad =
      first_where(n, progress, [&](std::int64_t id) { return !std::isfinite(scores[id]); });
  if (bad < n) {
    throw NonFiniteInput(
        fmt::format("scores: row {} is {}; expected finite values", bad, scores[bad]));
  }
  require_finite(embeddings, "embeddings", progress);
  check_directions(embeddings);
  const Graph graph = neighbour_graph(embeddings, options.neighbours, progress);
  progress.stage("messages", n, "examples");
  auto values = gather(difficulties(scores), graph, options.forward_gamma, progress);
  auto order = take_in_turn(std::move(values), graph, options.reverse_gamma, progress);
  progress.done(fmt::format("{} neighbours each", options.neighbours));
  return order;
}

Ranking rank_d2(const Examples& examples, const SelectOptions& options, Progress& progress) {
  const auto order = d2_order(examples.scores, examples.embeddings, options.d2, progress);
  Ranking ranking;
  ranking.keys.n = static_cast<std::int64_t>(order.size());
  ranking.keys.values = std::make_unique_for_overwrite<std::uint64_t[]>(order.size());
  for (std::size_t place = 0; place < order.size(); ++place) {
    ranking.keys.values[order[place]] = place;
  }
  ranking.keys.max = order.size() - 1;
  return ranking;
}

}  // namespace winnow::selection
