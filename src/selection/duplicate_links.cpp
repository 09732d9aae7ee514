#include "selection/duplicate_links.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "winnow/core/parallel.hpp"
#include "winnow/numerics/kernels.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::selection {

namespace {

constexpr std::int64_t most_rows = 512;
constexpr std::int64_t most_columns = 2048;
constexpr std::int64_t most_bytes = std::int64_t{16} << 20U;  // of gathered rows
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Rows of `d` numbers in a block: `most`, or as many as most_bytes hold.
std::int64_t block_of(std::int64_t d, std::int64_t most) {
  return std::clamp<std::int64_t>(most_bytes / (d * static_cast<std::int64_t>(sizeof(float))), 8,
                                  most);
}

/// Bound on how far a float32 product of unit rows is from numerics::dot(), in any order of
/// additions: d u with u = 2^-24, doubled for lengths and sums beyond 1, and 1e-6, since equal rows
/// are at distance 0 although their product may be as far from 1 as their squared length.
double product_error(std::int64_t d) {
  const double du = static_cast<double>(d) * 0x1p-24;
  return du < 0.25 ? 2.0 * du / (1.0 - du) + 1e-6 : 4.0;
}

/// Nearest place found so far; -1: none nearer than the limit.
struct Nearest {
  std::int64_t place = -1;
  double distance = infinity;
};

/// Places that are compared with each other, ascending: all or some of one cluster.
using Members = std::span<const std::int64_t>;

/// Every member is compared with those before it.
struct Before {
  /// How many of the columns, members [begin, ...), count for member i.
  static std::int64_t columns(std::int64_t i, std::int64_t begin, Members columns,
                              std::span<float> /*products*/) {
    return std::clamp<std::int64_t>(i - begin, 0, static_cast<std::int64_t>(columns.size()));
  }
  static std::int64_t end(std::int64_t last_row, Members /*members*/) { return last_row; }
};

/// Every member is compared with those of other sets.
struct Outside {
  std::span<const std::int64_t> sets;  ///< [n] by place
  std::int64_t own = 0;

  std::int64_t columns(std::int64_t /*i*/, std::int64_t /*begin*/, Members columns,
                       std::span<float> products) const {
    constexpr float never = -std::numeric_limits<float>::infinity();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      products[c] = sets[static_cast<std::size_t>(columns[c])] == own ? never : products[c];
    }
    return static_cast<std::int64_t>(columns.size());
  }
  static std::int64_t end(std::int64_t /*last_row*/, Members members) {
    return static_cast<std::int64_t>(members.size());
  }
};

/// Compares members of a cluster by blocks of products.
class Search {
 public:
  Search(MatrixView<const float> rows, const ClusterOrder& clusters)
      : rows_(rows),
        order_(clusters.order),
        error_(product_error(rows.cols())),
        column_block_(block_of(rows.cols(), most_columns)) {}

  std::int64_t row_block() const { return block_of(rows_.cols(), most_rows); }
  std::span<const float> row(std::int64_t place) const {
    return rows_.row(order_[static_cast<std::size_t>(place)]);
  }

  /// The nearest of each member [begin, begin + found.size()), nearer than `limit`, the first on
  /// ties, among those that `rule_of(place)` allows.
  template <class RuleOf>
  void nearest(Members members, std::int64_t begin, double limit, const RuleOf& rule_of,
               std::span<Nearest> found) const {
    const auto count = static_cast<std::int64_t>(found.size());
    const auto queries = members.subspan(static_cast<std::size_t>(begin), found.size());
    const std::int64_t end = rule_of(queries.front()).end(begin + count, members);
    const Matrix<float> a = gather(queries);
    const std::int64_t width = std::min(column_block_, end);
    auto buffer = Matrix<float>::uninitialized(count, width);
    for (std::int64_t first = 0; first < end; first += column_block_) {
      const auto columns =
          members.subspan(static_cast<std::size_t>(first),
                          static_cast<std::size_t>(std::min(column_block_, end - first)));
      const MatrixView<float> products(buffer.data(), count,
                                       static_cast<std::int64_t>(columns.size()));
      numerics::product(a, numerics::Transpose::no, gather(columns), numerics::Transpose::yes,
                        products);
      for (std::int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const std::int64_t n_columns =
            rule_of(queries[at]).columns(begin + i, first, columns, products.row(i));
        improve(row(queries[at]), columns,
                products.row(i).first(static_cast<std::size_t>(n_columns)), limit, found[at]);
      }
    }
  }

 private:
  Matrix<float> gather(Members places) const {
    auto gathered =
        Matrix<float>::uninitialized(static_cast<std::int64_t>(places.size()), rows_.cols());
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::ranges::copy(row(places[i]), gathered.row(static_cast<std::int64_t>(i)).begin());
    }
    return gathered;
  }

  /// Decides by distances among the columns whose products leave it open.
  void improve(std::span<const float> x, Members columns, std::span<const float> products,
               double limit, Nearest& best) const {
    static constexpr std::array<float, most_columns> zeros{};
    const double below = std::min(limit, best.distance);
    if (products.empty() || below <= 0.0) return;
    const double highest =
        -double{numerics::kernels()
                    .smallest_difference(zeros.data(), products.data(),
                                         static_cast<std::int64_t>(products.size()))
                    .value};
    if (highest == -infinity || highest + error_ < 1.0 - below) return;
    const double least = std::max(highest - 2.0 * error_, 1.0 - below - error_);
    for (std::size_t c = 0; c < products.size(); ++c) {
      if (products[c] < least) continue;
      const double distance = cosine_distance(x, row(columns[c]));
      if (distance < std::min(limit, best.distance)) best = {columns[c], distance};
      if (best.distance <= 0.0) return;
    }
  }

  MatrixView<const float> rows_;
  std::span<const std::int64_t> order_;
  double error_;
  std::int64_t column_block_;
};

/// A block of rows of one cluster.
struct Task {
  std::int64_t cluster_begin = 0;  ///< positions in the list of places
  std::int64_t cluster_end = 0;
  std::int64_t begin = 0;
  std::int64_t count = 0;
};

/// Blocks of all clusters that have two places or more. `places` ascend; clusters by `starts`.
std::vector<Task> tasks_of(std::span<const std::int64_t> places, const ClusterOrder& clusters,
                           std::int64_t row_block) {
  std::vector<Task> tasks;
  std::int64_t begin = 0;
  const auto n = static_cast<std::int64_t>(places.size());
  while (begin < n) {
    const auto after = std::upper_bound(clusters.starts.begin(), clusters.starts.end(),
                                        places[static_cast<std::size_t>(begin)]);
    const auto end =
        std::lower_bound(places.begin() + begin, places.end(), *after) - places.begin();
    for (std::int64_t row = begin; row < end && end - begin > 1; row += row_block) {
      tasks.push_back({begin, end, row, std::min(row_block, end - row)});
    }
    begin = end;
  }
  return tasks;
}

/// [places] nearest of each, as Search::nearest().
template <class RuleOf>
std::vector<Nearest> nearest_of(const Search& search, std::span<const std::int64_t> places,
                                const ClusterOrder& clusters, double limit, const RuleOf& rule_of,
                                Progress& progress) {
  std::vector<Nearest> found(places.size());
  const std::vector<Task> tasks = tasks_of(places, clusters, search.row_block());
  parallel_blocks(static_cast<std::int64_t>(tasks.size()), progress, [&](std::int64_t t) {
    const Task& task = tasks[static_cast<std::size_t>(t)];
    const auto members =
        places.subspan(static_cast<std::size_t>(task.cluster_begin),
                       static_cast<std::size_t>(task.cluster_end - task.cluster_begin));
    search.nearest(members, task.begin - task.cluster_begin, limit, rule_of,
                   std::span(found).subspan(static_cast<std::size_t>(task.begin),
                                            static_cast<std::size_t>(task.count)));
    progress.advance(task.count);
  });
  return found;
}

std::vector<std::int64_t> all_places(const ClusterOrder& clusters) {
  std::vector<std::int64_t> places(clusters.order.size());
  std::iota(places.begin(), places.end(), std::int64_t{0});
  return places;
}

/// The shortest link that leaves each set, found from the nearest of its places; empty entries have
/// from = to. Ties go to the first place.
std::vector<Link> shortest_of_sets(std::span<const std::int64_t> places,
                                   std::span<const Nearest> found,
                                   std::span<const std::int64_t> sets) {
  std::vector<Link> shortest(sets.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (found[i].place < 0) continue;
    Link& link = shortest[static_cast<std::size_t>(sets[static_cast<std::size_t>(places[i])])];
    if (link.from == link.to || found[i].distance < link.distance) {
      link = {places[i], found[i].place, found[i].distance};
    }
  }
  return shortest;
}

/// What links must be shorter than to be among the `count` shortest or tie with the last of them.
double limit_of(std::vector<Link> links, std::int64_t count, double limit) {
  if (static_cast<std::int64_t>(links.size()) < count) return limit;
  const auto last = links.begin() + (count - 1);
  std::nth_element(links.begin(), last, links.end(),
                   [](const Link& a, const Link& b) { return a.distance < b.distance; });
  return std::min(limit, std::nextafter(last->distance, infinity));
}

}  // namespace

double cosine_distance(std::span<const float> x, std::span<const float> y) {
  const double distance = std::clamp(1.0 - numerics::dot(x, y), 0x1p-53, 2.0);
  return distance < 1e-5 && std::ranges::equal(x, y) ? 0.0 : distance;
}

PlaceSets::PlaceSets(std::int64_t n) : parents_(static_cast<std::size_t>(n)) {
  std::iota(parents_.begin(), parents_.end(), std::int64_t{0});
}

std::int64_t PlaceSets::first(std::int64_t place) {
  auto at = static_cast<std::size_t>(place);
  while (parents_[at] != static_cast<std::int64_t>(at)) {
    parents_[at] = parents_[static_cast<std::size_t>(parents_[at])];
    at = static_cast<std::size_t>(parents_[at]);
  }
  return static_cast<std::int64_t>(at);
}

bool PlaceSets::join(std::int64_t a, std::int64_t b) {
  a = first(a);
  b = first(b);
  if (a == b) return false;
  parents_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
  return true;
}

Links ordered_links(MatrixView<const float> rows, const ClusterOrder& clusters, double limit,
                    Progress& progress) {
  const std::vector<std::int64_t> places = all_places(clusters);
  progress.stage("compare", static_cast<std::int64_t>(places.size()), "rows");
  const auto found = nearest_of(
      Search(rows, clusters), places, clusters, limit, [](std::int64_t) { return Before{}; },
      progress);
  Links result{.links = {}, .rounds = 1, .compared_rows = static_cast<std::int64_t>(places.size())};
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (found[i].place >= 0) {
      result.links.push_back({places[i], found[i].place, found[i].distance});
    }
  }
  return result;
}

Links spanning_links(MatrixView<const float> rows, const ClusterOrder& clusters, double limit,
                     std::int64_t count, Progress& progress) {
  const Search search(rows, clusters);
  std::vector<std::int64_t> places = all_places(clusters);
  const auto n = static_cast<std::int64_t>(places.size());
  std::vector<std::int64_t> sets = places;  // [n] first place of each place's set
  PlaceSets joined(n);
  Links result;
  while (count > 0 && !places.empty()) {
    progress.stage("compare", static_cast<std::int64_t>(places.size()), "rows");
    const auto rule_of = [&sets](std::int64_t place) {
      return Outside{sets, sets[static_cast<std::size_t>(place)]};
    };
    const auto found = nearest_of(search, places, clusters, limit, rule_of, progress);
    ++result.rounds;
    result.compared_rows += static_cast<std::int64_t>(places.size());
    for (const Link& link : shortest_of_sets(places, found, sets)) {
      if (link.from != link.to && joined.join(link.from, link.to)) result.links.push_back(link);
    }
    limit = limit_of(result.links, count, limit);
    // Who has nobody within the limit now has nobody later, when sets are larger, and is nobody's.
    std::vector<std::int64_t> left;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (found[i].distance < limit) left.push_back(places[i]);
    }
    places = std::move(left);
    for (std::int64_t place = 0; place < n; ++place) {
      sets[static_cast<std::size_t>(place)] = joined.first(place);
    }
  }
  return result;
}

}  // namespace winnow::selection
