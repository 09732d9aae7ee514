#include "winnow/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "winnow/core/hash.hpp"

namespace winnow {
namespace {

/// The two generators as their papers print them, on plain integers.
struct Reference {
  std::array<std::uint64_t, 4> s{};

  static std::uint64_t rotate_left(std::uint64_t x, unsigned k) {
    return (x << k) | (x >> (64U - k));
  }
  static std::uint64_t splitmix(std::uint64_t& x) {
    x += 0x9e3779b97f4a7c15U;
    std::uint64_t z = x;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  std::uint64_t next() {
    const std::uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    const std::uint64_t t = s[1] << 17U;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
  }
};

/// Chi-square statistic of equally likely counts.
double chi_square(const std::vector<int>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0.0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

TEST(RandomStream, ReferenceGivesThePublishedNumbers) {
  Reference xoshiro{{1, 2, 3, 4}};
  for (const std::uint64_t value : {41943041ULL, 58720359ULL, 3588806011781223ULL,
                                    3591011842654386ULL, 9228616714210784205ULL}) {
    EXPECT_EQ(xoshiro.next(), value);
  }
  std::uint64_t state = 1234567;
  for (const std::uint64_t value : {6457827717110365317ULL, 3203168211198807973ULL,
                                    9817491932198370423ULL, 4593380528125082431ULL}) {
    EXPECT_EQ(Reference::splitmix(state), value);
  }
}

TEST(RandomStream, IsXoshiroFilledBySplitMixFromTheHashOfItsKey) {
  Hasher hasher;
  hasher.add_value(std::uint64_t{17});
  hasher.add_value(std::uint64_t{6});
  hasher.add("winnow");
  hasher.add_value(std::uint64_t{3});
  std::uint64_t state = hasher.digest();
  Reference reference;
  for (auto& word : reference.s) word = Reference::splitmix(state);
  RandomStream stream(Seed{17}, "winnow", 3);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(stream.next(), reference.next());
}

TEST(RandomStream, NumbersNeverChange) {
  // Recorded once: artifacts of earlier versions must stay reproducible.
  RandomStream stream(Seed{0}, "test");
  EXPECT_EQ(stream.next(), 6015738728049845332ULL);
  EXPECT_EQ(stream.next(), 2588501667993518886ULL);
}

TEST(RandomStream, SeedPurposeAndIndexTellStreamsApart) {
  std::set<std::uint64_t> firsts;
  std::size_t streams = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    for (const char* purpose : {"", "a", "ab", "b"}) {
      for (std::uint64_t index = 0; index < 5; ++index) {
        firsts.insert(RandomStream(Seed{seed}, purpose, index).next());
        ++streams;
      }
    }
  }
  EXPECT_EQ(firsts.size(), streams);
  EXPECT_EQ(RandomStream(Seed{1}, "a", 2).next(), RandomStream(Seed{1}, "a", 2).next());
}

TEST(RandomStream, UniformFillsTheUnitInterval) {
  RandomStream stream(Seed{1}, "uniform");
  std::vector<int> counts(64);
  for (int i = 0; i < 100'000; ++i) {
    const double value = stream.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    // 53 bits: a multiple of 2^-53.
    ASSERT_EQ(std::ldexp(value, 53), std::floor(std::ldexp(value, 53)));
    ++counts[static_cast<std::size_t>(value * 64)];
  }
  EXPECT_LT(chi_square(counts), 113.6);  // 99.99 % point with 63 degrees of freedom
}

TEST(RandomStream, BelowStaysBelowAndFavoursNothing) {
  RandomStream stream(Seed{2}, "below");
  for (const std::uint64_t bound :
       {1ULL, 2ULL, 3ULL, 10ULL, 1ULL << 63U, (1ULL << 63U) + 1, ~0ULL}) {
    for (int i = 0; i < 1000; ++i) ASSERT_LT(stream.below(bound), bound);
  }
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[stream.below(7)];
  EXPECT_LT(chi_square(counts), 27.9);  // 6 degrees of freedom
}

TEST(RandomStream, BelowIsUnbiasedForBoundsThatDoNotDivide) {
  // Of 2^64 numbers, bound 3 * 2^62 gets without rejection one in three twice as often.
  constexpr std::uint64_t third = 1ULL << 62U;
  RandomStream stream(Seed{3}, "below");
  std::vector<int> counts(3);
  for (int i = 0; i < 30'000; ++i) ++counts[stream.below(3 * third) / third];
  EXPECT_LT(chi_square(counts), 18.4);  // 2 degrees of freedom
  std::vector<int> remainders(3);
  for (int i = 0; i < 30'000; ++i) ++remainders[stream.below(3 * third) % 3];
  EXPECT_LT(chi_square(remainders), 18.4);
}

TEST(RandomStream, NormalHasTheMomentsOfANormal) {
  RandomStream stream(Seed{4}, "normal");
  constexpr int n = 100'000;
  double sum = 0.0;
  double squares = 0.0;
  double fourths = 0.0;
  int within = 0;
  for (int i = 0; i < n; ++i) {
    const double z = stream.normal();
    sum += z;
    squares += z * z;
    fourths += z * z * z * z;
    within += std::abs(z) < 1.0 ? 1 : 0;
  }
  // Four standard errors each: 1, sqrt 2, sqrt 96 and sqrt(0.683 * 0.317), over sqrt n.
  const double four = 4.0 / std::sqrt(static_cast<double>(n));
  EXPECT_NEAR(sum / n, 0.0, four);
  EXPECT_NEAR(squares / n, 1.0, four * std::sqrt(2.0));
  EXPECT_NEAR(fourths / n, 3.0, four * std::sqrt(96.0));
  EXPECT_NEAR(static_cast<double>(within) / n, std::erf(std::sqrt(0.5)), four * 0.466);
}

TEST(RandomStream, ShuffleMakesEveryOrderEquallyLikely) {
  std::vector<int> counts(24);
  std::array<int, 4> order{};
  for (std::uint64_t i = 0; i < 24'000; ++i) {
    std::iota(order.begin(), order.end(), 0);
    RandomStream(Seed{5}, "shuffle", i).shuffle(std::span<int>(order));
    std::array<int, 4> sorted = order;
    std::ranges::sort(sorted);
    ASSERT_EQ(sorted, (std::array<int, 4>{0, 1, 2, 3}));
    std::size_t rank = 0;
    for (std::size_t a = 0; a < 4; ++a) {
      std::size_t smaller_after = 0;
      for (std::size_t b = a + 1; b < 4; ++b) smaller_after += order[b] < order[a] ? 1U : 0U;
      rank = rank * (4 - a) + smaller_after;
    }
    ++counts[rank];
  }
  EXPECT_LT(chi_square(counts), 56.4);  // 23 degrees of freedom
}

TEST(RandomStream, SampleTakesDifferentIds) {
  RandomStream stream(Seed{6}, "sample");
  for (const std::int64_t count : {0, 1, 50, 99, 100}) {
    const auto ids = stream.sample(100, count);
    ASSERT_EQ(static_cast<std::int64_t>(ids.size()), count);
    const std::set<std::int64_t> distinct(ids.begin(), ids.end());
    EXPECT_EQ(distinct.size(), ids.size());
    if (!distinct.empty()) {
      EXPECT_GE(*distinct.begin(), 0);
      EXPECT_LT(*distinct.rbegin(), 100);
    }
  }
  EXPECT_TRUE(stream.sample(0, 0).empty());
}

TEST(RandomStream, SampleFavoursNoIdAndNoPosition) {
  std::vector<int> first(10);
  std::vector<int> any(10);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto ids = RandomStream(Seed{7}, "sample", i).sample(10, 3);
    ++first[static_cast<std::size_t>(ids.front())];
    for (const auto id : ids) ++any[static_cast<std::size_t>(id)];
  }
  EXPECT_LT(chi_square(first), 33.7);  // 9 degrees of freedom
  EXPECT_LT(chi_square(any), 33.7);    // drawn without replacement, so even smaller
}

}  // namespace
}  // namespace winnow
