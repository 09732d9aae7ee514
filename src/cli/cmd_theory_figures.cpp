#include <fmt/format.h>

#include "cli/outputs.hpp"
#include "cli/theory_arguments.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/theory/information.hpp"
#include "winnow/theory/phase.hpp"
#include "winnow/theory/simulate.hpp"

namespace winnow::cli {

namespace {

struct FiguresArguments {
  Grid angles{{0.0, 5.0, 10.0, 20.0, 40.0}};
  std::int64_t parameters = 200;
  std::int64_t repetitions = 16;
};

const Grid& fractions() {
  static const Grid grid = Grid::parse("keep",
                                       "0.05,0.1,0.15,0.2,0.25,0.3,0.35,0.4,0.45,0.5,0.55,"
                                       "0.6,0.65,0.7,0.75,0.8,0.85,0.9,0.95,1");
  return grid;
}

/// Writes the tables and remembers their names.
class Figures {
 public:
  Figures(Session& session, const FiguresArguments& arguments)
      : session_(session), arguments_(arguments) {}

  /// Error against data at fixed fractions; all angles.
  void curves(const std::string& name, const std::vector<double>& angles) {
    Table table{solution_columns, {}};
    const Grid alphas = Grid::parse("alpha-tot", "0.2:200:50");
    for (const double angle : angles) {
      const theory::Setting setting{.probe_angle = angle};
      for (const auto& point : theory::curves(setting, theory::Alpha::total, alphas.values,
                                              fractions().values, session_.terminal)) {
        table.rows.push_back(solution_row(setting, point));
      }
    }
    write(name, table);
  }

  void simulations(const std::string& name, const std::vector<double>& angles) {
    if (arguments_.repetitions == 0) return;
    Table table{{"probe_angle", "alpha_tot", "alpha_prune", "keep", "n_parameters", "repetitions",
                 "epsilon", "standard_error", "theory"},
                {}};
    session_.terminal.stage("simulate", static_cast<std::int64_t>(20 * angles.size()), "points");
    for (const double angle : angles) {
      for (const double keep : {1.0, 0.6, 0.3, 0.15}) {
        for (const double kept : {0.5, 1.0, 2.0, 3.0, 5.0}) {
          session_.terminal.throw_if_cancelled();
          theory::SimulationOptions options;
          options.n_parameters = arguments_.parameters;
          options.n_repetitions = static_cast<std::int32_t>(arguments_.repetitions);
          options.alpha_tot = kept / keep;
          options.keep = keep;
          options.setting.probe_angle = angle;
          options.seed = session_.seed();
          const auto found = theory::simulate(options);
          const auto expected =
              theory::solve(options.setting.keeping(keep), found.alpha_prune.mean);
          table.rows.push_back({angle, options.alpha_tot, found.alpha_prune.mean, keep,
                                options.n_parameters, arguments_.repetitions, found.epsilon.mean,
                                found.epsilon.standard_error, expected.epsilon});
          session_.terminal.advance(1);
        }
      }
    }
    session_.terminal.done("");
    write(name, table);
  }

  void phase(const std::string& name) {
    Table table{{"probe_angle", "alpha_tot", "keep", "hard", "easy", "random", "best"}, {}};
    Table lines{{"probe_angle", "keep", "alpha_tot"}, {}};
    const Grid alphas = Grid::parse("alpha-tot", "0.5:200:50");
    const double angle = 0.0;
    for (const auto& p : theory::phase(theory::Margin::absolute, angle, alphas.values,
                                       fractions().values, session_.terminal)) {
      table.rows.push_back(
          {angle, p.alpha_tot, p.keep, p.hard, p.easy, p.random, enum_name(p.best)});
    }
    for (const double keep : fractions().values) {
      if (keep == 1.0) continue;
      for (const double alpha : theory::crossings(theory::Policy::hard, theory::Policy::easy,
                                                  theory::Margin::absolute, angle, keep)) {
        lines.rows.push_back({angle, keep, alpha});
      }
    }
    write(name, table);
    write(name + "_transition", lines);
  }

  /// One line per probe angle, or per smallest fraction allowed when there are several.
  void frontiers(const std::string& name, const std::vector<double>& angles,
                 const std::vector<double>& floors) {
    Table table{solution_columns, {}};
    table.columns.emplace_back("interior");
    if (floors.size() > 1) table.columns.emplace_back("min_keep");
    const Grid alphas = Grid::parse("alpha-prune", "0.5:20:50");
    for (const double angle : angles) {
      const theory::Setting setting{.probe_angle = angle};
      for (const double min_keep : floors) {
        for (const auto& point :
             theory::frontier(setting, alphas.values, {.min_keep = min_keep}, session_.terminal)) {
          auto& row = table.rows.emplace_back(solution_row(setting, point.best));
          row.emplace_back(point.interior);
          if (floors.size() > 1) row.emplace_back(min_keep);
        }
      }
    }
    write(name, table);
  }

  void smallest_fractions(const std::string& name) {
    Table table{{"probe_angle", "alpha_prune", "best_keep", "best_epsilon", "smallest_keep"}, {}};
    const std::vector<double> alphas = {2.0, 4.0, 10.0, 30.0, 100.0};
    for (const double angle : Grid::parse("probe-angle", "1:60:20").values) {
      const auto points = theory::smallest_keep({.probe_angle = angle}, alphas, session_.terminal);
      for (std::size_t i = 0; i < points.size(); ++i) {
        table.rows.push_back({angle, alphas[i], points[i].best.keep, points[i].best.epsilon,
                              points[i].found ? Json(points[i].smallest.keep) : Json()});
      }
      session_.terminal.advance(1);
    }
    session_.terminal.done("");
    write(name, table);
  }

  void information(const std::string& name) {
    const Grid alphas = Grid::parse("alpha-prune", "0.1:20:50");
    const std::vector<double> keeps = {1.0, 0.8, 0.6, 0.4, 0.2, 0.1};
    std::vector<theory::Information> points(alphas.values.size() * keeps.size());
    session_.terminal.stage("information", static_cast<std::int64_t>(points.size()), "points");
    parallel_blocks(
        static_cast<std::int64_t>(points.size()), session_.terminal,
        [&](std::int64_t i) {
          const auto at = static_cast<std::size_t>(i);
          points[at] = theory::information(
              theory::Pruning::of(theory::Policy::hard, theory::Margin::absolute,
                                  keeps[at / alphas.values.size()], 0.0),
              alphas.values[at % alphas.values.size()]);
        },
        true);
    session_.terminal.done("");
    Table table{information_columns, {}};
    for (const auto& point : points) {
      table.rows.push_back(information_row(theory::Policy::hard, point));
    }
    write(name, table);
  }

  void finish(const Json& options) {
    RunInfo run;
    run.kind = "theory";
    run.command = session_.arguments;
    run.options = options;
    run.files = files_;
    write_run(session_.out(), run);
    std::string text;
    for (const auto& file : files_) text += (session_.out() / file).string() + "\n";
    session_.print({{"out", session_.common.out}, {"files", files_}}, text);
  }

 private:
  void write(const std::string& name, const Table& table) {
    write_file(session_.out() / (name + ".csv"), table.csv());
    files_.push_back(name + ".csv");
  }

  Session& session_;
  const FiguresArguments& arguments_;
  std::vector<std::string> files_;
};

void figures(Session& session, const FiguresArguments& arguments) {
  require_out_folder(session, "the folder to write");
  for (const double angle : arguments.angles.values) {
    check_range(angle, {.name = "angles", .min = 0, .max = 90});
  }
  check_range(static_cast<double>(arguments.parameters), {.name = "parameters", .min = 2});
  check_range(static_cast<double>(arguments.repetitions), {.name = "repetitions", .min = 0});
  Figures work(session, arguments);
  work.curves("figure1a", {0.0});
  work.simulations("figure1a_simulation", {0.0});
  work.phase("figure1b");
  work.frontiers("figure1c", {0.0}, {1e-4, 0.05, 0.2});
  work.information("figure1d");
  work.curves("figure2a", arguments.angles.values);
  work.simulations("figure2a_simulation", {10.0, 20.0});
  work.frontiers("figure2b", arguments.angles.values, {1e-4});
  work.smallest_fractions("figure2c");
  work.finish({{"angles", arguments.angles.values},
               {"parameters", arguments.parameters},
               {"repetitions", arguments.repetitions},
               {"seed", session.common.seed}});
}

}  // namespace

void add_theory_figures(CLI::App& theory, Session& session) {
  CLI::App& command =
      add_command(theory, session, "figures", "The data of every figure, with simulations.",
                  Output::replace, "Folder to write: a CSV for each figure, and run.json.",
                  "figure1a curves, 1b phases, 1c frontier, 1d information (perfect probe);\n"
                  "figure2a curves, 2b frontiers, 2c smallest useful fraction (imperfect probes).\n"
                  "Example:\n"
                  "  winnow theory figures --out runs/figures");
  auto arguments = std::make_shared<FiguresArguments>();
  bind_option(command, arguments->angles,
              {.name = "angles", .help = "Probe angles of figures 2A and 2B, in degrees."});
  bind_option(command, arguments->parameters,
              {.name = "parameters", .help = "Parameters N of the simulations.", .min = 2});
  bind_option(command, arguments->repetitions,
              {.name = "repetitions",
               .help = "Repetitions of every simulated point; 0: no simulations.",
               .min = 0});
  on_run(command, session, [&session, arguments] { figures(session, *arguments); });
}

}  // namespace winnow::cli
