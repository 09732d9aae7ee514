#include "winnow/theory/phase.hpp"

#include <fmt/format.h>

#include <map>

#include "cli/theory_arguments.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

struct PhaseArguments {
  theory::Setting setting;
  Amount amount;
  Grid keep{Grid::parse("keep", "0.05,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9")};
};

Json list_of(const std::vector<double>& values) {
  return fmt::format("{:.6g}", fmt::join(values, " "));
}

void phase(Session& session, CLI::App& command, const PhaseArguments& arguments) {
  const theory::Margin margin = arguments.setting.margin;
  const double angle = arguments.setting.probe_angle;
  arguments.setting.validate();
  check_keep(arguments.keep);
  const auto amount = arguments.amount.resolve(theory::Alpha::total);
  if (amount.kind == theory::Alpha::kept) {
    throw InvalidArgument("--alpha-prune given; expected --alpha-tot, which all policies share");
  }
  const std::vector<double>& alphas = amount.alphas;
  require_theory_out(session);
  const auto points = theory::phase(margin, angle, alphas, arguments.keep.values, session.terminal);
  TheoryOutput output{.name = "phase",
                      .table = {{"probe_angle", "margin", "alpha_tot", "keep", "hard", "easy",
                                 "random", "best", "converged"},
                                {}},
                      .shown = {},
                      .note = "",
                      .head = {{"probe_angle", angle}, {"margin", enum_name(margin)}},
                      .more = {}};
  for (const auto& point : points) {
    output.table.rows.push_back({angle, enum_name(margin), point.alpha_tot, point.keep, point.hard,
                                 point.easy, point.random, enum_name(point.best), point.converged});
  }
  Table lines{{"keep", "hard_over_easy", "hard_over_random", "easy_over_random"}, {}};
  for (const double keep : arguments.keep.values) {
    if (keep == 1.0) continue;
    const auto at = [&](theory::Policy a, theory::Policy b) {
      return list_of(theory::crossings(a, b, margin, angle, keep));
    };
    lines.rows.push_back({keep, at(theory::Policy::hard, theory::Policy::easy),
                          at(theory::Policy::hard, theory::Policy::random),
                          at(theory::Policy::easy, theory::Policy::random)});
  }
  output.more.emplace_back("transitions", lines);
  const bool table_asked = command.count("--csv") > 0 || session.common.json;
  if (!table_asked) {
    // Who wins, one letter a point, the amount of data running to the right.
    std::string map = fmt::format(
        "Best policy; alpha_tot from {:.4g} to {:.4g} ({} values) to the "
        "right: h hard, e easy, r random.\n",
        alphas.front(), alphas.back(), alphas.size());
    const std::size_t row = alphas.size();
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (i % row == 0) map += fmt::format("keep {:<6.4g} ", points[i].keep);
      map += enum_name(points[i].best)[0];
      if (i % row == row - 1) map += "\n";
    }
    output.note =
        map + "\nalpha_tot at which the error of one policy crosses another's:\n" + lines.text();
    output.shown = {"none"};
  }
  finish(session, command, output);
}

}  // namespace

void add_theory_phase(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(
      theory, session, "phase",
      "Where keeping hard, easy or random examples wins (alpha_tot: 0.5:200:40).",
      "Example:\n"
      "  winnow theory phase --probe-angle 10 --alpha-tot 0.5:200:40 --keep 0.1,0.3,0.5");
  auto arguments = std::make_shared<PhaseArguments>();
  theory::Setting::fields(arguments->setting, [&]<class T>(T& value, const FieldInfo& info) {
    if (std::string(info.name) != "policy") bind_option(command, value, info);
  });
  bind_amount(command, arguments->amount, "Examples P before pruning.");
  bind_keep(command, arguments->keep, "Shares of the examples that stay, in (0, 1].");
  on_run(command, session, [&session, &command, arguments] {
    if (arguments->amount.empty()) {
      arguments->amount.alpha_tot = Grid::parse("alpha-tot", "0.5:200:40");
    }
    phase(session, command, *arguments);
  });
}

}  // namespace winnow::cli
