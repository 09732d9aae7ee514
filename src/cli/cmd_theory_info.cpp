#include <fmt/format.h>

#include <cmath>

#include "cli/theory_arguments.hpp"
#include "winnow/core/error.hpp"
#include "winnow/theory/asymptotics.hpp"
#include "winnow/theory/information.hpp"

namespace winnow::cli {

const std::vector<std::string> information_columns = {"policy",
                                                      "alpha_tot",
                                                      "alpha_prune",
                                                      "keep",
                                                      "epsilon_gibbs",
                                                      "epsilon_bayes",
                                                      "q",
                                                      "R",
                                                      "entropy",
                                                      "information",
                                                      "information_error",
                                                      "closure_information",
                                                      "closure_information_at_R",
                                                      "converged"};

std::vector<Json> information_row(theory::Policy policy, const theory::Information& found) {
  const auto& closure = found.paper_closure;
  return {enum_name(policy),
          found.alpha_tot,
          found.alpha_prune,
          found.keep,
          found.epsilon_gibbs,
          found.epsilon_bayes,
          found.q,
          found.R,
          found.entropy,
          found.information,
          found.error_bound.information,
          closure.exists ? Json(closure.information) : Json(),
          closure.information_at_exact_R,
          found.converged};
}

namespace {

struct InfoArguments {
  theory::Policy policy = theory::Policy::hard;
  Amount amount;
  Grid keep{{1.0}};
};

void info(Session& session, CLI::App& command, const InfoArguments& arguments) {
  check_keep(arguments.keep);
  const auto amount = arguments.amount.resolve(theory::Alpha::total);
  require_theory_out(session);
  TheoryOutput output{
      .name = "info",
      .table = {information_columns, {}},
      .shown = {"alpha_tot", "alpha_prune", "keep", "epsilon_gibbs", "epsilon_bayes", "entropy",
                "information", "closure_information", "converged"},
      .note = "",
      .head = {{"policy", enum_name(arguments.policy)}},
      .more = {}};
  session.terminal.stage(
      "information", static_cast<std::int64_t>(arguments.keep.values.size() * amount.alphas.size()),
      "points");
  for (const double keep : arguments.keep.values) {
    const auto pruning = theory::Pruning::of(arguments.policy, theory::Margin::absolute, keep, 0.0);
    for (const double alpha : amount.alphas) {
      session.terminal.throw_if_cancelled();
      const auto found =
          theory::information(pruning, amount.kind == theory::Alpha::kept ? alpha : keep * alpha);
      output.table.rows.push_back(information_row(arguments.policy, found));
      session.terminal.advance(1);
    }
  }
  session.terminal.done("");
  output.note =
      "entropy in nats per parameter, information -dS/da in nats per example kept, of the exact\n"
      "replica-symmetric solution; closure_information takes q = R, as the paper does, which only\n"
      "unpruned data justify (- where that closure has no solution).\n";
  finish(session, command, output);
}

struct AsymptoticsArguments {
  theory::Setting setting;
  Grid keep{{1.0, 0.5, 0.2, 0.1}};
  Amount amount;
};

Table constants_table() {
  const auto& c = theory::asymptotic_constants();
  return {
      {"constant", "value", "meaning"},
      {{"max_margin_error", c.max_margin_error, "epsilon alpha, nothing pruned, alpha -> inf"},
       {"max_margin", c.max_margin, "kappa alpha, the same"},
       {"gibbs_error", c.gibbs_error, "epsilon alpha of a student drawn at random"},
       {"bayes_error", c.bayes_error, "epsilon alpha of the centre of the version space"},
       {"critical_alpha", c.critical_alpha, "alpha_prune of the transition, hard, f -> 0"},
       {"critical_error", c.critical_error, "epsilon / g^(1/3) there"},
       {"hard_easy_tie", c.hard_easy_tie, "alpha_tot (1 - f) where they tie, f -> 1"},
       {"best_threshold", c.best_threshold, "g a^(1/3) / sin(theta) of the least error, theta > 0"},
       {"best_correction", c.best_correction,
        "of the least error: (c0 sin(theta) / a) (1 + this cos(theta)^2 a^(-2/3))"},
       {"least_threshold", c.least_threshold,
        "g a^(1/2) / (sin(theta) sqrt(cos(theta))) of twice the least error"},
       {"instability", c.instability, "a g cot(theta) where learning past the probe begins"}}};
}

void asymptotics(Session& session, CLI::App& command, const AsymptoticsArguments& arguments) {
  arguments.setting.validate();
  check_keep(arguments.keep);
  std::vector<double> alphas = {2.1, 2.5, 3.0, 4.0, 5.0};
  if (!arguments.amount.empty()) {
    const auto amount = arguments.amount.resolve(theory::Alpha::kept);
    if (amount.kind == theory::Alpha::total) {
      throw InvalidArgument("--alpha-tot given; expected --alpha-prune, which the scaling is of");
    }
    alphas = amount.alphas;
  }
  require_theory_out(session);
  TheoryOutput output{.name = "constants",
                      .table = constants_table(),
                      .shown = {},
                      .note = "",
                      .head = {{"options", options_json(arguments.setting)}},
                      .more = {}};
  Table amplitudes{{"keep", "epsilon_alpha_prune", "epsilon_alpha_tot"}, {}};
  for (const double keep : arguments.keep.values) {
    const auto found = theory::error_amplitude(arguments.setting.keeping(keep));
    const bool finite = found && std::isfinite(*found);
    amplitudes.rows.push_back(
        {keep, finite ? Json(*found) : Json(), finite ? Json(*found / keep) : Json()});
  }
  Table scaling{{"alpha_prune", "epsilon_alpha_tot"}, {}};
  for (const double a : alphas) {
    scaling.rows.push_back({a, theory::frontier_scaling(a)});
  }
  output.note = fmt::format(
      "\nepsilon at fixed keep fractions and much data ({}, {} margin, {:.4g} degrees); - where it "
      "decays more slowly than 1 / alpha:\n{}\nepsilon alpha_tot at fixed alpha_prune > 2, hard, a "
      "perfect probe, keep -> 0:\n{}",
      enum_name(arguments.setting.policy), enum_name(arguments.setting.margin),
      arguments.setting.probe_angle, amplitudes.text(), scaling.text());
  output.more.emplace_back("amplitudes", amplitudes);
  output.more.emplace_back("scaling", scaling);
  finish(session, command, output);
}

}  // namespace

void add_theory_info(CLI::App& theory, Session& session) {
  CLI::App& command =
      add_theory_command(theory, session, "info",
                         "Entropy and information per example of the version space, perfect probe.",
                         "Example:\n"
                         "  winnow theory info --alpha-prune 0.1:10:20 --keep 1,0.5,0.2");
  auto arguments = std::make_shared<InfoArguments>();
  bind_option(command, arguments->policy,
              {.name = "policy", .help = "What stays: hard, easy or random examples."});
  bind_amount(command, arguments->amount, "Examples P before pruning.");
  bind_keep(command, arguments->keep, "Shares of the examples that stay, in (0, 1].");
  on_run(command, session, [&session, &command, arguments] { info(session, command, *arguments); });
}

void add_theory_asymptotics(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(
      theory, session, "asymptotics", "Constants and amplitudes of the limits of much data.",
      "Example:\n"
      "  winnow theory asymptotics --probe-angle 20 --keep 0.5,0.2,0.1");
  auto arguments = std::make_shared<AsymptoticsArguments>();
  bind_options(command, arguments->setting);
  bind_keep(command, arguments->keep, "Shares of the examples that stay, in (0, 1].");
  bind_amount(command, arguments->amount,
              "Examples P after pruning, more than 2 N: where to give the frontier's scaling.");
  on_run(command, session,
         [&session, &command, arguments] { asymptotics(session, command, *arguments); });
}

}  // namespace winnow::cli
