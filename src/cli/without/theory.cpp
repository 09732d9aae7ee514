#include "cli/command.hpp"
#include "winnow/core/not_built.hpp"

namespace winnow::cli {

void add_theory(CLI::App& app, Session& /*session*/) {
  CLI::App& theory = *app.add_subcommand(
      "theory", "Statistical mechanics of pruned perceptron learning (not in this build).");
  theory.allow_extras();
  theory.callback([] { throw_not_built("theory: its equations", "Boost.Math", "WINNOW_THEORY"); });
}

}  // namespace winnow::cli
