#include "cli/training_options.hpp"

#include <fmt/format.h>

#include <string_view>

namespace winnow::cli {

namespace {

/// Fields that learners and networks both have.
constexpr const char* shared[] = {"iterations", "batch-size", "learning-rate", "momentum",
                                  "weight-decay"};

bool is_shared(std::string_view name) {
  return std::find(std::begin(shared), std::end(shared), name) != std::end(shared);
}

template <class T>
void bind_optional(CLI::App& command, std::optional<T>& value, const char* flag, const char* help,
                   T learner, T network) {
  command.add_option(flag, value, help)
      ->type_name(std::is_floating_point_v<T> ? "NUMBER" : "INTEGER")
      ->default_str(fmt::format("{} for linear and mlp, {} for networks", learner, network));
}

template <class Options>
void apply(const TrainingArguments& arguments, Options& options) {
  options.iterations = arguments.iterations.value_or(options.iterations);
  options.batch_size = arguments.batch_size.value_or(options.batch_size);
  options.learning_rate = arguments.learning_rate.value_or(options.learning_rate);
  options.momentum = arguments.momentum.value_or(options.momentum);
  options.weight_decay = arguments.weight_decay.value_or(options.weight_decay);
  options.validate();
}

}  // namespace

FieldInfo match_info() {
  return {.name = "match",
          .help =
              "What subsets of different size have in common: steps, or passes over their own "
              "examples (fewer steps for smaller subsets)."};
}

void bind_training_options(CLI::App& command, TrainingArguments& arguments,
                           const char* iterations_flag) {
  auto& learner = arguments.options.learner;
  auto& network = arguments.options.network;
  bind_optional(command, arguments.iterations, iterations_flag,
                "Gradient steps, equal for every subset; 0 gives a network --epochs.",
                learner.iterations, network.iterations);
  bind_optional(command, arguments.batch_size, "--batch-size", "Examples in a step.",
                learner.batch_size, network.batch_size);
  bind_optional(command, arguments.learning_rate, "--learning-rate",
                "Peak step size; the schedule ends at zero; 0 lets linear and mlp choose.",
                learner.learning_rate, network.learning_rate);
  bind_optional(command, arguments.momentum, "--momentum", "Nesterov momentum. In [0, 1).",
                learner.momentum, network.momentum);
  bind_optional(command, arguments.weight_decay, "--weight-decay", "L2 penalty of the weights.",
                learner.weight_decay, network.weight_decay);
  const auto bind_own = [&command]<class T>(T& value, const FieldInfo& info) {
    const std::string_view name(info.name);
    if (name != "model" && !is_shared(name)) bind_option(command, value, info);
  };
  train::LearnerOptions::fields(learner, bind_own);
  train::NetworkOptions::fields(network, bind_own);
  bind_option(command, arguments.options.match, match_info());
}

std::vector<std::string> training_option_names(const char* iterations_name) {
  std::vector<std::string> names{iterations_name, match_info().name};
  for (const auto& fields :
       {field_names<train::LearnerOptions>(), field_names<train::NetworkOptions>()}) {
    std::ranges::copy_if(fields, std::back_inserter(names), [](const std::string& name) {
      return name != "model" && name != "iterations";
    });
  }
  return names;
}

experiments::TrainingOptions resolve(const TrainingArguments& arguments) {
  experiments::TrainingOptions options = arguments.options;
  apply(arguments, options.learner);
  apply(arguments, options.network);
  return options;
}

}  // namespace winnow::cli
