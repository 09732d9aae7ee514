#include <fmt/format.h>

#include "cli/theory_arguments.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

struct CurveArguments {
  theory::Setting setting;
  Amount amount;
  Grid keep{{1.0, 0.8, 0.6, 0.4, 0.2, 0.1}};
  theory::FrontierLimits limits;
};

const std::vector<std::string> shown = {"alpha_tot", "alpha_prune", "keep",     "epsilon",
                                        "R",         "kappa",       "converged"};

TheoryOutput output_of(const char* name, const CurveArguments& arguments) {
  return {.name = name,
          .table = {solution_columns, {}},
          .shown = shown,
          .note = "",
          .head = {{"options", options_json(arguments.setting)}},
          .more = {}};
}

void warn_unless_converged(Session& session, std::size_t failed, std::size_t all) {
  if (failed == 0) return;
  session.terminal.warn(fmt::format(
      "{} of {} points did not converge: see the columns converged and residual", failed, all));
}

void curve(Session& session, CLI::App& command, const CurveArguments& arguments) {
  arguments.setting.validate();
  check_keep(arguments.keep);
  const auto amount = arguments.amount.resolve(theory::Alpha::total);
  require_theory_out(session);
  const auto points = theory::curves(arguments.setting, amount.kind, amount.alphas,
                                     arguments.keep.values, session.terminal);
  TheoryOutput output = output_of("curve", arguments);
  std::size_t failed = 0;
  for (const auto& point : points) {
    output.table.rows.push_back(solution_row(arguments.setting, point));
    failed += point.converged ? 0 : 1;
  }
  warn_unless_converged(session, failed, points.size());
  finish(session, command, output);
}

/// alpha_prune of frontiers.
std::vector<double> kept_alphas(const Amount& amount) {
  auto found = amount.resolve(theory::Alpha::kept);
  if (found.kind == theory::Alpha::total) {
    throw InvalidArgument(
        "--alpha-tot given; expected --alpha-prune, what is kept (--max-alpha-tot limits the "
        "rest)");
  }
  return found.alphas;
}

void frontier(Session& session, CLI::App& command, const CurveArguments& arguments) {
  const auto alphas = kept_alphas(arguments.amount);
  arguments.limits.validate();
  require_theory_out(session);
  const auto points =
      theory::frontier(arguments.setting, alphas, arguments.limits, session.terminal);
  TheoryOutput output = output_of("frontier", arguments);
  output.head["limits"] = options_json(arguments.limits);
  output.table.columns.insert(output.table.columns.end(), {"interior", "scaling"});
  output.shown.insert(output.shown.end(), {"interior", "scaling"});
  bool unbounded = false;
  std::size_t failed = 0;
  for (const auto& point : points) {
    auto& row = output.table.rows.emplace_back(solution_row(arguments.setting, point.best));
    const bool falls = !point.interior && point.best.keep < 1.0;
    row.emplace_back(point.interior);
    row.push_back(falls ? Json(point.best.epsilon * point.best.alpha_tot) : Json());
    unbounded = unbounded || falls;
    failed += point.best.converged ? 0 : 1;
  }
  if (unbounded) {
    if (arguments.setting.probe_angle == 0.0) {
      output.note =
          "With a perfect probe no share is best from alpha_prune = 2 on: the less is kept of the "
          "more, the better.\n";
    }
    output.note +=
        "Where interior is no, the error falls all the way to the smallest fraction allowed "
        "(--min-keep, --max-alpha-tot):\nepsilon = scaling / alpha_tot there.\n";
  }
  warn_unless_converged(session, failed, points.size());
  finish(session, command, output);
}

void fmin(Session& session, CLI::App& command, const CurveArguments& arguments) {
  const auto alphas = kept_alphas(arguments.amount);
  require_theory_out(session);
  const auto points = theory::smallest_keep(arguments.setting, alphas, session.terminal);
  TheoryOutput output = output_of("fmin", arguments);
  output.table.columns = {"policy",    "margin",       "probe_angle",   "alpha_prune",
                          "best_keep", "best_epsilon", "smallest_keep", "smallest_epsilon"};
  output.shown = {"alpha_prune", "best_keep", "best_epsilon", "smallest_keep", "smallest_epsilon"};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& [best, smallest, found] = points[i];
    output.table.rows.push_back(
        {enum_name(arguments.setting.policy), enum_name(arguments.setting.margin),
         arguments.setting.probe_angle, alphas[i], best.keep, best.epsilon,
         found ? Json(smallest.keep) : Json(), found ? Json(smallest.epsilon) : Json()});
  }
  output.note =
      "smallest_keep: below the best fraction, where the error is twice the best; - where no\n"
      "fraction down to 1e-4 doubles it.\n";
  finish(session, command, output);
}

}  // namespace

void add_theory_curve(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(
      theory, session, "curve", "Error against the amount of data at fixed keep fractions.",
      "Examples:\n"
      "  winnow theory curve --alpha-tot 0.1:100:40 --keep 1,0.5,0.2 --csv\n"
      "  winnow theory curve --alpha-prune 1:10:20 --probe-angle 20 --out runs/curve");
  auto arguments = std::make_shared<CurveArguments>();
  bind_options(command, arguments->setting);
  bind_amount(command, arguments->amount, "Examples P before pruning.");
  bind_keep(command, arguments->keep, "Shares of the examples that stay, in (0, 1].");
  on_run(command, session,
         [&session, &command, arguments] { curve(session, command, *arguments); });
}

void add_theory_frontier(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(
      theory, session, "frontier", "Best keep fraction and its error for each amount kept.",
      "Examples:\n"
      "  winnow theory frontier --alpha-prune 0.5:10:40 --probe-angle 10\n"
      "  winnow theory frontier --alpha-prune 0.5:10:40 --max-alpha-tot 50");
  auto arguments = std::make_shared<CurveArguments>();
  bind_options(command, arguments->setting);
  bind_amount(command, arguments->amount, "Examples P after pruning.");
  bind_options(command, arguments->limits);
  on_run(command, session,
         [&session, &command, arguments] { frontier(session, command, *arguments); });
}

void add_theory_fmin(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(
      theory, session, "fmin", "Smallest useful keep fraction for a probe angle.",
      "Example:\n"
      "  winnow theory fmin --alpha-prune 2:100:20 --probe-angle 10");
  auto arguments = std::make_shared<CurveArguments>();
  arguments->setting.probe_angle = 10.0;
  bind_options(command, arguments->setting);
  bind_amount(command, arguments->amount, "Examples P after pruning.");
  on_run(command, session, [&session, &command, arguments] { fmin(session, command, *arguments); });
}

}  // namespace winnow::cli
