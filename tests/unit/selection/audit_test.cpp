#include "winnow/selection/audit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace winnow::selection {
namespace {

constexpr Outcome kept = Outcome::kept;
constexpr Outcome moved_in = Outcome::kept_for_balance;
constexpr Outcome dropped = Outcome::dropped;
constexpr Outcome moved_out = Outcome::dropped_for_balance;

/// One class's part of a dataset: how many examples with each outcome.
struct Part {
  std::int64_t kept = 0;
  std::int64_t moved_in = 0;
  std::int64_t dropped = 0;
  std::int64_t moved_out = 0;
};

Audit audit_of(const std::vector<Part>& parts, const std::vector<std::string>& names) {
  std::vector<Outcome> outcomes;
  std::vector<std::int32_t> labels;
  const auto add = [&](std::size_t label, std::int64_t count, Outcome outcome) {
    outcomes.insert(outcomes.end(), static_cast<std::size_t>(count), outcome);
    labels.insert(labels.end(), static_cast<std::size_t>(count), static_cast<std::int32_t>(label));
  };
  for (std::size_t c = 0; c < parts.size(); ++c) {
    add(c, parts[c].kept, kept);
    add(c, parts[c].moved_in, moved_in);
    add(c, parts[c].dropped, dropped);
    add(c, parts[c].moved_out, moved_out);
  }
  return audit(outcomes, labels, names, {});
}

TEST(Audit, CountsByHand) {
  const Audit result = audit_of(
      {{.kept = 3, .dropped = 2, .moved_out = 1}, {.moved_in = 1, .dropped = 1}}, {"shirt", "bag"});
  EXPECT_EQ(result.n, 8);
  EXPECT_EQ(result.kept, 4);
  EXPECT_EQ(result.kept_fraction, 0.5);
  EXPECT_EQ(result.moved, 1);
  ASSERT_EQ(result.classes.size(), 2U);
  EXPECT_EQ(result.classes[0].name, "shirt");
  EXPECT_EQ(result.classes[0].before, 6);
  EXPECT_EQ(result.classes[0].kept, 3);
  EXPECT_EQ(result.classes[0].kept_without_balance, 4);
  EXPECT_EQ(result.classes[0].share_before, 0.75);
  EXPECT_EQ(result.classes[0].share_kept, 0.75);
  EXPECT_EQ(result.classes[0].kept_fraction, 0.5);
  EXPECT_EQ(result.classes[1].before, 2);
  EXPECT_EQ(result.classes[1].kept, 1);
  EXPECT_EQ(result.classes[1].kept_without_balance, 0);
  EXPECT_EQ(result.smallest_class, 1);
  EXPECT_EQ(result.worst_class, 0);  // a tie: the lower class
  // -(3/4 ln 3/4 + 1/4 ln 1/4) / ln 2
  EXPECT_NEAR(result.entropy_before, 0.8112781244591328, 1e-15);
  EXPECT_EQ(result.entropy_kept, result.entropy_before);
}

TEST(Audit, EveryOutcomeIsCounted) {
  for (const auto& outcome : EnumNames<Outcome>::values) {
    const std::vector<Outcome> outcomes(3, outcome.value);
    const Audit result =
        audit(outcomes, std::vector<std::int32_t>(3, 0), std::vector<std::string>{"all"}, {});
    EXPECT_EQ(result.classes[0].before, 3) << outcome.name;
    EXPECT_EQ(result.kept, is_kept(outcome.value) ? 3 : 0) << outcome.name;
  }
}

TEST(Audit, EntropyIsOverClassesThatHaveExamples) {
  const Audit equal = audit_of({{.kept = 4}, {}, {.kept = 4}}, {"0", "1", "2"});
  EXPECT_DOUBLE_EQ(equal.entropy_before, 1.0);
  EXPECT_EQ(equal.smallest_class, 0);  // not the empty class 1
  const Audit vanished = audit_of({{.kept = 4}, {.dropped = 4}}, {"0", "1"});
  EXPECT_DOUBLE_EQ(vanished.entropy_before, 1.0);
  EXPECT_EQ(vanished.entropy_kept, 0.0);
  EXPECT_EQ(audit_of({{.kept = 1, .dropped = 1}}, {"0"}).entropy_kept, 1.0);
}

TEST(Audit, WarnsInWords) {
  // All data keep 50 %. "Shirt" keeps 31 %; class 2 nothing; "bag" 60 % is above two thirds.
  const Audit result = audit_of({{.kept = 31, .dropped = 69},
                                 {.kept = 60, .dropped = 40},
                                 {.dropped = 9},
                                 {.kept = 63, .dropped = 36}},
                                {"Shirt", "bag", "2", "coat"});
  ASSERT_EQ(result.kept_fraction, 0.5);
  EXPECT_EQ(
      result.warnings,
      (std::vector<std::string>{"class 2 vanishes: none of its 9 examples is kept",
                                "class 0 'Shirt' keeps 31 % of its examples; all data keep 50 %"}));
}

TEST(Audit, DoesNotWarnOfWhatChanceExplains) {
  // 1 of 5 where 2.5 are expected: one deviation is 1.1.
  EXPECT_TRUE(audit_of({{.kept = 1, .dropped = 4}, {.kept = 4, .dropped = 1}}, {"a", "b"})
                  .warnings.empty());
}

TEST(Audit, NamesFiveClassesAndCountsTheRest) {
  std::vector<Part> parts(9, Part{.dropped = 10});
  parts[0] = {.kept = 10};
  std::vector<std::string> names;
  for (std::size_t c = 0; c < parts.size(); ++c) names.push_back(std::to_string(c));
  const Audit result = audit_of(parts, names);
  ASSERT_EQ(result.warnings.size(), 6U);
  EXPECT_EQ(result.warnings[4], "class 5 vanishes: none of its 10 examples is kept");
  EXPECT_EQ(result.warnings[5], "3 more classes vanish");
}

TEST(Audit, WithoutLabelsThereAreNoClasses) {
  const std::vector<Outcome> outcomes = {kept, dropped, dropped, kept, kept};
  const Audit result = audit(outcomes, {}, {}, {});
  EXPECT_EQ(result.kept, 3);
  EXPECT_TRUE(result.classes.empty());
  EXPECT_EQ(result.smallest_class, -1);
  EXPECT_EQ(format_audit(result),
            (std::vector<std::string>{"kept 3 of 5 examples (60.0 %)",
                                      "no class balance: no labels were given"}));
  const Json json = audit_json(result);
  EXPECT_TRUE(json["classes"].empty());
  EXPECT_FALSE(json.contains("smallest_class"));
}

TEST(Audit, ExamplesBeyondACutOffAreDroppedOnes) {
  const std::vector<Outcome> outcomes = {kept, Outcome::cut_off, Outcome::cut_off, kept};
  const std::vector<std::int32_t> labels = {0, 0, 1, 0};
  const Audit result = audit(outcomes, labels, std::vector<std::string>{"a", "b"}, {});
  EXPECT_EQ(result.kept, 2);
  EXPECT_EQ(result.classes[0].before, 3);
  EXPECT_EQ(result.classes[0].kept_without_balance, 2);
  EXPECT_EQ(result.classes[1].before, 1);
  EXPECT_EQ(result.classes[1].kept_without_balance, 0);
}

TEST(Audit, Json) {
  const Json json = audit_json(audit_of({{.kept = 1, .dropped = 1}, {.moved_in = 2}}, {"a", "b"}));
  EXPECT_EQ(json["n"], 4);
  EXPECT_EQ(json["kept"], 3);
  EXPECT_EQ(json["moved_by_balance"], 2);
  EXPECT_EQ(json["smallest_class"]["name"], "a");
  EXPECT_EQ(json["worst_class"]["class"], 0);
  EXPECT_EQ(json["classes"][1]["kept_without_balance"], 0);
  EXPECT_EQ(json["classes"][1]["kept_fraction"], 1.0);
}

TEST(Audit, TableIsAligned) {
  const std::vector<std::string> lines =
      format_audit(audit_of({{.kept = 1000, .dropped = 200}, {.kept = 3}}, {"bag", "ankle boot"}));
  ASSERT_GE(lines.size(), 7U);
  EXPECT_EQ(lines[0],
            "class       before  kept  kept/before  share before  share kept  floor"
            "  without balance");
  EXPECT_EQ(lines[1],
            "bag           1200  1000       83.3 %        99.8 %      99.7 %      0"
            "             1000");
  EXPECT_EQ(lines[2],
            "ankle boot       3     3      100.0 %         0.2 %       0.3 %      0"
            "                3");
  EXPECT_EQ(lines[3], "kept 1003 of 1203 examples (83.4 %)");
  EXPECT_EQ(lines[4], "smallest class: class 1 'ankle boot', 3 kept");
}

}  // namespace
}  // namespace winnow::selection
