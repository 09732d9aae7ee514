#include "winnow/selection/dedup.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::selection {
namespace {

using winnow::testing::expect_error;
using winnow::testing::matrix_of;
using winnow::testing::normal_matrix;
using winnow::testing::StoppingProgress;
using winnow::testing::Threads;

/// Rows, their clusters and distances to centroids.
struct Problem {
  Matrix<float> rows;
  std::vector<std::int32_t> assignment;
  std::vector<double> distance;

  std::int64_t n() const { return rows.rows(); }
  Dedup run(const DedupOptions& options) const {
    return deduplicate(rows, assignment, distance, options);
  }
};

/// Unit rows in groups: copies, and copies moved by noises of many sizes, in random order.
Problem random_problem(std::int64_t n, std::int64_t d, std::int32_t clusters, std::uint64_t seed) {
  RandomStream random(Seed{seed}, "dedup-test");
  Matrix<float> rows = normal_matrix(n, d, seed);
  for (std::int64_t i = 1; i < n; ++i) {
    if (random.uniform() < 0.4) continue;
    const auto of = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(i)));
    const double noise = random.uniform() < 0.3 ? 0.0 : std::pow(10.0, -6.0 * random.uniform());
    for (std::int64_t c = 0; c < d; ++c) {
      rows(i, c) = rows(of, c) + static_cast<float>(noise * random.normal());
    }
  }
  Problem problem{numerics::normalize_rows(rows), {}, {}};
  for (std::int64_t i = 0; i < n; ++i) {
    problem.assignment.push_back(
        static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(clusters))));
    // Few values, so that ids break ties.
    problem.distance.push_back(0.125 * static_cast<double>(random.below(8)));
  }
  return problem;
}

/// The definition, for every pair of a cluster.
double reference_distance(std::span<const float> x, std::span<const float> y) {
  if (std::ranges::equal(x, y)) return 0.0;
  return std::clamp(1.0 - numerics::dot(x, y), std::pow(2.0, -53.0), 2.0);
}

/// By brute force: [n] who stays of each example's group, itself where it stays.
std::vector<std::int64_t> reference_kept(const Problem& problem, const DedupOptions& options) {
  const bool farthest = options.representative == Representative::farthest;
  const auto before = [&](std::int64_t a, std::int64_t b) {
    const double at_a = problem.distance[static_cast<std::size_t>(a)];
    const double at_b = problem.distance[static_cast<std::size_t>(b)];
    if (at_a != at_b) return farthest ? at_a > at_b : at_a < at_b;
    return a < b;
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(problem.n()));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::ranges::sort(order, before);
  std::vector<std::int64_t> kept(order.size());
  std::iota(kept.begin(), kept.end(), std::int64_t{0});
  const auto cluster = [&](std::int64_t i) {
    return problem.assignment[static_cast<std::size_t>(i)];
  };
  const auto distance = [&](std::int64_t a, std::int64_t b) {
    return reference_distance(problem.rows.row(a), problem.rows.row(b));
  };
  if (options.grouping == Grouping::ordered) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      double least = options.epsilon;
      for (std::size_t i = 0; i < j; ++i) {
        if (cluster(order[i]) != cluster(order[j])) continue;
        const double length = distance(order[i], order[j]);
        if (length >= least) continue;
        least = length;
        kept[static_cast<std::size_t>(order[j])] = kept[static_cast<std::size_t>(order[i])];
      }
    }
    return kept;
  }
  for (bool changed = true; changed;) {  // the first in order spreads along the pairs
    changed = false;
    for (std::int64_t a = 0; a < problem.n(); ++a) {
      for (std::int64_t b = 0; b < problem.n(); ++b) {
        auto& of_a = kept[static_cast<std::size_t>(a)];
        const auto of_b = kept[static_cast<std::size_t>(b)];
        if (cluster(a) != cluster(b) || !before(of_b, of_a)) continue;
        if (distance(a, b) >= options.epsilon) continue;
        of_a = of_b;
        changed = true;
      }
    }
  }
  return kept;
}

std::vector<std::int64_t> kept_of(const Dedup& dedup, std::int64_t n) {
  std::vector<std::int64_t> kept(static_cast<std::size_t>(n), -1);
  for (const auto id : dedup.ids) kept[static_cast<std::size_t>(id)] = id;
  for (const auto& duplicate : dedup.dropped) {
    EXPECT_EQ(kept[static_cast<std::size_t>(duplicate.id)], -1) << "kept and dropped";
    kept[static_cast<std::size_t>(duplicate.id)] = duplicate.kept;
  }
  return kept;
}

/// What must hold of any result.
void check_sound(const Problem& problem, const DedupOptions& options, const Dedup& dedup) {
  EXPECT_TRUE(std::ranges::is_sorted(dedup.ids));
  EXPECT_EQ(dedup.ids.size() + dedup.dropped.size(), static_cast<std::size_t>(problem.n()));
  std::map<std::int64_t, std::int64_t> sizes;
  for (const auto& duplicate : dedup.dropped) {
    EXPECT_TRUE(std::ranges::binary_search(dedup.ids, duplicate.kept));
    EXPECT_LT(1.0 - duplicate.similarity, options.epsilon);
    EXPECT_NEAR(
        duplicate.similarity,
        1.0 - reference_distance(problem.rows.row(duplicate.id), problem.rows.row(duplicate.match)),
        1e-15);
    EXPECT_NEAR(
        duplicate.similarity_to_kept,
        1.0 - reference_distance(problem.rows.row(duplicate.id), problem.rows.row(duplicate.kept)),
        1e-15);
    ++sizes[duplicate.kept];
  }
  EXPECT_EQ(dedup.groups, static_cast<std::int64_t>(sizes.size()));
  std::int64_t largest = 1;
  for (const auto& [kept, dropped] : sizes) largest = std::max(largest, dropped + 1);
  EXPECT_EQ(dedup.largest_group, largest);
}

std::vector<DedupOptions> every_kind(double epsilon) {
  std::vector<DedupOptions> kinds;
  for (const auto grouping : {Grouping::ordered, Grouping::transitive}) {
    for (const auto representative : {Representative::farthest, Representative::nearest}) {
      kinds.push_back({.epsilon = epsilon, .grouping = grouping, .representative = representative});
    }
  }
  return kinds;
}

TEST(Dedup, IsTheDefinition) {
  std::uint64_t seed = 0;
  for (const std::int64_t n : {1, 2, 7, 60, 140}) {
    for (const std::int64_t d : {1, 3, 33}) {
      for (const double epsilon : {0.0, 1e-16, 1e-9, 1e-4, 0.01, 0.3, 1.1, 2.0}) {
        const Problem problem = random_problem(n, d, 1 + static_cast<std::int32_t>(seed % 4), seed);
        ++seed;
        for (const auto& options : every_kind(epsilon)) {
          const Dedup dedup = problem.run(options);
          EXPECT_EQ(kept_of(dedup, n), reference_kept(problem, options))
              << n << " x " << d << ", epsilon " << epsilon << ", " << enum_name(options.grouping)
              << ", " << enum_name(options.representative);
          EXPECT_EQ(dedup.epsilon, epsilon);
          check_sound(problem, options, dedup);
        }
      }
    }
  }
}

/// A cluster of several blocks of rows and columns.
TEST(Dedup, AClusterLargerThanABlock) {
  const Problem problem = random_problem(2700, 16, 1, 5);
  for (const auto& options : every_kind(0.02)) {
    const Dedup dedup = problem.run(options);
    EXPECT_GT(dedup.groups, 100);
    check_sound(problem, options, dedup);
    if (options.grouping == Grouping::ordered) {
      EXPECT_EQ(kept_of(dedup, problem.n()), reference_kept(problem, options));
    }
  }
}

TEST(Dedup, TransitiveGroupsOfALargeClusterAreComponents) {
  const Problem problem = random_problem(2700, 16, 1, 5);
  const DedupOptions options{.epsilon = 0.02, .grouping = Grouping::transitive};
  const auto kept = kept_of(problem.run(options), problem.n());
  std::set<std::int64_t> joined;
  for (std::int64_t a = 0; a < problem.n(); ++a) {
    for (std::int64_t b = 0; b < a; ++b) {
      const bool near =
          reference_distance(problem.rows.row(a), problem.rows.row(b)) < options.epsilon;
      // Near pairs are together; that groups are connected is what match tells, in check_sound().
      if (near) {
        ASSERT_EQ(kept[static_cast<std::size_t>(a)], kept[static_cast<std::size_t>(b)]);
        joined.insert(a);
      }
    }
  }
  EXPECT_GT(joined.size(), 500U);
}

TEST(Dedup, SameForAnyThreadsAndInstructionSet) {
  const Problem problem = random_problem(1500, 40, 3, 11);
  const Isa before = numerics::isa();
  for (const auto& options : every_kind(0.05)) {
    std::vector<Dedup> results;
    for (const int threads : {1, 4}) {
      const Threads used(threads);
      results.push_back(problem.run(options));
    }
    numerics::set_isa(Isa::scalar);
    results.push_back(problem.run(options));
    numerics::set_isa(before);
    for (const Dedup& other : results) {
      EXPECT_EQ(other.ids, results[0].ids);
      ASSERT_EQ(other.dropped.size(), results[0].dropped.size());
      for (std::size_t i = 0; i < other.dropped.size(); ++i) {
        EXPECT_EQ(other.dropped[i].id, results[0].dropped[i].id);
        EXPECT_EQ(other.dropped[i].kept, results[0].dropped[i].kept);
        EXPECT_EQ(other.dropped[i].match, results[0].dropped[i].match);
        EXPECT_EQ(other.dropped[i].similarity, results[0].dropped[i].similarity);
      }
    }
  }
}

/// Pairs whose distances lie within the rounding of float32 products around epsilon.
TEST(Dedup, DistancesInDoubleDecideNearEpsilon) {
  constexpr std::int64_t n = 400;
  constexpr double epsilon = 0.01;
  Matrix<float> rows(2 * n, 300);
  const Matrix<float> noise = numerics::normalize_rows(normal_matrix(2 * n, 300, 3));
  for (std::int64_t i = 0; i < n; ++i) {
    // |x - y|^2 = 2 epsilon up to a few 1e-8, on either side.
    const double offset = static_cast<double>(i) - 0.5 * static_cast<double>(n);
    const double angle = std::acos(1.0 - epsilon * (1.0 + 1e-6 * offset));
    const auto x = noise.row(2 * i);
    const auto z = noise.row(2 * i + 1);
    const double along = numerics::dot(x, z);
    const double across = std::sqrt(1.0 - along * along);
    for (std::int64_t c = 0; c < 300; ++c) {
      const double other = (static_cast<double>(z[static_cast<std::size_t>(c)]) -
                            along * static_cast<double>(x[static_cast<std::size_t>(c)])) /
                           across;
      rows(2 * i, c) = x[static_cast<std::size_t>(c)];
      rows(2 * i + 1, c) =
          static_cast<float>(std::cos(angle) * static_cast<double>(x[static_cast<std::size_t>(c)]) +
                             std::sin(angle) * other);
    }
  }
  Problem problem{numerics::normalize_rows(rows), std::vector<std::int32_t>(2 * n, 0),
                  std::vector<double>(2 * n, 0.5)};
  for (const auto& options : every_kind(epsilon)) {
    const Dedup dedup = problem.run(options);
    EXPECT_EQ(kept_of(dedup, 2 * n), reference_kept(problem, options));
    EXPECT_GT(dedup.groups, n / 4);
    EXPECT_LT(dedup.groups, 3 * n / 4);
  }
}

TEST(Dedup, KeepFindsTheEpsilonOfThatFraction) {
  const Problem problem = random_problem(300, 12, 3, 21);
  for (const double keep : {1.0, 0.95, 0.6, 0.4, 0.1}) {
    for (auto options : every_kind(0.0)) {
      options.keep = keep;
      const Dedup found = problem.run(options);
      // The same as epsilon.
      auto again = options;
      again.keep.reset();
      again.epsilon = found.epsilon;
      EXPECT_EQ(problem.run(again).ids, found.ids) << keep;
      // No other epsilon comes nearer: all that differ lie between the distances of pairs.
      const auto wanted = static_cast<std::int64_t>(std::floor(300 * keep + 0.5));
      const auto miss = [&](const Dedup& dedup) {
        return std::abs(static_cast<std::int64_t>(dedup.ids.size()) - wanted);
      };
      for (const double factor : {0.0, 0.5, 0.9, 0.999, 1.001, 1.1, 2.0, 10.0}) {
        again.epsilon = std::min(2.0, factor * found.epsilon);
        EXPECT_GE(miss(problem.run(again)), miss(found)) << keep << ", factor " << factor;
      }
    }
  }
}

TEST(Dedup, KeepIsExactWhereDistancesDiffer) {
  const Problem problem{numerics::normalize_rows(normal_matrix(200, 10, 1)),
                        std::vector<std::int32_t>(200, 0), std::vector<double>(200, 0.0)};
  for (auto options : every_kind(0.0)) {
    for (const std::int64_t kept : {200, 199, 150, 77, 2, 1}) {
      options.keep = static_cast<double>(kept) / 200.0;
      EXPECT_EQ(static_cast<std::int64_t>(problem.run(options).ids.size()), kept);
    }
  }
}

/// Five on an arc, 0.1 apart: near-duplicates are neighbours only.
TEST(Dedup, ChainsByHand) {
  std::vector<float> values;
  for (int i = 0; i < 5; ++i) {
    values.push_back(static_cast<float>(std::cos(0.1 * i)));
    values.push_back(static_cast<float>(std::sin(0.1 * i)));
  }
  const Problem problem{numerics::normalize_rows(matrix_of(5, 2, values)),
                        {0, 0, 0, 0, 0},
                        {0.1, 0.5, 0.2, 0.4, 0.3}};
  const double epsilon = 1.0 - std::cos(0.15);
  // Order, farthest first: 1 3 4 2 0. 4 goes by 3, 2 by 1 or 3, 0 by 1.
  const Dedup ordered = problem.run({.epsilon = epsilon});
  EXPECT_EQ(ordered.ids, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(ordered.groups, 2);
  const Dedup transitive = problem.run({.epsilon = epsilon, .grouping = Grouping::transitive});
  EXPECT_EQ(transitive.ids, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(transitive.largest_group, 5);
  EXPECT_NEAR(transitive.dropped.back().similarity_to_kept, std::cos(0.3), 1e-6);
  EXPECT_EQ(transitive.dropped.back().match, 3);
  // Nearest first: 0 2 4 3 1. 3 goes by 2 or 4, 1 by 0 or 2.
  const Dedup nearest =
      problem.run({.epsilon = epsilon, .representative = Representative::nearest});
  EXPECT_EQ(nearest.ids, (std::vector<std::int64_t>{0, 2, 4}));
  // The paper's order drops 2 by 1 even when 1 goes itself.
  const Problem chain{problem.rows, problem.assignment, {0.5, 0.4, 0.3, 0.2, 0.1}};
  EXPECT_EQ(chain.run({.epsilon = epsilon}).ids, (std::vector<std::int64_t>{0}));
  // In another cluster 1 is nobody's duplicate.
  const Problem apart{problem.rows, {0, 7, 0, 0, 0}, problem.distance};
  EXPECT_EQ(apart.run({.epsilon = epsilon}).ids, (std::vector<std::int64_t>{0, 1, 3}));
}

TEST(Dedup, EqualRowsAreAtDistanceZero) {
  const Matrix<float> one = numerics::normalize_rows(normal_matrix(1, 700, 9));
  Matrix<float> rows(3000, 700);
  for (std::int64_t i = 0; i < rows.rows(); ++i) std::ranges::copy(one.row(0), rows.row(i).begin());
  const Problem problem{std::move(rows), std::vector<std::int32_t>(3000, 2),
                        std::vector<double>(3000, 0.0)};
  for (auto options : every_kind(1e-300)) {
    const Dedup dedup = problem.run(options);
    EXPECT_EQ(dedup.ids, (std::vector<std::int64_t>{0}));
    EXPECT_EQ(dedup.equal_rows, 2999);
    EXPECT_EQ(dedup.dropped[0].similarity, 1.0);
    options.epsilon = 0.0;
    EXPECT_EQ(problem.run(options).ids.size(), 3000U);
    options.keep = 0.4;  // they go together or not at all: 1 of 3000 is nearer to 1200 than 3000
    EXPECT_EQ(problem.run(options).ids.size(), 1U);
    options.keep = 0.6;
    EXPECT_EQ(problem.run(options).ids.size(), 3000U);
  }
}

TEST(Dedup, OneRow) {
  const Problem problem{matrix_of(1, 1, {-1.0F}), {0}, {0.0}};
  for (auto options : every_kind(2.0)) {
    EXPECT_EQ(problem.run(options).ids, (std::vector<std::int64_t>{0}));
    options.keep = 0.01;
    EXPECT_EQ(problem.run(options).ids, (std::vector<std::int64_t>{0}));
  }
}

TEST(Dedup, RefusesWhatItCannotCompare) {
  Problem problem = random_problem(10, 4, 2, 3);
  const auto refuse = [&](const DedupOptions& options, const std::vector<std::string>& parts) {
    expect_error<InvalidArgument>([&] { problem.run(options); }, parts);
  };
  refuse({.epsilon = -0.1}, {"epsilon = -0.1", "[0, 2]"});
  refuse({.epsilon = 2.5}, {"epsilon = 2.5"});
  refuse({.keep = 0.0}, {"keep = 0", "(0, 1]"});
  refuse({.keep = 1.5}, {"keep = 1.5"});
  problem.assignment[3] = -1;
  refuse({}, {"row 3", "cluster -1"});
  problem.assignment.pop_back();
  refuse({}, {"rows [10, 4], 9 clusters and 10 distances"});
  problem.assignment.assign(10, 0);
  for (float& value : problem.rows.row(6)) value *= 1.001F;
  refuse({}, {"row 6", "normalize_rows"});
  problem.distance[2] = std::numeric_limits<double>::quiet_NaN();
  expect_error<NonFiniteInput>([&] { problem.run({}); }, {"row 2", "finite"});
}

TEST(Dedup, CanBeInterrupted) {
  const Problem problem = random_problem(3000, 8, 1, 2);
  for (const auto& options : every_kind(0.1)) {
    StoppingProgress progress(600);
    EXPECT_THROW(deduplicate(problem.rows, problem.assignment, problem.distance, options, progress),
                 Interrupted);
    EXPECT_LT(progress.count(), 3000);
  }
}

}  // namespace
}  // namespace winnow::selection
