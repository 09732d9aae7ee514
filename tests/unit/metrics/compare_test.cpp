#include "winnow/metrics/compare.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "metrics/score_ranks.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"

namespace winnow::metrics {
namespace {

using testing::expect_error;
using testing::StoppingProgress;
using testing::Threads;

using Columns = std::vector<std::vector<double>>;

Comparison compare_columns(const Columns& columns, const std::vector<std::int64_t>& kept,
                           const std::vector<std::int32_t>& labels = {}, std::int64_t n_classes = 0,
                           Progress& progress = silent()) {
  const std::vector<std::span<const double>> scores(columns.begin(), columns.end());
  return compare(scores, kept, labels, n_classes, progress);
}

/// What SciPy and NumPy computed (fixtures/make_compare.py); null stands for NaN.
class CompareFixture : public ::testing::Test {
 protected:
  Json json_ = read_json(std::filesystem::path(WINNOW_FIXTURES) / "compare.json");
  Columns scores_ = json_["scores"].get<Columns>();
  std::vector<std::int64_t> kept_ = json_["kept"].get<std::vector<std::int64_t>>();
  std::vector<std::int32_t> labels_ = json_["labels"].get<std::vector<std::int32_t>>();

  static void expect_matrix(const Matrix<double>& found, const Json& expected) {
    const auto s = static_cast<std::int64_t>(expected.size());
    ASSERT_EQ(found.rows(), s);
    ASSERT_EQ(found.cols(), s);
    for (std::int64_t a = 0; a < s; ++a) {
      for (std::int64_t b = 0; b < s; ++b) {
        const Json& value = expected[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
        if (value.is_null()) {
          EXPECT_TRUE(std::isnan(found(a, b))) << a << " " << b;
        } else {
          EXPECT_NEAR(found(a, b), value.get<double>(), 1e-13) << a << " " << b;
        }
      }
    }
  }

  void expect_balance(const std::vector<std::vector<ClassBalance>>& found,
                      const Json& expected) const {
    ASSERT_EQ(found.size(), scores_.size());
    for (std::size_t s = 0; s < found.size(); ++s) {
      ASSERT_EQ(found[s].size(), kept_.size());
      for (std::size_t f = 0; f < kept_.size(); ++f) {
        EXPECT_EQ(found[s][f].kept, expected[s][f]["kept"].get<std::vector<std::int64_t>>());
        EXPECT_NEAR(found[s][f].entropy, expected[s][f]["entropy"].get<double>(), 1e-13);
      }
    }
  }
};

TEST_F(CompareFixture, CorrelationsAreSciPys) {
  const Comparison found = compare_columns(scores_, {});
  expect_matrix(found.spearman, json_["spearman"]);
  expect_matrix(found.kendall, json_["kendall"]);
  EXPECT_TRUE(found.hardest.empty());
}

TEST_F(CompareFixture, PairsAloneGiveTheSame) {
  const Comparison all = compare_columns(scores_, {});
  for (std::int64_t a = 0; a < all.kendall.rows(); ++a) {
    for (std::int64_t b = 0; b < all.kendall.rows(); ++b) {
      if (std::isnan(all.kendall(a, b))) continue;
      const auto& x = scores_[static_cast<std::size_t>(a)];
      const auto& y = scores_[static_cast<std::size_t>(b)];
      EXPECT_EQ(spearman(x, y), all.spearman(a, b));
      EXPECT_EQ(kendall(x, y), all.kendall(a, b));
    }
  }
}

TEST_F(CompareFixture, OverlapsAreNumPys) {
  const Comparison found = compare_columns(scores_, kept_);
  ASSERT_EQ(found.overlap.size(), kept_.size());
  for (std::size_t f = 0; f < kept_.size(); ++f)
    expect_matrix(found.overlap[f], json_["overlap"][f]);
}

TEST_F(CompareFixture, ClassBalanceIsNumPys) {
  const auto n_classes = json_["classes"].get<std::int64_t>();
  const Comparison found = compare_columns(scores_, kept_, labels_, n_classes);
  EXPECT_EQ(found.class_sizes, json_["class_sizes"].get<std::vector<std::int64_t>>());
  EXPECT_NEAR(found.entropy, json_["entropy"].get<double>(), 1e-13);
  expect_balance(found.hardest, json_["hardest"]);
  expect_balance(found.easiest, json_["easiest"]);
}

TEST_F(CompareFixture, SameBitsForAnyNumberOfThreads) {
  const auto bits = [&](int threads) {
    const Threads use(threads);
    const Comparison found = compare_columns(scores_, kept_, labels_, 4);
    std::vector<double> values;
    for (const Matrix<double>* matrix : {&found.spearman, &found.kendall, &found.overlap[3]}) {
      values.insert(values.end(), matrix->data(), matrix->data() + matrix->size());
    }
    for (const auto& row : found.easiest) values.push_back(row[2].entropy);
    std::replace_if(
        values.begin(), values.end(), [](double value) { return std::isnan(value); }, 9.0);
    return values;
  };
  EXPECT_EQ(bits(1), bits(5));
}

/// Every permutation of few values, and random ones of sizes around the powers of two and the size
/// from which pairs are counted one by one.
TEST(CountInversions, AgreesWithEveryPair) {
  const auto expect_count = [](std::vector<std::uint32_t> values) {
    std::int64_t expected = 0;
    for (std::size_t j = 0; j < values.size(); ++j) {
      for (std::size_t i = 0; i < j; ++i) expected += values[i] > values[j] ? 1 : 0;
    }
    std::vector<std::uint32_t> scratch(values.size());
    const auto size = values.size();
    EXPECT_EQ(count_inversions(values, scratch), expected) << size;
  };
  std::vector<std::uint32_t> few = {0, 1, 2, 3, 4, 5};
  do {
    expect_count(few);
  } while (std::next_permutation(few.begin(), few.end()));
  for (const std::size_t n : {0U,  1U,   2U,   15U,  16U,  17U,  31U,  32U,  33U,   63U,   64U,
                              65U, 100U, 127U, 128U, 129U, 255U, 256U, 257U, 1000U, 1024U, 1025U}) {
    std::vector<std::uint32_t> values(n);
    std::iota(values.begin(), values.end(), 0U);
    expect_count(values);
    RandomStream(Seed{n}, "inversions").shuffle(std::span(values));
    expect_count(values);
    std::sort(values.begin(), values.end(), std::greater<>());
    expect_count(values);
  }
}

/// tau-b from its definition, over every pair, for values with many, few and no ties.
TEST(Kendall, AgreesWithItsDefinition) {
  RandomStream random(Seed{3}, "kendall");
  for (const std::uint64_t levels : {2U, 5U, 40U, 100000U}) {
    for (const std::size_t n : {2U, 3U, 20U, 150U}) {
      std::vector<double> x(n);
      std::vector<double> y(n);
      for (std::size_t i = 0; i < n; ++i) {
        x[i] = static_cast<double>(random.below(levels));
        y[i] = static_cast<double>(random.below(7)) * (i % 2 == 0 ? 1.0 : -0.0) + x[i];
      }
      double balance = 0.0;
      double untied_x = 0.0;
      double untied_y = 0.0;
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = 0; i < j; ++i) {
          const double product = (x[i] - x[j]) * (y[i] - y[j]);
          balance += product > 0.0 ? 1.0 : product < 0.0 ? -1.0 : 0.0;
          untied_x += x[i] != x[j] ? 1.0 : 0.0;
          untied_y += y[i] != y[j] ? 1.0 : 0.0;
        }
      }
      const double found = kendall(x, y);
      if (untied_x * untied_y == 0.0) {
        EXPECT_TRUE(std::isnan(found));
      } else {
        EXPECT_NEAR(found, balance / std::sqrt(untied_x * untied_y), 1e-14) << levels << " " << n;
      }
    }
  }
}

TEST(Compare, PerfectAgreementIsExact) {
  std::vector<double> x(999);
  std::iota(x.begin(), x.end(), -500.0);
  std::vector<double> cubes;
  std::vector<double> falling;
  for (const double value : x) {
    cubes.push_back(value * value * value);
    falling.push_back(-std::exp(value / 100));
  }
  EXPECT_EQ(spearman(x, cubes), 1.0);
  EXPECT_EQ(kendall(x, cubes), 1.0);
  EXPECT_EQ(spearman(x, falling), -1.0);
  EXPECT_EQ(kendall(x, falling), -1.0);
}

TEST(Compare, UndefinedWhereAllAreEqual) {
  const std::vector<double> zeros = {0.0, -0.0, 0.0};
  const std::vector<double> ramp = {1, 2, 3};
  EXPECT_TRUE(std::isnan(spearman(zeros, ramp)));
  EXPECT_TRUE(std::isnan(kendall(ramp, zeros)));
  const Comparison found = compare_columns({zeros, ramp}, {2});
  EXPECT_TRUE(std::isnan(found.spearman(0, 0)));
  EXPECT_TRUE(std::isnan(found.kendall(0, 1)));
  EXPECT_EQ(found.kendall(1, 1), 1.0);
  EXPECT_EQ(found.overlap[0](0, 1), 1.0 / 3.0);  // {0, 1} and {2, 1}
  const Comparison one = compare_columns({{1.0}}, {1});
  EXPECT_TRUE(std::isnan(one.kendall(0, 0)));
  EXPECT_EQ(one.overlap[0](0, 0), 1.0);
}

TEST(Compare, OneClassIsBalanced) {
  const Comparison found = compare_columns({{3, 1, 2}}, {1, 3}, {1, 1, 1}, 3);
  EXPECT_EQ(found.entropy, 1.0);
  EXPECT_EQ(found.hardest[0][0].entropy, 1.0);
  EXPECT_EQ(found.hardest[0][0].kept, (std::vector<std::int64_t>{0, 1, 0}));
}

TEST(Compare, RefusesBadInput) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto fails = [](const Columns& columns, const std::vector<std::int64_t>& kept,
                        const std::vector<std::int32_t>& labels, const std::string& found) {
    expect_error<InvalidArgument>([&] { compare_columns(columns, kept, labels, 2); }, {found});
  };
  fails({}, {}, {}, "no scores");
  fails({{}}, {}, {}, "score 0 has 0 values");
  fails({{1, 2}, {1}}, {}, {}, "score 1 has 1 values; expected 2");
  fails({{1, 2}}, {0}, {}, "keep count 0; expected ascending counts in [1, 2]");
  fails({{1, 2}}, {3}, {}, "keep count 3");
  fails({{1, 2}}, {2, 1}, {}, "keep count 1");
  fails({{1, 2}}, {1}, {0}, "1 labels for 2 examples");
  fails({{1, 2}}, {1}, {0, 2}, "label of row 1 is 2; expected a class index in [0, 2)");
  fails({{1, 2}}, {1}, {-1, 0}, "label of row 0 is -1");
  fails({{1, 2}}, std::vector<std::int64_t>(65535, 1), {}, "65535 keep counts");
  expect_error<NonFiniteInput>(
      [&] {
        compare_columns({{1, 2}, {1, nan}}, {1});
      },
      {"score 1: row 1 is nan"});
  expect_error<InvalidArgument>(
      [] {
        kendall(std::vector<double>{1}, std::vector<double>{1, 2});
      },
      {"y has 2 values; expected 1"});
  expect_error<NonFiniteInput>(
      [] {
        const std::vector<double> x = {std::numeric_limits<double>::infinity()};
        spearman(x, x);
      },
      {"x: row 0 is inf"});
}

TEST(Compare, CanBeCancelled) {
  StoppingProgress progress(3);
  EXPECT_THROW(compare_columns({{1, 2}, {2, 1}, {1, 1}}, {1}, {}, 0, progress), Interrupted);
}

}  // namespace
}  // namespace winnow::metrics
