#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace winnow::train {

/// @throws InvalidArgument fewer than `minimum` ids, or one outside [0, n), naming its position.
void check_subset(std::span<const std::int64_t> subset, std::int64_t n, std::int64_t minimum);

/// Number of classes: one more than the largest training label.
/// @throws InvalidArgument no test examples, a negative label, fewer than two classes, or a test
///         label that is not a training class; names the row.
std::int32_t check_classes(std::span<const std::int32_t> train, std::span<const std::int32_t> test);

/// Whether `label` has the largest logit, the first of equals; false where logits are NaN.
bool predicts(std::span<const float> logits, std::int32_t label);

/// Share of zeros.
double error_rate(std::span<const std::uint8_t> correct);

}  // namespace winnow::train
