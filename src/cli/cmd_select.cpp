#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/data_arguments.hpp"
#include "cli/label_source.hpp"
#include "cli/outputs.hpp"
#include "cli/policy_options.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/selection/export.hpp"
#include "winnow/selection/select.hpp"

namespace winnow::cli {

namespace {

struct SelectArguments {
  std::string scores;
  std::string labels;
  PolicyFiles files_of_policy;
  DataArguments source;
  std::string formats;
  bool dry_run = false;
  selection::SelectOptions options;
  selection::FileMode files = selection::FileMode::none;
};

void select(Session& session, const CLI::App& command, SelectArguments arguments) {
  if (!arguments.dry_run) {
    require_out_folder(session, "the folder to write (or give --dry-run)");
  }
  arguments.source.resolve();
  arguments.options.seed = session.seed();
  arguments.options.validate();
  refuse_foreign_policy_options(command, arguments.options.policy);
  check_policy_files(arguments.files_of_policy, arguments.options.policy);
  const selection::ExportOptions exports{selection::parse_formats(arguments.formats),
                                         arguments.files};
  io::Scores scores = io::read_scores(arguments.scores);
  const auto n = static_cast<std::int64_t>(scores.values.size());
  const LabelSource source_of_labels =
      open_label_source(arguments.labels, arguments.source.data, n, scores.fingerprint,
                        arguments.scores, session.terminal);
  const io::Labels& labels = source_of_labels.labels;
  arguments.options.kept_of(n);  // what is too much, before embeddings are read
  const PolicyInputs more =
      read_policy_files(arguments.files_of_policy, scores, arguments.scores, session.terminal);
  selection::Examples examples{
      .scores = scores.values, .labels = labels.values, .class_names = labels.class_names};
  more.show(examples);
  const auto chosen = selection::select(examples, arguments.options, session.terminal);
  Json summary = {{"n", n},
                  {"kept", chosen.ids.size()},
                  {"policy", enum_name(arguments.options.policy)},
                  {"audit", selection::audit_json(chosen.audit)}};
  std::string text;
  for (const auto& line : selection::format_audit(chosen.audit)) text += line + "\n";
  if (!arguments.dry_run) {
    selection::Source source{.scores = scores.values,
                             .labels = labels.values,
                             .dataset = source_of_labels.dataset.get(),
                             .fingerprint = known_of(scores.fingerprint, labels.fingerprint),
                             .inputs = scores.inputs,
                             .details = {{"metric", scores.metric}}};
    source.inputs.insert(source.inputs.end(), labels.inputs.begin(), labels.inputs.end());
    more.add_to(source.inputs);
    const auto files =
        selection::write_selection(session.out(), chosen, source, exports, session.terminal);
    summary["out"] = session.common.out;
    summary["files"] = files;
    text += fmt::format("{}: {} of {} examples kept\n", (session.out() / "keep.npy").string(),
                        chosen.ids.size(), n);
  }
  session.print(summary, text);
}

}  // namespace

void add_select(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "select", "Turn scores into the subset that stays.", Output::replace,
      "Folder to write: keep.npy, keep.json and what --write asks for.",
      "Examples:\n"
      "  winnow select --scores s.npy --keep 0.3 --policy hard --out kept\n"
      "  winnow select --scores s.npy --labels y.csv --keep-count 15000 --dry-run\n"
      "  winnow select --scores s.npy --data images:photos --keep 0.5 --write keys,dropped \\\n"
      "                --files link --out kept\n"
      "  winnow select --scores s.npy --keep 0.2 --policy stratified --cut-off 0.2 --out kept\n"
      "  winnow select --scores s.npy --keep 0.2 --policy density --clustering clusters \\\n"
      "                --out kept\n"
      "  winnow select --scores s.npy --keep 0.2 --policy d2 --embeddings emb.npy --out kept\n"
      "  winnow select --scores s.npy --keep 0.2 --policy balanced --clustering hierarchy \\\n"
      "                --out kept");
  auto arguments = std::make_shared<SelectArguments>();
  command
      .add_option("--scores", arguments->scores, "Difficulty of every example, larger is harder.")
      ->type_name("FILE.npy")
      ->required();
  command
      .add_option("--labels", arguments->labels,
                  "Classes, for balance and audit: .npy, CSV, or a dataset SPEC.")
      ->type_name("FILE|SPEC");
  bind_data(command, arguments->source,
            "Dataset of the scores: gives keys, images, and labels unless --labels does.", "");
  bind_options(command, arguments->options);
  command
      .add_option("--keep-count", arguments->options.keep_count,
                  help_text(selection::SelectOptions::keep_count_info()))
      ->type_name("INTEGER")
      ->excludes(command.get_option("--keep"));
  bind_exports(command, arguments->formats, arguments->files);
  command.add_flag("--dry-run", arguments->dry_run, "Print the audit, write nothing.");
  bind_policy_files(command, arguments->files_of_policy);
  bind_policy_options(command, arguments->options);
  bind_reading(command, arguments->source);
  on_run(command, session,
         [&session, &command, arguments] { select(session, command, *arguments); });
}

}  // namespace winnow::cli
