#include "cli/theory_arguments.hpp"

#include <fmt/format.h>

#include "cli/outputs.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

const std::vector<std::string> solution_columns = {
    "policy",        "margin", "probe_angle", "alpha_tot", "alpha_prune", "keep",    "epsilon",
    "epsilon_error", "R",      "rho",         "kappa",     "converged",   "residual"};

std::vector<Json> solution_row(const theory::Setting& setting, const theory::Solution& found) {
  return {enum_name(setting.policy),
          enum_name(setting.margin),
          setting.probe_angle,
          found.alpha_tot,
          found.alpha_prune,
          found.keep,
          found.epsilon,
          found.error_bound.epsilon,
          found.R,
          found.rho,
          found.kappa,
          found.converged,
          found.residual};
}

Json solution_json(const theory::Solution& found) {
  return {{"R", found.R},
          {"rho", found.rho},
          {"kappa", found.kappa},
          {"epsilon", found.epsilon},
          {"alpha_tot", found.alpha_tot},
          {"alpha_prune", found.alpha_prune},
          {"keep", found.keep},
          {"converged", found.converged},
          {"iterations", found.iterations},
          {"residual", found.residual},
          {"identity_error", found.identity_error},
          {"error_bound",
           {{"R", found.error_bound.R},
            {"rho", found.error_bound.rho},
            {"kappa", found.error_bound.kappa},
            {"epsilon", found.error_bound.epsilon}}}};
}

void bind_amount(CLI::App& command, Amount& amount, const char* examples) {
  bind_option(command, amount.alpha_tot,
              {.name = "alpha-tot", .help = "Examples per parameter before pruning."})
      ->default_str("");
  bind_option(command, amount.alpha_prune,
              {.name = "alpha-prune", .help = "Examples per parameter after pruning."})
      ->default_str("");
  bind_option(command, amount.parameters,
              {.name = "parameters",
               .help = "Parameters N of the student, with --examples in place of an alpha."})
      ->default_str("");
  bind_option(command, amount.examples, {.name = "examples", .help = examples})->default_str("");
}

void bind_keep(CLI::App& command, Grid& keep, const char* what) {
  bind_option(command, keep, {.name = "keep", .help = what});
}

bool Amount::empty() const {
  return alpha_tot.values.empty() && alpha_prune.values.empty() && parameters == 0 && examples == 0;
}

Amount::Values Amount::resolve(theory::Alpha default_kind) const {
  const bool counted = parameters != 0 || examples != 0;
  const int given =
      (alpha_tot.values.empty() ? 0 : 1) + (alpha_prune.values.empty() ? 0 : 1) + (counted ? 1 : 0);
  if (given != 1) {
    throw InvalidArgument(fmt::format(
        "{} of --alpha-tot, --alpha-prune and --parameters with --examples given; expected one",
        given == 0 ? "none" : "several"));
  }
  Values found;
  if (counted) {
    if (parameters < 1 || examples < 1) {
      throw InvalidArgument(fmt::format(
          "parameters = {}, examples = {}; expected both, each at least 1", parameters, examples));
    }
    found.kind = default_kind;
    found.alphas = {static_cast<double>(examples) / static_cast<double>(parameters)};
    return found;
  }
  found.kind = alpha_tot.values.empty() ? theory::Alpha::kept : theory::Alpha::total;
  found.alphas = alpha_tot.values.empty() ? alpha_prune.values : alpha_tot.values;
  for (const double alpha : found.alphas) {
    check_range(alpha, {.name = found.kind == theory::Alpha::kept ? "alpha-prune" : "alpha-tot",
                        .min = 0,
                        .min_open = true});
  }
  return found;
}

double Amount::kept(theory::Alpha default_kind, double keep) const {
  const Values found = resolve(default_kind);
  if (found.alphas.size() != 1) {
    throw InvalidArgument(fmt::format(
        "{} values of alpha; expected one (winnow theory curve takes many)", found.alphas.size()));
  }
  return found.kind == theory::Alpha::kept ? found.alphas.front() : keep * found.alphas.front();
}

void check_keep(const Grid& keep) {
  for (const double value : keep.values) {
    check_range(value, {.name = "keep", .min = 0, .max = 1, .min_open = true});
  }
}

double only(const char* name, const Grid& grid) {
  if (grid.values.size() == 1) return grid.values.front();
  throw InvalidArgument(
      fmt::format("{} = {}: {} values; expected one", name, grid.text(), grid.values.size()));
}

CLI::App& add_theory_command(CLI::App& theory, Session& session, const std::string& name,
                             const std::string& description, const std::string& examples) {
  CLI::App& command = add_command(theory, session, name, description, Output::replace,
                                  "Folder to write: the rows as CSV, and run.json.", examples);
  command.add_flag("--csv")->description("Print CSV with every digit instead of a table.");
  return command;
}

void require_theory_out(const Session& session) {
  if (!session.common.out.empty()) require_out_folder(session, "the folder to write");
}

void finish(const Session& session, CLI::App& command, const TheoryOutput& output) {
  const bool csv = command.count("--csv") > 0;
  if (csv && session.common.json) {
    throw InvalidArgument("--csv and --json given; expected one of them");
  }
  Json json = output.head;
  json["points"] = output.table.json();
  std::vector<std::pair<std::string, const Table*>> tables{{output.name, &output.table}};
  for (const auto& [name, table] : output.more) {
    json[name] = table.json();
    tables.emplace_back(name, &table);
  }
  std::string text = csv ? output.table.csv() : output.table.text(output.shown) + output.note;
  if (!session.common.out.empty()) {
    RunInfo run;
    run.kind = "theory";
    run.command = session.arguments;
    run.results = output.head;
    for (const auto& [name, table] : tables) {
      write_file(session.out() / (name + ".csv"), table->csv());
      run.files.push_back(name + ".csv");
      if (!csv) text += fmt::format("{}\n", (session.out() / (name + ".csv")).string());
    }
    write_run(session.out(), run);
    json["files"] = run.files;
  }
  session.print(json, text);
}

}  // namespace winnow::cli
