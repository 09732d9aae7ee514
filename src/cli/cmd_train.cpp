#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <numeric>
#include <utility>

#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/training_options.hpp"
#include "cli/training_source.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/experiments/evaluate.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::cli {

namespace {

struct TrainArguments {
  TrainingSource source;
  std::string subset;
  std::string model = "linear";
  std::int64_t seeds = 1;
  std::string initial;
  std::string teacher;
  experiments::LogOptions log;
  TrainingArguments training;
};

std::vector<std::int64_t> read_ids(const TrainArguments& arguments,
                                   const TrainingMaterial& material) {
  const auto n = static_cast<std::int64_t>(material.labels.values.size());
  if (arguments.subset.empty()) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
  }
  io::Subset subset = io::read_subset(arguments.subset);
  require_same_dataset(subset.fingerprint, arguments.subset, material.fingerprint,
                       "the training data");
  if (subset.dataset_size > 0) {
    io::require_same_length(subset.dataset_size, arguments.subset + " (its dataset)", n,
                            "the training data");
  }
  if (subset.ids.back() >= n) {
    throw BadFile(fmt::format("{}: row {} is {}; expected sample ids of the {} training examples",
                              arguments.subset, subset.ids.size() - 1, subset.ids.back(), n));
  }
  return subset.ids;
}

/// The folder of one of the run's trainings: the run's own when there is one only.
experiments::TrainingFolder folder_of(const Session& session, const TrainArguments& arguments,
                                      const TrainingMaterial& material, Seed seed) {
  std::filesystem::path folder = session.out();
  if (arguments.seeds > 1) {
    folder = folder / "trainings" / fmt::format("{}-s{}", arguments.model, seed.value);
  }
  return {.folder = folder,
          .initial = arguments.initial,
          .teacher = arguments.teacher,
          .resume = session.common.resume,
          .log = arguments.log,
          .fingerprint = material.fingerprint,
          .test_fingerprint = material.test_fingerprint()};
}

/// Trains with every seed; what each leaves is added to `files`, relative to the run.
std::vector<experiments::CellResult> train_all(Session& session, const TrainArguments& arguments,
                                               const TrainingMaterial& material,
                                               std::span<const std::int64_t> ids,
                                               std::vector<std::string>& files) {
  const auto options = resolve(arguments.training);
  const auto n = static_cast<std::int64_t>(material.labels.values.size());
  const double keep = static_cast<double>(ids.size()) / static_cast<double>(n);
  const std::string policy = arguments.subset.empty() ? "full" : "subset";
  const bool network = experiments::is_network(arguments.model);
  const std::int64_t steps =
      network ? experiments::network_steps(options, static_cast<std::int64_t>(ids.size()), n) : 0;
  std::vector<experiments::CellResult> results;
  for (std::int64_t s = 0; s < arguments.seeds; ++s) {
    const Seed seed{session.common.seed + static_cast<std::uint64_t>(s)};
    const auto folder = folder_of(session, arguments, material, seed);
    // A killed training may have left some.
    if (std::filesystem::is_directory(folder.folder)) remove_temporaries(folder.folder);
    session.terminal.stage(fmt::format("train {} (seed {})", arguments.model, seed.value), steps,
                           network ? "steps" : "");
    results.push_back({{arguments.model, "", policy, keep, seed.value},
                       experiments::train_model(arguments.model, material.data(), ids, options,
                                                seed, folder, session.terminal)});
    const auto& outcome = results.back().outcome;
    session.terminal.done(fmt::format("test error {:.2f} %", 100.0 * outcome.test_error));
    for (const auto& warning : outcome.warnings) session.terminal.warn(warning);
    for (const auto& file : outcome.files) {
      files.push_back(std::filesystem::relative(folder.folder / file, session.out()).string());
    }
  }
  return results;
}

/// Removes what an earlier run left that this one, now complete, did not write: it must not be
/// taken for this one's. Nothing is removed before, so that a run that fails costs nothing.
void remove_leftovers(const std::filesystem::path& out, const std::vector<std::string>& files) {
  for (const char* name :
       {"checkpoint.safetensors", "curves.csv", "model.safetensors", "dynamics", "trainings"}) {
    const bool written = std::ranges::any_of(files, [&](const std::string& file) {
      return *std::filesystem::path(file).begin() == name;
    });
    if (!written) std::filesystem::remove_all(out / name);
  }
}

void train(Session& session, TrainArguments arguments) {
  require_out_folder(session, "the run folder to write", true);
  arguments.log.validate();
  arguments.source.resolve();
  experiments::require_models({arguments.model});
  check_range(static_cast<double>(arguments.seeds), {.name = "seeds", .help = "", .min = 1});
  (void)resolve(arguments.training);
  const TrainingMaterial material =
      read_material(arguments.source, {arguments.model}, session.seed(), session.terminal);
  const auto ids = read_ids(arguments, material);
  std::vector<std::string> files{"results.csv", "timing.csv", "test_correct.npy"};
  const auto results = train_all(session, arguments, material, ids, files);
  Matrix<std::uint8_t> correct(arguments.seeds,
                               static_cast<std::int64_t>(material.test_labels.values.size()));
  for (std::size_t s = 0; s < results.size(); ++s) {
    std::ranges::copy(results[s].outcome.test_correct,
                      correct.row(static_cast<std::int64_t>(s)).begin());
  }
  experiments::write_results(session.out(), results);
  io::write_npy_bool(session.out() / "test_correct.npy", std::as_const(correct).view());
  const auto summary = experiments::summarize(results).front();
  Json json = {{"model", arguments.model},
               {"n_train", summary.n_train},
               {"seeds", summary.seeds},
               {"iterations", results.front().outcome.iterations},
               {"epochs_seen", results.front().outcome.epochs_seen},
               {"test_error", summary.test_error},
               {"standard_error", summary.standard_error},
               {"train_loss", results.front().outcome.train_loss}};
  RunInfo run;
  run.kind = "training";
  run.command = session.arguments;
  run.inputs = material.inputs;
  run.files = files;
  run.options = {{"data", arguments.source.data.data},
                 {"subset", arguments.subset},
                 {"model", arguments.model}};
  run.results = json;
  write_run(session.out(), run);
  for (const auto& result : results) {
    const Seed seed{result.cell.seed};
    const auto folder = folder_of(session, arguments, material, seed).folder;
    std::filesystem::remove(experiments::checkpoint_of(folder));
  }
  remove_leftovers(session.out(), files);
  json["out"] = session.common.out;
  const std::string spread =
      summary.seeds > 1 ? fmt::format(" +- {:.2f}", 100.0 * summary.standard_error) : std::string();
  session.print(
      json, fmt::format("{}: {} on {} of {} examples, {} iterations ({:.1f} passes): test "
                        "error {:.2f}{} %\n",
                        session.common.out, arguments.model, ids.size(),
                        material.labels.values.size(), results.front().outcome.iterations,
                        results.front().outcome.epochs_seen, 100.0 * summary.test_error, spread));
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "train", "Train a model on a subset and measure its test error.",
      Output::resume,
      "Run folder to write: run.json, results.csv, test_correct.npy; of a network also "
      "model.safetensors and curves.csv. --resume goes on at a network's last whole pass.",
      "Examples:\n"
      "  winnow train --data fashion-mnist --subset kept/keep.npy --model linear --out "
      "runs/linear\n"
      "  winnow train --data fashion-mnist --model resnet8 --epochs 10 --out runs/resnet8\n"
      "  winnow train --data cifar10:DIR --model resnet18 --epochs 30 --log-dynamics --out "
      "runs/r18\n"
      "  winnow train --data cifar10:DIR --model vit-ti --optimizer adamw --init w.safetensors \\\n"
      "               --normalisation imagenet --out runs/vit\n"
      "  winnow train --embeddings emb.npy --labels y.npy --test-embeddings emb-test.npy \\\n"
      "               --test-labels y-test.npy --model mlp --seeds 10 --out runs/mlp");
  auto arguments = std::make_shared<TrainArguments>();
  TrainArguments& a = *arguments;
  command
      .add_option("--model", a.model,
                  fmt::format("linear and mlp learn from embeddings, networks from images: {}.",
                              fmt::join(enum_choices<train::NetworkModel>(), ", ")))
      ->type_name("NAME")
      ->capture_default_str();
  bind_data(command, a.source.data, "Dataset; also gives labels and test split.",
            "Test set, where --data has no test split.");
  command.add_option("--subset", a.subset, "Sample ids to train on; default: all.")
      ->type_name("FILE.npy");
  command.add_option("--embeddings", a.source.embeddings, "Rows for linear and mlp, [n, d].")
      ->type_name("FILE.npy");
  command.add_option("--labels", a.source.labels, "Classes of --embeddings.")
      ->type_name("FILE|SPEC");
  bind_test_rows(command, a.source);
  command
      .add_option("--init", a.initial,
                  "Weights a network starts from, named as torchvision names them.")
      ->type_name("FILE.safetensors");
  command
      .add_option("--teacher", a.teacher,
                  "Run of a network, or its weights, whose probabilities a network learns from.")
      ->type_name("RUN");
  bind_options(command, a.log);
  bind_option(command, a.seeds,
              {.name = "seeds", .help = "Trainings, from --seed upwards.", .min = 1});
  bind_training_options(command, a.training);
  bind_reading(command, a.source.data);
  on_run(command, session, [&session, arguments] { train(session, *arguments); });
}

}  // namespace winnow::cli
