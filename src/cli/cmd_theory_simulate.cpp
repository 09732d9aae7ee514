#include "winnow/theory/simulate.hpp"

#include <fmt/format.h>

#include "cli/theory_arguments.hpp"
#include "winnow/theory/solve.hpp"

namespace winnow::cli {

namespace {

Json estimate_json(const theory::Estimate& estimate) {
  return {{"mean", estimate.mean}, {"standard_error", estimate.standard_error}};
}

void simulate(Session& session, CLI::App& command, theory::SimulationOptions options,
              std::int64_t n_examples) {
  options.seed = session.seed();
  if (n_examples != 0) {
    check_range(static_cast<double>(n_examples), {.name = "examples", .min = 1});
    options.alpha_tot = static_cast<double>(n_examples) / static_cast<double>(options.n_parameters);
  }
  options.validate();
  require_theory_out(session);
  const auto found = theory::simulate(options, session.terminal);
  // The theory at the angle that the probe turned out to have.
  theory::Setting measured = options.setting;
  if (options.probe != theory::Probe::angle) measured.probe_angle = found.probe_angle.mean;
  const auto theory = theory::solve(measured.keeping(options.keep), found.alpha_prune.mean);
  TheoryOutput output{.name = "simulation",
                      .table = {{"repetition", "epsilon", "R", "rho", "kappa", "probe_angle",
                                 "n_kept", "relative_gap", "converged"},
                                {}},
                      .shown = {"none"},
                      .note = "",
                      .head = {{"options", options_json(options)},
                               {"n_parameters", options.n_parameters},
                               {"repetitions", found.repetitions.size()},
                               {"epsilon", estimate_json(found.epsilon)},
                               {"R", estimate_json(found.R)},
                               {"rho", estimate_json(found.rho)},
                               {"kappa", estimate_json(found.kappa)},
                               {"probe_angle", estimate_json(found.probe_angle)},
                               {"alpha_prune", found.alpha_prune.mean},
                               {"unconverged", found.n_unconverged},
                               {"theory", solution_json(theory)}},
                      .more = {}};
  for (std::size_t i = 0; i < found.repetitions.size(); ++i) {
    const auto& r = found.repetitions[i];
    output.table.rows.push_back(
        {i, r.epsilon, r.R, r.rho, r.kappa, r.probe_angle, r.n_kept, r.relative_gap, r.converged});
  }
  Table summary{{"", "simulated", "standard_error", "theory"}, {}};
  const auto add = [&](const char* name, const theory::Estimate& estimate, Json expected) {
    summary.rows.push_back({name, estimate.mean, estimate.standard_error, std::move(expected)});
  };
  add("epsilon", found.epsilon, theory.epsilon);
  add("R", found.R, theory.R);
  add("rho", found.rho, theory.rho);
  add("kappa", found.kappa, theory.kappa);
  add("probe_angle", found.probe_angle,
      options.probe == theory::Probe::angle ? Json(options.setting.probe_angle) : Json());
  output.note = fmt::format("{} repetitions of {} parameters, {} examples kept of {}:\n{}",
                            found.repetitions.size(), options.n_parameters, options.n_kept(),
                            options.n_examples(), summary.text());
  if (found.n_unconverged > 0) {
    session.terminal.warn(fmt::format("{} of {} students are not trained to the end",
                                      found.n_unconverged, found.repetitions.size()));
  }
  finish(session, command, output);
}

}  // namespace

void add_theory_simulate(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(
      theory, session, "simulate", "Teacher, probe, pruning and student by experiment.",
      "Examples:\n"
      "  winnow theory simulate --parameters 400 --alpha-tot 10 --keep 0.3 --probe-angle 20\n"
      "  winnow theory simulate --probe logistic --probe-alpha 2 --probe-epochs 3");
  auto options = std::make_shared<theory::SimulationOptions>();
  bind_options(command, *options);
  auto examples = std::make_shared<std::int64_t>(0);
  bind_option(command, *examples,
              {.name = "examples", .help = "Examples P before pruning, in place of --alpha-tot."})
      ->default_str("")
      ->excludes(command.get_option("--alpha-tot"));
  on_run(command, session, [&session, &command, options, examples] {
    simulate(session, command, *options, *examples);
  });
}

}  // namespace winnow::cli
