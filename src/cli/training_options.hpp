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

/// @param iterations_flag  where --iterations is taken already.
void bind_training_options(CLI::App& command, TrainingArguments& arguments,
                           const char* iterations_flag = "--iterations");
/// Names of the options bound, without dashes.
std::vector<std::string> training_option_names(const char* iterations_name = "iterations");

/// Typed values over defaults. @throws InvalidArgument for one out of range.
experiments::TrainingOptions resolve(const TrainingArguments& arguments);

}  // namespace winnow::cli
