#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/benchmark_spec.hpp"
#include "cli/command.hpp"
#include "cli/comparison_tables.hpp"
#include "cli/outputs.hpp"
#include "cli/table.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

namespace fs = std::filesystem;

struct BenchmarkArguments {
  std::string spec;
  std::string data;
  std::string test_data;
};

/// Fractions at which rankings are compared.
constexpr double compared_keeps[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

/// What was compared, and how.
struct Agreement {
  Compared compared;
  metrics::Comparison found;
};

Agreement compare_scores(const experiments::BenchmarkResult& result, const io::Labels& labels,
                         Progress& progress) {
  Agreement agreement;
  std::vector<std::span<const double>> scores;
  for (const auto& score : result.scores) {
    scores.emplace_back(score.values);
    agreement.compared.names.push_back(score.name);
  }
  for (const auto& score : result.cluster_study) {
    scores.emplace_back(score.values);
    agreement.compared.names.push_back(score.name);
  }
  agreement.compared.n = static_cast<std::int64_t>(labels.values.size());
  agreement.compared.class_names = labels.class_names;
  for (const double keep : compared_keeps) {
    agreement.compared.keep.push_back(keep);
    agreement.compared.kept.push_back(
        selection::SelectOptions{.keep = keep}.kept_of(agreement.compared.n));
  }
  agreement.found =
      metrics::compare(scores, agreement.compared.kept, labels.values,
                       static_cast<std::int64_t>(labels.class_names.size()), progress);
  return agreement;
}

Table summary_table(const std::vector<experiments::BenchmarkSummary>& summaries) {
  Table table;
  table.columns = {
      "model",        "metric",      "policy",           "keep",      "n_train",
      "seeds",        "test_error",  "standard_error",   "over_full", "over_full_error",
      "matches_full", "over_random", "over_random_error"};
  for (const auto& s : summaries) {
    const auto& cell = s.cell;
    table.rows.push_back({cell.model, cell.metric, cell.policy, cell.keep, cell.n_train, cell.seeds,
                          cell.test_error, cell.standard_error, s.over_full, s.over_full_error,
                          std::isnan(s.over_full_error) ? Json() : Json(s.matches_full()),
                          s.over_random, s.over_random_error});
  }
  return table;
}

Table cost_table(const std::vector<experiments::BenchmarkCost>& costs) {
  Table table;
  table.columns = {"metric",
                   "model",
                   "trainings",
                   "core_seconds",
                   "full_core_seconds",
                   "keep",
                   "trainings_to_repay"};
  for (const auto& cost : costs) {
    table.rows.push_back(
        {cost.metric, cost.model, cost.trainings, cost.core_seconds, cost.full_core_seconds,
         cost.keep, std::isinf(cost.trainings_to_repay) ? Json() : Json(cost.trainings_to_repay)});
  }
  return table;
}

/// What a policy keeps, in words.
std::string kept_words(const std::string& policy) {
  if (policy == "hard") return "the hardest";
  if (policy == "easy") return "the easiest";
  return fmt::format("by policy {}", policy);
}

/// Test error by metric and fraction: a row a metric, full and random first.
std::string error_text(const std::vector<experiments::BenchmarkSummary>& summaries,
                       const std::string& model, const std::string& policy) {
  Table table;
  std::vector<double> keeps;
  std::vector<std::string> names;
  const auto belongs = [&](const experiments::CellSummary& cell) {
    return cell.model == model && (cell.metric.empty() || cell.policy == policy);
  };
  for (const auto& s : summaries) {
    if (!belongs(s.cell)) continue;
    const std::string name = s.cell.metric.empty() ? s.cell.policy : s.cell.metric;
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    if (std::ranges::find(keeps, s.cell.keep) == keeps.end()) keeps.push_back(s.cell.keep);
  }
  std::ranges::sort(keeps);
  table.columns = {"keep"};
  for (const double keep : keeps) table.columns.push_back(fmt::format("{:.4g}", keep));
  for (const auto& name : names) {
    auto& row = table.rows.emplace_back();
    row.emplace_back(name);
    row.resize(keeps.size() + 1, Json(""));
    for (const auto& s : summaries) {
      if (!belongs(s.cell) || name != (s.cell.metric.empty() ? s.cell.policy : s.cell.metric)) {
        continue;
      }
      const auto column = std::ranges::find(keeps, s.cell.keep) - keeps.begin() + 1;
      const bool marked = !s.cell.metric.empty() && s.matches_full();
      row[static_cast<std::size_t>(column)] =
          s.cell.seeds > 1 ? fmt::format("{:.2f} +- {:.2f}{}", 100.0 * s.cell.test_error,
                                         100.0 * s.cell.standard_error, marked ? " *" : "")
                           : fmt::format("{:.2f}", 100.0 * s.cell.test_error);
    }
  }
  return fmt::format(
      "\nTest error of {} in %, keeping {} (*: not above full data by more "
      "than two standard errors)\n{}",
      model, kept_words(policy), table.text());
}

std::string cost_text(const std::vector<experiments::BenchmarkCost>& costs) {
  Table table;
  table.columns = {"metric",       "model",           "trainings",
                   "core seconds", "matches down to", "trainings to repay"};
  for (const auto& cost : costs) {
    const bool useful = cost.keep < 1.0;
    table.rows.push_back(
        {cost.metric, cost.model, cost.trainings, fmt::format("{:.1f}", cost.core_seconds),
         useful ? fmt::format("{:.4g}", cost.keep) : std::string("-"),
         useful ? fmt::format("{:.1f}", cost.trainings_to_repay) : std::string("never")});
  }
  return "\nWhat each metric costs, and how many trainings on its smallest subset that still "
         "matches full data repay it\n" +
         table.text();
}

std::string result_text(const std::vector<experiments::BenchmarkSummary>& summaries,
                        const std::vector<experiments::BenchmarkCost>& costs,
                        const Agreement& agreement) {
  std::string text = spearman_text(agreement.found, agreement.compared);
  std::vector<std::pair<std::string, std::string>> shown;
  for (const auto& s : summaries) {
    if (s.cell.metric.empty()) continue;
    const std::pair<std::string, std::string> key{s.cell.model, s.cell.policy};
    if (std::ranges::find(shown, key) != shown.end()) continue;
    shown.push_back(key);
    text += error_text(summaries, key.first, key.second);
  }
  return text + cost_text(costs);
}

/// Leaves nothing of an earlier run beside this one's files.
void prepare_folder(const fs::path& folder, bool resume) {
  make_folder(folder);
  remove_temporaries(folder);
  for (const char* name : {"run.json", "results.csv", "timing.csv", "summary.csv", "costs.csv",
                           "spearman.csv", "kendall.csv", "overlap.csv", "balance.csv", "scores"}) {
    fs::remove_all(folder / name);
  }
  if (!resume) fs::remove_all(folder / "trainings");
}

RunInfo run_info(const Session& session, const BenchmarkArguments& arguments,
                 const BenchmarkSpec& spec, const TrainingMaterial& material,
                 const experiments::BenchmarkResult& result) {
  RunInfo run;
  run.kind = "benchmark";
  run.command = session.arguments;
  run.inputs = material.inputs;
  run.children = result.children;
  run.options = {{"specification", arguments.spec},
                 {"data", spec.source.data.data},
                 {"examples", spec.examples},
                 {"encoder", spec.source.encoder.text()},
                 {"seed", spec.options.seed.value}};
  std::vector<std::string> names;
  for (const auto& score : result.scores) {
    names.push_back(score.name);
    run.files.push_back("scores/" + score.name + ".npy");
  }
  for (const auto& score : result.cluster_study) {
    run.files.push_back("scores/" + score.name + ".npy");
  }
  run.options["metrics"] = names;
  run.results = {{"n", material.labels.values.size()}, {"trainings", result.children.size()}};
  return run;
}

void benchmark(Session& session, const BenchmarkArguments& arguments, bool seed_given) {
  require_out_folder(session, "the run folder to write", true);
  BenchmarkSpec spec = read_benchmark_spec(arguments.spec, arguments.data, arguments.test_data);
  if (seed_given) spec.options.seed = session.seed();
  spec.source.resolve();
  const auto models = spec.options.models();
  experiments::require_models(models);
  const TrainingMaterial material =
      read_material(spec.source, models, spec.options.seed, session.terminal, spec.examples);
  const fs::path folder = session.out();
  prepare_folder(folder, session.common.resume);
  const auto data = material.data();
  const auto result = experiments::run_benchmark(
      data, material.labels.class_names, material.fingerprint, material.test_fingerprint(),
      spec.options, folder, session.common.resume, session.terminal);
  for (const auto& score : result.scores) {
    for (const auto& warning : score.warnings) {
      session.terminal.warn(fmt::format("{}: {}", score.name, warning));
    }
  }
  const Agreement agreement = compare_scores(result, material.labels, session.terminal);
  const auto summaries = experiments::summarize_benchmark(result.cells);
  const auto costs = experiments::costs_of(result);
  RunInfo run = run_info(session, arguments, spec, material, result);
  const Table summary = summary_table(summaries);
  write_file(folder / "summary.csv", summary.csv());
  write_file(folder / "costs.csv", cost_table(costs).csv());
  for (auto& file : write_comparison(folder, agreement.found, agreement.compared)) {
    run.files.push_back(std::move(file));
  }
  for (const char* file : {"results.csv", "timing.csv", "summary.csv", "costs.csv"}) {
    run.files.emplace_back(file);
  }
  write_run(folder, run);
  session.print({{"out", session.common.out},
                 {"summary", summary.json()},
                 {"costs", cost_table(costs).json()},
                 {"comparison", comparison_json(agreement.found, agreement.compared)}},
                result_text(summaries, costs, agreement));
}

}  // namespace

void add_benchmark(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "benchmark", "Compare metrics: what they agree on, keep, and cost.",
      Output::resume,
      "Run folder to write: results.csv, summary.csv, costs.csv, rank correlations, scores/ and "
      "trainings/. --resume takes over the trainings that are finished.",
      "Examples:\n"
      "  winnow benchmark benchmarks/fashion-mnist.toml --out runs/fashion\n"
      "  winnow benchmark benchmarks/cifar10.toml --data cifar10:DIR --out runs/cifar10\n"
      "  winnow benchmark mine.toml --out runs/mine --resume");
  auto arguments = std::make_shared<BenchmarkArguments>();
  command
      .add_option("SPECIFICATION", arguments->spec, "What to compare, as docs/benchmark.md tells.")
      ->type_name("FILE.toml")
      ->required();
  command
      .add_option("--data", arguments->data, "Dataset that takes the place of the specification's.")
      ->type_name("SPEC");
  command.add_option("--test-data", arguments->test_data, "Its test set, where it has no split.")
      ->type_name("SPEC");
  on_run(command, session, [&session, &command, arguments] {
    benchmark(session, *arguments, command.count("--seed") > 0);
  });
}

}  // namespace winnow::cli
