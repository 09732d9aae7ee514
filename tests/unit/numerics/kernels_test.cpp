#include "winnow/numerics/kernels.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "unit/support.hpp"

namespace winnow::numerics {
namespace {

using testing::normal_matrix;
using testing::values_of;

const Kernels& table_of(Isa isa) {
  if (isa == Isa::avx2) return avx2::kernels();
  if (isa == Isa::avx512) return avx512::kernels();
  return scalar::kernels();
}

bool runs_here(Isa isa) {
  if (isa == Isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
  return true;
}

/// Every table on sizes around its registers' width, against loops in long double.
class KernelTable : public ::testing::TestWithParam<std::tuple<Isa, std::int64_t>> {
 protected:
  void SetUp() override {
    if (!runs_here(std::get<0>(GetParam()))) GTEST_SKIP() << "not on this machine";
  }
  const Kernels& table() const { return table_of(std::get<0>(GetParam())); }
  std::int64_t n() const { return std::get<1>(GetParam()); }
  std::vector<float> numbers(std::uint64_t seed) const {
    return values_of(normal_matrix(1, n(), seed));
  }
};

// Products and differences of float32 are (nearly) exact in double; a sum of n of them errs by at
// most n 2^-53 times the sum of their sizes.
double double_bound(std::int64_t n, long double sizes) {
  return static_cast<double>(static_cast<long double>(n + 2) * 0x1p-53L * sizes);
}

TEST_P(KernelTable, Dot) {
  const auto a = numbers(1);
  const auto b = numbers(2);
  long double sum = 0.0L;
  long double sizes = 0.0L;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const long double term = static_cast<long double>(a[i]) * b[i];
    sum += term;
    sizes += std::abs(term);
  }
  EXPECT_NEAR(table().dot(a.data(), b.data(), n()), static_cast<double>(sum),
              double_bound(n(), sizes));
}

TEST_P(KernelTable, SquaredDistance) {
  const auto a = numbers(3);
  const auto b = numbers(4);
  long double sum = 0.0L;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const long double difference = static_cast<long double>(a[i]) - b[i];
    sum += difference * difference;
  }
  EXPECT_NEAR(table().squared_distance(a.data(), b.data(), n()), static_cast<double>(sum),
              double_bound(n() + 2, sum));
  EXPECT_EQ(table().squared_distance(a.data(), a.data(), n()), 0.0);
}

/// Sums that cancel, of numbers of all sizes: any other order of additions gives other bits.
TEST_P(KernelTable, SumsHaveTheBitsOfTheScalarOnes) {
  auto a = numbers(10);
  auto b = numbers(11);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = std::ldexp(a[i], static_cast<int>(i * 7 % 40));
    b[i] = std::ldexp(b[i], static_cast<int>(i * 11 % 30));
  }
  const Kernels& plain = scalar::kernels();
  EXPECT_EQ(table().dot(a.data(), b.data(), n()), plain.dot(a.data(), b.data(), n()));
  EXPECT_EQ(table().squared_distance(a.data(), b.data(), n()),
            plain.squared_distance(a.data(), b.data(), n()));
}

TEST_P(KernelTable, CountDifferences) {
  const auto offset = numbers(12);
  const auto values = numbers(13);
  std::vector<float> differences;
  for (std::size_t i = 0; i < offset.size(); ++i) differences.push_back(offset[i] - values[i]);
  for (const float limit : {-10.0F, 0.0F, differences.front(), 10.0F}) {
    const auto expected = std::count_if(differences.begin(), differences.end(),
                                        [limit](float value) { return value <= limit; });
    EXPECT_EQ(table().count_differences(offset.data(), values.data(), limit, n()), expected);
  }
}

TEST_P(KernelTable, SmallestDifference) {
  const auto offset = numbers(5);
  const auto values = numbers(6);
  std::size_t expected = 0;
  for (std::size_t i = 1; i < offset.size(); ++i) {
    if (offset[i] - values[i] < offset[expected] - values[expected]) expected = i;
  }
  const Smallest smallest = table().smallest_difference(offset.data(), values.data(), n());
  EXPECT_EQ(smallest.index, static_cast<std::int64_t>(expected));
  EXPECT_EQ(smallest.value, offset[expected] - values[expected]);
  float second = std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < offset.size(); ++i) {
    if (i != expected) second = std::min(second, offset[i] - values[i]);
  }
  EXPECT_EQ(smallest.second, second);
}

TEST_P(KernelTable, SmallestDifferenceTakesTheLowestOfTies) {
  const std::vector<float> offset(static_cast<std::size_t>(n()), 1.0F);
  std::vector<float> values(static_cast<std::size_t>(n()), 1.0F);
  EXPECT_EQ(table().smallest_difference(offset.data(), values.data(), n()).index, 0);
  for (std::int64_t first = 0; first < n(); ++first) {
    // Equal smallest entries at `first`, at the end and, of zeros with either sign, elsewhere.
    std::fill(values.begin(), values.end(), 0.5F);
    values[static_cast<std::size_t>(first)] = 2.0F;
    values.back() = 2.0F;
    const Smallest smallest = table().smallest_difference(offset.data(), values.data(), n());
    ASSERT_EQ(smallest.index, first);
    ASSERT_EQ(smallest.value, -1.0F);
    ASSERT_EQ(smallest.second, first + 1 < n() ? -1.0F
                               : n() == 1      ? std::numeric_limits<float>::infinity()
                                               : 0.5F);
  }
}

TEST_P(KernelTable, SmallestDifferenceKnowsNegativeZero) {
  std::vector<float> offset(static_cast<std::size_t>(n()), 0.0F);
  std::vector<float> values(static_cast<std::size_t>(n()), 0.0F);
  offset.back() = -0.0F;
  EXPECT_EQ(table().smallest_difference(offset.data(), values.data(), n()).index, 0);
}

TEST_P(KernelTable, AddTriangle) {
  const auto squares = numbers(7);
  const float x2 = 2.0F;
  std::vector<float> c2;
  c2.reserve(squares.size());
  for (const float value : squares) c2.push_back(value * value);
  std::vector<float> xc = numbers(8);
  const std::vector<float> before = numbers(9);
  std::vector<float> pool = before;
  std::vector<long double> z;
  long double mean = 0.0L;
  for (std::size_t i = 0; i < xc.size(); ++i) {
    z.push_back(std::sqrt(std::max(0.0L, static_cast<long double>(x2) + c2[i] - 2.0L * xc[i])));
    mean += z.back();
  }
  mean /= static_cast<long double>(n());
  table().add_triangle(x2, c2.data(), xc.data(), pool.data(), n());
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const auto expected = static_cast<double>(before[i] + std::max(0.0L, mean - z[i]));
    // The root of a difference near zero magnifies its rounding: z^2 errs by 2^-22 (x2 + c2), so z
    // by that over z, or by its root; the mean by n 2^-24 mean and the roots' errors.
    const double error = std::sqrt(0x1p-22 * (x2 + c2[i] + 2.0));
    ASSERT_NEAR(pool[i], expected,
                0x1p-22 * static_cast<double>(n() + 4) * (1.0 + static_cast<double>(mean)) +
                    (z[i] > 0.1L ? 0x1p-20 * (x2 + c2[i]) : error));
    ASSERT_NEAR(xc[i], static_cast<double>(z[i]), z[i] > 0.1L ? 0x1p-20 * (x2 + c2[i]) : error);
  }
}

TEST_P(KernelTable, AddTo) {
  const auto x = numbers(10);
  std::vector<double> y;
  for (std::size_t i = 0; i < x.size(); ++i) y.push_back(1e10 + static_cast<double>(i));
  std::vector<double> expected = y;
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] += static_cast<double>(x[i]);
  table().add_to(x.data(), y.data(), n());
  EXPECT_EQ(y, expected);
}

TEST_P(KernelTable, LargestMagnitude) {
  auto x = numbers(14);
  EXPECT_EQ(table().largest_magnitude(x.data(), n()),
            std::abs(*std::ranges::max_element(x, {}, [](float v) { return std::abs(v); })));
  x.back() = -100.0F;
  EXPECT_EQ(table().largest_magnitude(x.data(), n()), 100.0F);
}

TEST_P(KernelTable, Scale) {
  const auto x = numbers(15);
  std::vector<float> y(x.size());
  table().scale(x.data(), 1.0 / 3.0, y.data(), n());
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(y[i], static_cast<float>(static_cast<double>(x[i]) * (1.0 / 3.0)));
  }
}

TEST_P(KernelTable, FixedSumsAndTheirRests) {
  auto x = numbers(16);
  x.front() = 2.5F;  // ties go to even
  x.back() = -3.5F;
  for (const double factor : {1.0, 0x1p40, 0x1p-3}) {
    std::vector<std::int64_t> sums(x.size(), 7);
    std::vector<float> rest(x.size());
    table().add_fixed(x.data(), factor, sums.data(), n());
    table().fixed_rest(x.data(), factor, rest.data(), n());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double whole = std::nearbyint(static_cast<double>(x[i]) * factor);
      ASSERT_EQ(sums[i], 7 + static_cast<std::int64_t>(whole));
      ASSERT_EQ(static_cast<double>(rest[i]), static_cast<double>(x[i]) - whole / factor);
    }
    table().add_fixed(x.data(), -factor, sums.data(), n());
    EXPECT_EQ(sums, std::vector<std::int64_t>(x.size(), 7)) << "what was added goes again";
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, KernelTable,
                         ::testing::Combine(::testing::Values(Isa::scalar, Isa::avx2, Isa::avx512),
                                            ::testing::Values(1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33,
                                                              63, 65, 100, 255, 1000)),
                         [](const auto& test) {
                           return enum_name(std::get<0>(test.param)) + std::string("_") +
                                  std::to_string(std::get<1>(test.param));
                         });

RC_GTEST_PROP(Kernels, AllFindTheSameSmallestDifference, ()) {
  // Few different values, so that ties are common.
  const auto pairs = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(-4, 4), rc::gen::inRange(-4, 4))));
  std::vector<float> offset;
  std::vector<float> values;
  for (const auto& [a, b] : pairs) {
    offset.push_back(static_cast<float>(a) / 3.0F);
    values.push_back(static_cast<float>(b) / 3.0F);
  }
  const auto n = static_cast<std::int64_t>(pairs.size());
  std::int64_t expected = 0;
  for (std::int64_t i = 1; i < n; ++i) {
    const auto at = [&](std::int64_t j) {
      return offset[static_cast<std::size_t>(j)] - values[static_cast<std::size_t>(j)];
    };
    if (at(i) < at(expected)) expected = i;
  }
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
    if (!runs_here(isa)) continue;
    RC_ASSERT(table_of(isa).smallest_difference(offset.data(), values.data(), n).index == expected);
  }
}

TEST(Kernels, TheTableInForceFollowsTheCap) {
  set_isa(Isa::scalar);
  EXPECT_EQ(&kernels(), &scalar::kernels());
  set_isa(Isa::automatic);
  const Isa best = runs_here(Isa::avx512) ? Isa::avx512
                   : runs_here(Isa::avx2) ? Isa::avx2
                                          : Isa::scalar;
  EXPECT_EQ(&kernels(), &table_of(best));
}

}  // namespace
}  // namespace winnow::numerics
