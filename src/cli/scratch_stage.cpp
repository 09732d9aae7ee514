#include "cli/scratch_stage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

constexpr const char* iterations_flag = "--train-iterations";

}  // namespace

void bind_scratch_options(CLI::App& command, ScratchArguments& arguments) {
  command
      .add_option("--model", arguments.models,
                  fmt::format("What is trained to score --data or --embeddings from scratch, a "
                              "comma list that the runs take in turn: {}.",
                              fmt::join(experiments::model_names(), ", ")))
      ->type_name("LIST")
      ->capture_default_str();
  command
      .add_option("--work", arguments.work,
                  "Folder for the trainings of scoring from scratch. Finished ones that are there "
                  "are taken over, for whatever metric they were made.")
      ->type_name("DIR")
      ->default_str("--out without .npy");
  experiments::MetricTrainingOptions::fields(
      arguments.options,
      [&command]<class T>(T& value, const FieldInfo& info) { bind_option(command, value, info); });
  bind_option(command, arguments.options.storage,
              {.name = "log-dtype", .help = "Numbers of the logs of these trainings."});
  bind_training_options(command, arguments.training, iterations_flag);
}

std::vector<std::string> scratch_option_names() {
  auto names = training_option_names(iterations_flag + 2);
  for (const char* name : {"model", "work", "log-dtype", "test-data", "test-embeddings",
                           "test-labels", "runs", "subset-fraction"}) {
    names.emplace_back(name);
  }
  return names;
}

void check(ScratchArguments& arguments) {
  arguments.options.models = split_list(arguments.models);
  arguments.options.training = resolve(arguments.training);
  arguments.options.validate();
  arguments.source.resolve();
  experiments::require_models(arguments.options.models);
}

ScratchRuns train_for(const metrics::Metric& metric, const ScratchArguments& arguments,
                      const std::filesystem::path& work, std::optional<std::int64_t> epoch,
                      Seed seed, Progress& progress) {
  const TrainingMaterial material =
      read_material(arguments.source, arguments.options.models, seed, progress);
  const experiments::TrainingData data = material.data();
  experiments::Planner planner(data, material.fingerprint, material.test_fingerprint());
  const auto runs =
      experiments::plan_metric(planner, metric, data.size(), arguments.options, seed, epoch);
  make_folder(work);
  planner.run(work, true, progress);
  ScratchRuns result{.folders = {}, .labels = material.labels, .inputs = material.inputs};
  for (const auto run : runs) {
    result.folders.push_back(planner.folder(run).string());
    result.core_seconds += planner.outcome(run).core_seconds;
  }
  return result;
}

}  // namespace winnow::cli
