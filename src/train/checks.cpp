#include "train/checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "winnow/core/error.hpp"

namespace winnow::train {

namespace {
/// Above it a label is taken for a mistake, not for a class.
constexpr std::int32_t most_classes = 1'000'000;
}  // namespace

void check_subset(std::span<const std::int64_t> subset, std::int64_t n, std::int64_t minimum) {
  const auto count = static_cast<std::int64_t>(subset.size());
  if (count < minimum) {
    throw InvalidArgument(fmt::format(
        "the subset has {} examples; training needs at least {}; keep more", count, minimum));
  }
  for (std::size_t i = 0; i < subset.size(); ++i) {
    if (subset[i] < 0 || subset[i] >= n) {
      throw InvalidArgument(
          fmt::format("subset: position {} is id {}; expected ids in [0, {}), the training set's",
                      i, subset[i], n));
    }
  }
}

std::int32_t check_classes(std::span<const std::int32_t> train,
                           std::span<const std::int32_t> test) {
  if (test.empty()) throw InvalidArgument("the test set is empty; expected at least one example");
  std::int32_t largest = 0;
  bool several = false;
  for (std::size_t i = 0; i < train.size(); ++i) {
    if (train[i] < 0 || train[i] >= most_classes) {
      throw InvalidArgument(
          fmt::format("training labels: row {} is {}; expected a class number in [0, {}), numbered "
                      "without gaps",
                      i, train[i], most_classes));
    }
    largest = std::max(largest, train[i]);
    several = several || train[i] != train[0];
  }
  if (!several) {
    throw InvalidArgument(
        "the training labels hold fewer than two classes; training needs at least two");
  }
  const std::int32_t n_classes = largest + 1;
  for (std::size_t i = 0; i < test.size(); ++i) {
    if (test[i] < 0 || test[i] >= n_classes) {
      throw InvalidArgument(
          fmt::format("test labels: row {} is {}; expected a class of the training set, [0, {})", i,
                      test[i], n_classes));
    }
  }
  return n_classes;
}

bool predicts(std::span<const float> logits, std::int32_t label) {
  const auto truth = static_cast<std::size_t>(label);
  for (std::size_t j = 0; j < logits.size(); ++j) {
    const bool beaten = j < truth ? logits[truth] > logits[j] : logits[truth] >= logits[j];
    if (!beaten) return false;
  }
  return true;
}

double error_rate(std::span<const std::uint8_t> correct) {
  const auto wrong = std::count(correct.begin(), correct.end(), std::uint8_t{0});
  return static_cast<double>(wrong) / static_cast<double>(correct.size());
}

}  // namespace winnow::train
