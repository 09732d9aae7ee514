#include "winnow/selection/balanced.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {
namespace {

using winnow::testing::expect_error;

/// 300 rows in 20 clusters of many sizes, these in 4.
class BalancedPolicy : public ::testing::Test {
 protected:
  BalancedPolicy() {
    RandomStream random(Seed{3}, "balanced-test");
    const auto skewed = [&](double k) {
      const double u = random.uniform();
      return static_cast<std::int32_t>(k * u * u);
    };
    for (int i = 0; i < 300; ++i) {
      rows_.push_back(skewed(20.0));
      distance_.push_back(0.1 * static_cast<double>(random.below(5)));
      scores_.push_back(random.uniform());
      labels_.push_back(i % 3);
    }
    for (int j = 0; j < 20; ++j) above_.push_back(skewed(4.0));
  }

  cluster::HierarchyView hierarchy() const { return {{rows_, above_}, {20, 4}, distance_}; }
  Examples examples() const { return {.scores = scores_, .hierarchy = hierarchy()}; }
  static SelectOptions options(std::int64_t count, cluster::LeafOrder leaf) {
    SelectOptions options{.keep_count = count, .policy = Policy::balanced, .seed = Seed{5}};
    options.balanced.leaf = leaf;
    return options;
  }

  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> above_;
  std::vector<double> distance_;
  std::vector<double> scores_;
  std::vector<std::int32_t> labels_;
};

TEST_F(BalancedPolicy, KeepsTheBalancedSample) {
  for (const auto leaf :
       {cluster::LeafOrder::random, cluster::LeafOrder::nearest, cluster::LeafOrder::farthest}) {
    for (const std::int64_t count : {1, 7, 60, 299, 300}) {
      const auto sample = cluster::balanced_sample(hierarchy(), count, leaf, Seed{5});
      const Selection selection = select(examples(), options(count, leaf));
      EXPECT_EQ(selection.ids, sample.ids) << count << ", " << enum_name(leaf);
      EXPECT_EQ(selection.details["cluster_budgets"], Json(sample.budgets));
    }
  }
}

TEST_F(BalancedPolicy, ClassFloorsHold) {
  Examples with_labels = examples();
  const std::vector<std::string> names = {"a", "b", "c"};
  with_labels.labels = labels_;
  with_labels.class_names = names;
  auto balanced = options(30, cluster::LeafOrder::nearest);
  balanced.class_balance = 1.0;
  for (const auto& entry : select(with_labels, balanced).audit.classes) EXPECT_EQ(entry.kept, 10);
}

TEST_F(BalancedPolicy, RefusesWhatIsNoHierarchyOfTheExamples) {
  const auto wanted = options(10, cluster::LeafOrder::random);
  Examples wrong = examples();
  wrong.hierarchy = {};
  expect_error<InvalidArgument>([&] { select(wrong, wanted); }, {"balanced", "clustering"});
  wrong = examples();
  wrong.scores = wrong.scores.first(200);
  expect_error<DatasetMismatch>([&] { select(wrong, wanted); }, {"clustering", "300", "200"});
}

}  // namespace
}  // namespace winnow::selection
