#pragma once

#include <cstdint>
#include <optional>

#include "cli/command.hpp"
#include "winnow/experiments/evaluate.hpp"

namespace winnow::cli {

/// Training options as typed: the learners and the networks share flags but not defaults, so what
/// was not given stays unset.
struct TrainingArguments {
  std::optional<std::int64_t> iterations;
  std::optional<std::int64_t> batch_size;
  std::optional<double> learning_rate;
  std::optional<double> momentum;
  std::optional<double> weight_decay;
  experiments::TrainingOptions options;
};

/// --match.
FieldInfo match_info();

void bind_training_options(CLI::App& command, TrainingArguments& arguments);

/// Typed values over defaults. @throws InvalidArgument for one out of range.
experiments::TrainingOptions resolve(const TrainingArguments& arguments);

}  // namespace winnow::cli
