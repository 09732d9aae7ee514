#include "cli/theory_arguments.hpp"

namespace winnow::cli {

void add_theory(CLI::App& app, Session& session) {
  CLI::App& theory = *app.add_subcommand(
      "theory", "Solve the statistical mechanics of pruned perceptron learning.");
  theory.require_subcommand(1);
  theory.footer(
      "Examples:\n"
      "  winnow theory explain --alpha-tot 20 --probe-angle 15\n"
      "  winnow theory solve --policy hard --alpha-tot 10 --keep 0.3 --json\n"
      "  winnow theory frontier --alpha-prune 0.5:10:40 --probe-angle 10 --csv\n"
      "alpha: examples per parameter. docs/theory.md has the setting and the equations.\n"
      "winnow theory COMMAND --help tells the options of a command.");
  add_theory_explain(theory, session);
  add_theory_solve(theory, session);
  add_theory_curve(theory, session);
  add_theory_frontier(theory, session);
  add_theory_fmin(theory, session);
  add_theory_phase(theory, session);
  add_theory_info(theory, session);
  add_theory_asymptotics(theory, session);
  add_theory_simulate(theory, session);
  add_theory_figures(theory, session);
}

}  // namespace winnow::cli
