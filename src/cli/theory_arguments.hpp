#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/grid.hpp"
#include "cli/table.hpp"
#include "winnow/theory/frontier.hpp"
#include "winnow/theory/information.hpp"
#include "winnow/theory/setting.hpp"

// What the commands of `winnow theory` share: the setting, the amount of data, and their output.

namespace winnow::cli {

/// How much data: examples per parameter before or after pruning, or as counts.
struct Amount {
  Grid alpha_tot;
  Grid alpha_prune;
  std::int64_t parameters = 0;
  std::int64_t examples = 0;

  struct Values {
    theory::Alpha kind = theory::Alpha::total;
    std::vector<double> alphas = {};
  };
  /// @param default_kind  What --examples counts.
  /// @throws InvalidArgument when none or several of the forms are given, or a value is not
  ///         positive.
  Values resolve(theory::Alpha default_kind) const;
  /// Whether none of the forms is given.
  bool empty() const;
  /// The one value asked for, as alpha_prune at keep fraction `keep`.
  double kept(theory::Alpha default_kind, double keep) const;
};

/// --alpha-tot, --alpha-prune, --parameters and --examples; `examples` says what they count.
void bind_amount(CLI::App& command, Amount& amount, const char* examples);
/// --keep; `what` is its help.
void bind_keep(CLI::App& command, Grid& keep, const char* what);
/// @throws InvalidArgument for a fraction outside (0, 1].
void check_keep(const Grid& keep);
/// The only value of a grid. @throws InvalidArgument when there are several.
double only(const char* name, const Grid& grid);

/// What a command of `theory` prints and writes.
struct TheoryOutput {
  std::string name;  ///< NAME.csv under --out
  Table table;
  std::vector<std::string> shown;  ///< Columns of the printed table; none: all.
  std::string note;                ///< Text below the printed table.
  Json head = Json::object();      ///< What --json says beside the rows.
  /// Further tables, written as NAME.csv and part of --json by name.
  std::vector<std::pair<std::string, Table>> more;
};

/// Adds a command of `theory`: common options, --csv, --out.
CLI::App& add_theory_command(CLI::App& theory, Session& session, const std::string& name,
                             const std::string& description, const std::string& examples);
/// Prints the output as a table, --json or --csv, and writes it where --out says.
/// @throws InvalidArgument when both --json and --csv are asked for.
void finish(const Session& session, CLI::App& command, const TheoryOutput& output);
/// --out must be usable. Called before the work.
void require_theory_out(const Session& session);

/// A row of a Solution.
extern const std::vector<std::string> solution_columns;
std::vector<Json> solution_row(const theory::Setting& setting, const theory::Solution& found);
Json solution_json(const theory::Solution& found);
/// A row of an Information.
extern const std::vector<std::string> information_columns;
std::vector<Json> information_row(theory::Policy policy, const theory::Information& found);

// One function per command of `theory`, in cmd_theory_<name>.cpp.
void add_theory_solve(CLI::App& theory, Session& session);
void add_theory_curve(CLI::App& theory, Session& session);
void add_theory_frontier(CLI::App& theory, Session& session);
void add_theory_fmin(CLI::App& theory, Session& session);
void add_theory_phase(CLI::App& theory, Session& session);
void add_theory_info(CLI::App& theory, Session& session);
void add_theory_asymptotics(CLI::App& theory, Session& session);
void add_theory_simulate(CLI::App& theory, Session& session);
void add_theory_figures(CLI::App& theory, Session& session);
void add_theory_explain(CLI::App& theory, Session& session);

}  // namespace winnow::cli
