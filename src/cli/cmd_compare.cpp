#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/command.hpp"
#include "cli/data_arguments.hpp"
#include "cli/grid.hpp"
#include "cli/label_source.hpp"
#include "cli/outputs.hpp"
#include "cli/stages.hpp"
#include "cli/table.hpp"
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

/// A square matrix with the scores' names; for the terminal numbers stand for them in the head.
Table matrix_table(const Matrix<double>& matrix, const Inputs& inputs, bool for_terminal) {
  Table table;
  table.columns = {"score"};
  for (std::size_t b = 0; b < inputs.names.size(); ++b) {
    table.columns.push_back(for_terminal ? fmt::format("{:>6}", fmt::format("[{}]", b + 1))
                                         : inputs.names[b]);
  }
  for (std::int64_t a = 0; a < matrix.rows(); ++a) {
    const std::string& name = inputs.names[static_cast<std::size_t>(a)];
    auto& row = table.rows.emplace_back();
    row.emplace_back(for_terminal ? fmt::format("[{}] {}", a + 1, name) : name);
    for (const double value : matrix.row(a)) {
      row.push_back(!for_terminal       ? Json(value)
                    : std::isnan(value) ? Json("undef.")
                                        : Json(fmt::format("{:6.3f}", value)));
    }
  }
  return table;
}

Table overlap_table(const metrics::Comparison& found, const Inputs& inputs) {
  Table table;
  table.columns = {"score_a", "score_b", "keep", "kept", "jaccard"};
  for (std::size_t a = 0; a < inputs.names.size(); ++a) {
    for (std::size_t b = a + 1; b < inputs.names.size(); ++b) {
      for (std::size_t f = 0; f < inputs.keep.size(); ++f) {
        const double jaccard =
            found.overlap[f](static_cast<std::int64_t>(a), static_cast<std::int64_t>(b));
        table.rows.push_back(
            {inputs.names[a], inputs.names[b], inputs.keep[f], inputs.kept[f], jaccard});
      }
    }
  }
  return table;
}

/// Share of each class that stays; null for classes without examples.
std::vector<Json> retention(const metrics::ClassBalance& balance,
                            const std::vector<std::int64_t>& sizes) {
  std::vector<Json> shares;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    shares.push_back(
        sizes[c] == 0 ? Json()
                      : Json(static_cast<double>(balance.kept[c]) / static_cast<double>(sizes[c])));
  }
  return shares;
}

double least_retention(const metrics::ClassBalance& balance,
                       const std::vector<std::int64_t>& sizes) {
  double least = 1.0;
  for (const Json& share : retention(balance, sizes)) {
    if (!share.is_null()) least = std::min(least, share.get<double>());
  }
  return least;
}

/// Calls visit(name, policy, f, balance) for every score, end and fraction.
template <class Visit>
void visit_balance(const metrics::Comparison& found, const Inputs& inputs, const Visit& visit) {
  for (std::size_t s = 0; s < found.hardest.size(); ++s) {
    for (std::size_t f = 0; f < inputs.keep.size(); ++f) {
      visit(inputs.names[s], "hard", f, found.hardest[s][f]);
      visit(inputs.names[s], "easy", f, found.easiest[s][f]);
    }
  }
}

Table balance_table(const metrics::Comparison& found, const Inputs& inputs) {
  Table table;
  table.columns = {"score", "policy",     "keep",       "kept",       "entropy",  "entropy_before",
                   "class", "class_name", "class_size", "class_kept", "retention"};
  visit_balance(
      found, inputs,
      [&](const std::string& name, const char* policy, std::size_t f,
          const metrics::ClassBalance& balance) {
        const auto shares = retention(balance, found.class_sizes);
        for (std::size_t c = 0; c < shares.size(); ++c) {
          table.rows.push_back({name, policy, inputs.keep[f], inputs.kept[f], balance.entropy,
                                found.entropy, c, inputs.labels.class_names[c],
                                found.class_sizes[c], balance.kept[c], shares[c]});
        }
      });
  return table;
}

/// A row for each entry of `rows`, a column for each fraction kept.
Table by_keep(const std::string& title, const Inputs& inputs) {
  Table table;
  table.columns = {title};
  for (const double keep : inputs.keep) table.columns.push_back(fmt::format("{:>5.4g}", keep));
  return table;
}

std::string share_text(double share) { return fmt::format("{:.3f}", share); }

std::string overlap_text(const metrics::Comparison& found, const Inputs& inputs) {
  Table table = by_keep("keep", inputs);
  auto& chance = table.rows.emplace_back();
  chance.emplace_back("(by chance)");
  for (const std::int64_t kept : inputs.kept) {
    const auto k = static_cast<double>(kept);
    chance.emplace_back(share_text(k / (2.0 * static_cast<double>(inputs.n()) - k)));
  }
  for (std::size_t a = 0; a < inputs.names.size(); ++a) {
    for (std::size_t b = a + 1; b < inputs.names.size(); ++b) {
      auto& row = table.rows.emplace_back();
      row.emplace_back(fmt::format("[{}] and [{}]", a + 1, b + 1));
      for (const auto& overlap : found.overlap) {
        row.emplace_back(
            share_text(overlap(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b))));
      }
    }
  }
  return "\nOverlap (Jaccard) of the hardest examples, by the fraction kept\n" + table.text();
}

std::string balance_text(const metrics::Comparison& found, const Inputs& inputs) {
  if (found.hardest.empty()) {
    return "\nNo class balance: no labels were given (--labels or --data).\n";
  }
  Table entropy = by_keep("keep", inputs);
  Table least = by_keep("keep", inputs);
  for (std::size_t s = 0; s < inputs.names.size(); ++s) {
    const std::string name = fmt::format("[{}] {}", s + 1, inputs.names[s]);
    auto& entropies = entropy.rows.emplace_back();
    auto& shares = least.rows.emplace_back();
    entropies.emplace_back(name);
    shares.emplace_back(name);
    for (const auto& balance : found.hardest[s]) {
      entropies.emplace_back(share_text(balance.entropy));
      shares.emplace_back(share_text(least_retention(balance, found.class_sizes)));
    }
  }
  return fmt::format(
      "\nClass entropy of the hardest examples (1: all classes equal; all data: {})\n{}"
      "\nShare that stays of the class that keeps least, keeping the hardest\n{}",
      share_text(found.entropy), entropy.text(), least.text());
}

std::string report_text(const metrics::Comparison& found, const Inputs& inputs) {
  std::string text = fmt::format("{} scores of {} examples\n", inputs.names.size(), inputs.n());
  text += "\nSpearman's rank correlation\n" + matrix_table(found.spearman, inputs, true).text();
  text += "\nKendall's tau-b\n" + matrix_table(found.kendall, inputs, true).text();
  const std::span<const double> diagonal(found.spearman.data(),
                                         static_cast<std::size_t>(found.spearman.size()));
  if (std::any_of(diagonal.begin(), diagonal.end(),
                  [](double value) { return std::isnan(value); })) {
    text += "undef.: undefined, since all scores of one of the two are equal\n";
  }
  return text + overlap_text(found, inputs) + balance_text(found, inputs);
}

Json matrix_json(const Matrix<double>& matrix) {
  Json rows = Json::array();
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    Json row = Json::array();
    for (const double value : matrix.row(i)) row.push_back(value);  // NaN becomes null
    rows.push_back(std::move(row));
  }
  return rows;
}

Json comparison_json(const metrics::Comparison& found, const Inputs& inputs) {
  Json json = {{"n", inputs.n()},
               {"scores", inputs.names},
               {"spearman", matrix_json(found.spearman)},
               {"kendall", matrix_json(found.kendall)},
               {"keep", inputs.keep},
               {"kept", inputs.kept}};
  json["overlap"] = Json::array();
  for (const auto& overlap : found.overlap) json["overlap"].push_back(matrix_json(overlap));
  if (found.hardest.empty()) return json;
  json["classes"] = inputs.labels.class_names;
  json["entropy_before"] = found.entropy;
  json["balance"] = Json::array();
  visit_balance(
      found, inputs,
      [&](const std::string& name, const char* policy, std::size_t f,
          const metrics::ClassBalance& balance) {
        json["balance"].push_back({{"score", name},
                                   {"policy", policy},
                                   {"keep", inputs.keep[f]},
                                   {"entropy", balance.entropy},
                                   {"least_retention", least_retention(balance, found.class_sizes)},
                                   {"retention", retention(balance, found.class_sizes)}});
      });
  return json;
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
  const auto write = [&](const char* name, const Table& table) {
    write_file(folder / name, table.csv());
    run.files.emplace_back(name);
  };
  write("spearman.csv", matrix_table(found.spearman, inputs, false));
  write("kendall.csv", matrix_table(found.kendall, inputs, false));
  write("overlap.csv", overlap_table(found, inputs));
  if (!found.hardest.empty()) write("balance.csv", balance_table(found, inputs));
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
  Json json = comparison_json(found, inputs);
  const auto files = write_folder(session, arguments, found, inputs, json);
  json["out"] = session.common.out;
  json["files"] = files;
  session.print(json, report_text(found, inputs));
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
