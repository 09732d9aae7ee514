// Metrics of many runs against NumPy (fixtures/make_ensemble.py).

#include "metrics/ensemble.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "unit/metrics/bits.hpp"
#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"
#include "winnow/metrics/active_learning.hpp"
#include "winnow/metrics/ddd.hpp"
#include "winnow/metrics/influence.hpp"
#include "winnow/metrics/memorization.hpp"

namespace winnow::metrics {
namespace {

using testing::bits_of;
using testing::expect_error;

class EnsembleFixture : public ::testing::Test {
 protected:
  Json json_ = read_json(std::filesystem::path(WINNOW_FIXTURES) / "ensemble.json");
  BitMatrix bits(const char* name) const {
    return bits_of(json_[name].get<std::vector<std::string>>());
  }
  const Json& subsampled() const { return json_["subsampled"]; }

  /// null stands for NaN.
  static void expect_near(const std::vector<double>& values, const Json& expected) {
    ASSERT_EQ(values.size(), expected.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (expected[i].is_null()) {
        EXPECT_TRUE(std::isnan(values[i])) << i;
      } else {
        EXPECT_NEAR(values[i], expected[i].get<double>(), 1e-12) << i;
      }
    }
  }
};

TEST_F(EnsembleFixture, Memorization) {
  const auto result = memorization(bits("in_train"), bits("correct"));
  expect_near(result.scores, subsampled()["memorization"]);
  expect_near(result.standard_errors, subsampled()["memorization_error"]);
  EXPECT_EQ(result.rare, subsampled()["rare"].get<std::vector<std::int64_t>>());
}

TEST_F(EnsembleFixture, Influence) {
  const auto result = influence(bits("in_train"), bits("test_correct"));
  expect_near(result.max, subsampled()["max"]);
  expect_near(result.max_errors, subsampled()["max_error"]);
  expect_near(result.sum_abs, subsampled()["sum_abs"]);
  expect_near(result.sum_abs_errors, subsampled()["sum_abs_error"]);
  EXPECT_EQ(result.rare, subsampled()["rare"].get<std::vector<std::int64_t>>());
  const Json& tests = subsampled()["max_test"];
  for (std::size_t i = 0; i < tests.size(); ++i) {
    EXPECT_EQ(result.max_tests[i], tests[i].is_null() ? -1 : tests[i].get<std::int64_t>()) << i;
  }
}

TEST_F(EnsembleFixture, Ddd) {
  const auto result = ddd(bits("correct"));
  EXPECT_EQ(result.scores, json_["ddd"].get<std::vector<double>>());
}

TEST_F(EnsembleFixture, Uncertainty) {
  const auto classes = json_["classes"].get<std::int64_t>();
  const Json& expected = json_["uncertainty"];
  for (const auto acquisition :
       {Acquisition::entropy, Acquisition::mutual_information, Acquisition::variation_ratio}) {
    SCOPED_TRACE(enum_name(acquisition));
    EnsembleUncertainty ensemble(static_cast<std::int64_t>(json_["ddd"].size()), classes,
                                 acquisition);
    for (const Json& member : json_["logits"]) {
      const auto values = member.get<std::vector<float>>();
      ensemble.add({values.data(), static_cast<std::int64_t>(json_["ddd"].size()), classes});
    }
    expect_near(ensemble.scores(), expected[enum_name(acquisition)]);
  }
  expect_near(right_wrong_disagreement(bits("correct")), expected["right-wrong"]);
}

TEST(FillRare, GivesTheMeanOfTheOthers) {
  std::vector<double> scores = {0.0, 2.0, 0.0, 4.0};
  fill_rare(scores, std::vector<std::int64_t>{0, 2});
  EXPECT_EQ(scores, (std::vector<double>{3.0, 2.0, 3.0, 4.0}));
  fill_rare(scores, {});
  EXPECT_EQ(scores, (std::vector<double>{3.0, 2.0, 3.0, 4.0}));
}

TEST(RequireEstimates, RefusesWhenAllAreRare) {
  EXPECT_NO_THROW(require_estimates(std::vector<std::int64_t>{1}, 2, 2));
  expect_error<InvalidArgument>(
      [] {
        require_estimates(std::vector<std::int64_t>{0, 1}, 2, 3);
      },
      {"no example was in at least 3 runs and out of at least 3", "random subsets"});
}

TEST(ForExampleBlocks, CoversEveryExampleOnceAndStops) {
  std::vector<int> visits(200);
  for_example_blocks(200, 64, silent(), [&](std::int64_t begin, std::int64_t count) {
    for (std::int64_t i = begin; i < begin + count; ++i) ++visits[static_cast<std::size_t>(i)];
  });
  EXPECT_EQ(visits, std::vector<int>(200, 1));
  testing::StoppingProgress progress(64);
  const testing::Threads one(1);
  EXPECT_THROW(for_example_blocks(1000, 64, progress, [](std::int64_t, std::int64_t) {}),
               Interrupted);
  EXPECT_EQ(progress.count(), 64);
}

}  // namespace
}  // namespace winnow::metrics
