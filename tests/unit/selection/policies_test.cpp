#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {
namespace {

using testing::expect_error;

/// 400 examples of four classes, the later the harder, with all that any policy looks at.
class EveryPolicy : public ::testing::TestWithParam<Policy> {
 protected:
  EveryPolicy() {
    RandomStream stream(Seed{12}, "policies-test");
    for (std::int32_t i = 0; i < 400; ++i) {
      labels_.push_back(i % 16 == 0 ? 3 : i % 4 % 3);
      scores_.push_back(stream.normal() + 2.0 * labels_.back());
      assignment_.push_back(static_cast<std::int32_t>(stream.below(9)));
      distance_.push_back(stream.uniform());
    }
  }
  Examples examples() const {
    return {.scores = scores_,
            .labels = labels_,
            .class_names = names_,
            .embeddings = rows_,
            .clusters = {centroids_, assignment_, distance_, Geometry::euclidean}};
  }

  std::vector<double> scores_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> names_ = {"a", "b", "c", "d"};
  Matrix<float> rows_ = testing::normal_matrix(400, 5, 4);
  Matrix<float> centroids_ = testing::normal_matrix(9, 5, 5);
  std::vector<std::int32_t> assignment_;
  std::vector<double> distance_;
};

TEST_P(EveryPolicy, KeepsExactlyKAndMeetsTheFloors) {
  for (const std::int64_t k : {9, 100, 360}) {
    for (const double balance : {0.0, 0.5, 1.0}) {
      for (const BalanceBy by : {BalanceBy::fraction, BalanceBy::count}) {
        const SelectOptions options{
            .keep_count = k, .policy = GetParam(), .class_balance = balance, .balance_by = by};
        const Selection chosen = select(examples(), options);
        EXPECT_EQ(static_cast<std::int64_t>(chosen.ids.size()), k);
        EXPECT_EQ(chosen.audit.kept, k);
        std::int64_t before = 0;
        for (const ClassAudit& entry : chosen.audit.classes) {
          EXPECT_GE(entry.kept, entry.floor);
          before += entry.before;
        }
        EXPECT_EQ(before, 400);
        EXPECT_TRUE(balance > 0.0 || chosen.audit.moved == 0);
      }
    }
  }
}

TEST_P(EveryPolicy, BalanceMovesOnlyWhatFloorsNeed) {
  const SelectOptions options{.keep_count = 80, .policy = GetParam(), .class_balance = 1.0};
  const Selection chosen = select(examples(), options);
  std::int64_t missing = 0;
  for (const ClassAudit& entry : chosen.audit.classes) {
    missing += std::max<std::int64_t>(0, entry.floor - entry.kept_without_balance);
  }
  EXPECT_EQ(chosen.audit.moved, missing);
}

TEST_P(EveryPolicy, TellsItsOptionsAndNoOther) {
  const Json json = SelectOptions{.policy = GetParam()}.policy_json();
  std::set<std::string> names;
  for (const auto& [name, value] : json.items()) names.insert(name);
  std::set<std::string> expected;
  if (GetParam() == Policy::stratified) expected = {"cut-off", "strata"};
  if (GetParam() == Policy::density) expected = {"temperature", "centroid-neighbours"};
  if (GetParam() == Policy::d2) expected = {"neighbours", "forward-gamma", "reverse-gamma"};
  EXPECT_EQ(names, expected);
}

INSTANTIATE_TEST_SUITE_P(Select, EveryPolicy,
                         ::testing::Values(Policy::hard, Policy::easy, Policy::random,
                                           Policy::moderate, Policy::stratified, Policy::density,
                                           Policy::d2),
                         [](const auto& param) { return enum_name(param.param); });

TEST(SelectStructure, MustBeThereAndFit) {
  const std::vector<double> scores = {1, 2, 3};
  const Matrix<float> rows = testing::matrix_of(2, 1, {1, 2});
  const std::vector<std::int32_t> assignment = {0, 1};
  const std::vector<double> distance = {0, 0};
  const auto refuse = [&]<class E>(const Examples& examples, Policy policy, E,
                                   const std::vector<std::string>& parts) {
    expect_error<E>([&] { select(examples, {.policy = policy}); }, parts);
  };
  refuse({.scores = scores}, Policy::density, InvalidArgument(""), {"density", "clustering"});
  refuse({.scores = scores}, Policy::d2, InvalidArgument(""), {"d2", "embeddings"});
  refuse({.scores = scores, .embeddings = rows}, Policy::d2, DatasetMismatch(""),
         {"embeddings", "2", "3"});
  refuse({.scores = scores, .clusters = {rows, assignment, distance, Geometry::euclidean}},
         Policy::density, DatasetMismatch(""), {"clustering", "2", "3"});
}

}  // namespace
}  // namespace winnow::selection
