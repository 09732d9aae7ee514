#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/command.hpp"
#include "cli/comparison_tables.hpp"
#include "cli/data_arguments.hpp"
#include "cli/grid.hpp"
#include "cli/label_source.hpp"
#include "cli/outputs.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/metrics/compare.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::cli {

namespace {

namespace fs = std::filesystem;

struct CompareArguments {
  std::vector<std::string> scores;
  std::string labels;
  DataArguments source;
  Grid keep{{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}};
};

/// What is compared.
struct Inputs {
  std::vector<io::Scores> scores;
  std::size_t known = 0;  ///< of scores, one whose dataset is known when there is one
  std::vector<std::string> names;
  io::Labels labels;
  std::vector<double> keep;        ///< ascending
  std::vector<std::int64_t> kept;  ///< examples at each

  std::int64_t n() const { return static_cast<std::int64_t>(scores.front().values.size()); }
  Compared compared() const { return {names, n(), keep, kept, labels.class_names}; }
};

/// A name for each file: its metric, where others have the same its file's name, else its path.
std::vector<std::string> unique_names(const std::vector<std::string>& paths,
                                      const std::vector<io::Scores>& scores) {
  std::vector<std::vector<std::string>> forms;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string stem = fs::path(paths[i]).stem().string();
    forms.push_back({scores[i].metric.empty() ? stem : scores[i].metric, stem, paths[i]});
  }
  std::vector<std::size_t> level(paths.size(), 0);
  for (;;) {
    std::map<std::string, int> count;
    for (std::size_t i = 0; i < paths.size(); ++i) ++count[forms[i][level[i]]];
    bool unique = true;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (count[forms[i][level[i]]] == 1) continue;
      unique = false;
      if (++level[i] == forms[i].size()) {
        throw InvalidArgument(fmt::format("{}: given twice; expected different scores", paths[i]));
      }
    }
    if (!unique) continue;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < paths.size(); ++i) names.push_back(forms[i][level[i]]);
    return names;
  }
}

/// Reads all scores. @throws DatasetMismatch unless they are about the same examples.
void read_scores(const std::vector<std::string>& paths, Inputs& inputs) {
  auto& scores = inputs.scores;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    scores.push_back(io::read_scores(paths[i]));
    const std::size_t known = inputs.known;
    io::require_same_length(inputs.n(), paths[0],
                            static_cast<std::int64_t>(scores[i].values.size()), paths[i]);
    require_same_dataset(scores[known].fingerprint, paths[known], scores[i].fingerprint, paths[i]);
    if (scores[i].fingerprint.known()) inputs.known = i;
  }
}

Inputs read_inputs(Session& session, CompareArguments& arguments) {
  if (arguments.scores.size() < 2) {
    throw InvalidArgument(
        fmt::format("{} scores file; expected two or more to compare", arguments.scores.size()));
  }
  arguments.source.resolve();
  Inputs inputs;
  inputs.keep = arguments.keep.values;
  std::sort(inputs.keep.begin(), inputs.keep.end());
  for (const double keep : inputs.keep) selection::SelectOptions{.keep = keep}.validate();
  read_scores(arguments.scores, inputs);
  inputs.names = unique_names(arguments.scores, inputs.scores);
  for (const double keep : inputs.keep) {
    inputs.kept.push_back(selection::SelectOptions{.keep = keep}.kept_of(inputs.n()));
  }
  inputs.labels = open_label_source(arguments.labels, arguments.source.data, inputs.n(),
                                    inputs.scores[inputs.known].fingerprint,
                                    arguments.scores[inputs.known], session.terminal)
                      .labels;
  return inputs;
}

/// The tables and, last, run.json. What an earlier run left and this one lacks goes first.
std::vector<std::string> write_folder(const Session& session, const CompareArguments& arguments,
                                      const metrics::Comparison& found, const Inputs& inputs,
                                      const Json& results) {
  const fs::path folder = session.out();
  make_folder(folder);
  for (const char* name : {"run.json", "balance.csv"}) fs::remove(folder / name);
  RunInfo run;
  run.kind = "compare";
  run.command = session.arguments;
  run.files = write_comparison(folder, found, inputs.compared());
  for (const auto& scores : inputs.scores) {
    run.inputs.insert(run.inputs.end(), scores.inputs.begin(), scores.inputs.end());
  }
  run.inputs.insert(run.inputs.end(), inputs.labels.inputs.begin(), inputs.labels.inputs.end());
  run.options = {{"scores", arguments.scores},
                 {"keep", inputs.keep},
                 {"labels", arguments.labels},
                 {"data", arguments.source.data}};
  run.results = results;
  run.results.erase("balance");  // balance.csv has it
  write_run(folder, run);
  run.files.emplace_back("run.json");
  return run.files;
}

void compare(Session& session, CompareArguments& arguments) {
  require_out_folder(session, "the folder to write");
  const Inputs inputs = read_inputs(session, arguments);
  std::vector<std::span<const double>> scores;
  for (const auto& each : inputs.scores) scores.emplace_back(each.values);
  const auto found = metrics::compare(scores, inputs.kept, inputs.labels.values,
                                      static_cast<std::int64_t>(inputs.labels.class_names.size()),
                                      session.terminal);
  Json json = comparison_json(found, inputs.compared());
  const auto files = write_folder(session, arguments, found, inputs, json);
  json["out"] = session.common.out;
  json["files"] = files;
  session.print(json, comparison_text(found, inputs.compared()));
}

}  // namespace

void add_compare(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "compare", "Say how far scores agree, and what they do to the classes.",
      Output::replace, "Folder to write: the tables as CSV, and run.json.",
      "Examples:\n"
      "  winnow compare el2n.npy forgetting.npy self-prototypes.npy --out compared\n"
      "  winnow compare a.npy b.npy --labels y.npy --keep 0.05,0.1,0.5 --out compared --json");
  auto arguments = std::make_shared<CompareArguments>();
  command
      .add_option("SCORES", arguments->scores,
                  "Scores of the same examples, two or more, larger is harder.")
      ->type_name("FILE.npy")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--labels", arguments->labels,
                  "Classes, for their balance: .npy, CSV, or a dataset SPEC.")
      ->type_name("FILE|SPEC");
  bind_data(command, arguments->source, "Dataset of the scores: gives labels unless --labels does.",
            "");
  bind_option(command, arguments->keep,
              {.name = "keep",
               .help = "Fractions of the examples that stay, for overlap and class balance, in "
                       "(0, 1]."});
  bind_reading(command, arguments->source);
  on_run(command, session, [&session, arguments] { compare(session, *arguments); });
}

}  // namespace winnow::cli
