#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "unit/selection/reference.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::selection {
namespace {

/// Scores of few different values, so that ties are common; classes of which some may be empty.
ReferenceInput any_input() {
  ReferenceInput input;
  const auto n = *rc::gen::inRange<std::size_t>(1, 200);
  input.n_classes = *rc::gen::inRange<std::int64_t>(1, 8);
  const auto spread = *rc::gen::element(3, 50, 1'000'000);
  for (std::size_t i = 0; i < n; ++i) {
    input.scores.push_back(*rc::gen::inRange(-spread, spread) / 7.0);
  }
  if (*rc::gen::inRange(0, 4) > 0) {
    const auto last_class = static_cast<std::int32_t>(input.n_classes);
    for (std::size_t i = 0; i < n; ++i) {
      input.labels.push_back(*rc::gen::inRange<std::int32_t>(0, last_class));
    }
  }
  input.keep.numerator = *rc::gen::oneOf(
      rc::gen::inRange<std::int64_t>(1, million + 1),
      rc::gen::map(rc::gen::inRange<std::int64_t>(1, 101), [](auto x) { return x * 10'000; }));
  input.balance.numerator = *rc::gen::oneOf(
      rc::gen::inRange<std::int64_t>(0, million + 1),
      rc::gen::map(rc::gen::inRange<std::int64_t>(0, 11), [](auto x) { return x * 100'000; }));
  if (*rc::gen::arbitrary<bool>()) {
    input.keep_count = *rc::gen::inRange<std::int64_t>(1, static_cast<std::int64_t>(n) + 1);
  }
  input.policy = *rc::gen::element(Policy::hard, Policy::easy, Policy::random);
  input.balance_by = *rc::gen::element(BalanceBy::fraction, BalanceBy::count);
  input.seed = *rc::gen::inRange<std::uint64_t>(0, 100);
  return input;
}

Selection run(const ReferenceInput& input) {
  SelectOptions options{.keep = input.keep.value(),
                        .policy = input.policy,
                        .class_balance = input.balance.value(),
                        .balance_by = input.balance_by,
                        .seed = Seed{input.seed}};
  if (input.keep_count > 0) options.keep_count = input.keep_count;
  return select(input.scores, input.labels, input.labels.empty() ? 0 : input.n_classes, options);
}

RC_GTEST_PROP(SelectProperty, AgreesWithTheReference, ()) {
  const ReferenceInput input = any_input();
  const Reference expected = reference_select(input);
  const Selection selection = run(input);
  RC_ASSERT(static_cast<std::int64_t>(selection.ids.size()) == expected.k);
  for (std::size_t i = 0; i < input.scores.size(); ++i) {
    const Outcome outcome = selection.outcomes[i];
    RC_ASSERT(is_kept(outcome) == expected.kept[i]);
    const bool by_rank = outcome == Outcome::kept || outcome == Outcome::dropped_for_balance;
    RC_ASSERT(by_rank == expected.by_rank[i]);
  }
  for (std::size_t c = 0; c < expected.floors.size(); ++c) {
    RC_ASSERT(selection.audit.classes[c].floor == expected.floors[c]);
  }
}

RC_GTEST_PROP(SelectProperty, IdsAreSortedUniqueAndMatchOutcomes, ()) {
  const Selection selection = run(any_input());
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < selection.outcomes.size(); ++i) {
    if (is_kept(selection.outcomes[i])) kept.push_back(static_cast<std::int64_t>(i));
  }
  RC_ASSERT(selection.ids == kept);
}

RC_GTEST_PROP(SelectProperty, FloorsAreMetAndNeverExceedK, ()) {
  const ReferenceInput input = any_input();
  const Selection selection = run(input);
  std::int64_t sum = 0;
  for (const ClassAudit& entry : selection.audit.classes) {
    RC_ASSERT(entry.kept >= entry.floor);
    sum += entry.floor;
  }
  RC_ASSERT(sum <= static_cast<std::int64_t>(selection.ids.size()));
}

/// A dropped example outranks a kept one only where the kept one is within its class's floor.
RC_GTEST_PROP(SelectProperty, RankDecidesUnlessAFloorSaysOtherwise, ()) {
  const ReferenceInput input = any_input();
  const Selection selection = run(input);
  const std::vector<std::int64_t> order = reference_order(input);
  std::vector<std::int64_t> seen(static_cast<std::size_t>(input.n_classes));
  bool dropped_before = false;
  for (const std::int64_t id : order) {
    if (!is_kept(selection.outcomes[id])) {
      dropped_before = true;
      continue;
    }
    if (input.labels.empty()) {
      RC_ASSERT(!dropped_before);
      continue;
    }
    const std::int32_t label = input.labels[id];
    const std::int64_t place = ++seen[label];
    RC_ASSERT(!dropped_before || place <= selection.audit.classes[label].floor);
  }
}

/// Everything that outranks the cut is kept.
RC_GTEST_PROP(SelectProperty, CutIsAThreshold, ()) {
  const ReferenceInput input = any_input();
  const Selection selection = run(input);
  RC_PRE(selection.cut.has_value());
  const double sign = input.policy == Policy::hard ? 1.0 : -1.0;
  for (std::size_t i = 0; i < input.scores.size(); ++i) {
    if (sign * input.scores[i] > sign * *selection.cut) RC_ASSERT(is_kept(selection.outcomes[i]));
  }
}

}  // namespace
}  // namespace winnow::selection
