#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "cli/theory_arguments.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

/// Bands of the margin with the share kept in each. A TextField.
struct Bands {
  std::vector<theory::Band> bands = {};

  static constexpr const char* forms = "LOW:HIGH[:WEIGHT],...";
  static Bands parse(std::string_view field, std::string_view text);
  std::string text() const { return ""; }
};

double bound_of(std::string_view field, std::string_view text) {
  double value = 0.0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) {
    throw InvalidArgument(
        fmt::format("{}: '{}' is no number; expected {}", field, text, Bands::forms));
  }
  return value;
}

Bands Bands::parse(std::string_view field, std::string_view text) {
  Bands found;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    std::vector<double> values;
    for (;;) {
      const auto colon = part.find(':');
      values.push_back(bound_of(field, part.substr(0, colon)));
      if (colon == std::string_view::npos) break;
      part.remove_prefix(colon + 1);
    }
    if (values.size() != 2 && values.size() != 3) {
      throw InvalidArgument(
          fmt::format("{}: a band has {} values; expected {}", field, values.size(), forms));
    }
    found.bands.push_back({values[0], values[1], values.size() == 3 ? values[2] : 1.0});
  }
  return found;
}

struct SolveArguments {
  theory::Setting setting;
  Amount amount;
  Grid keep{{1.0}};
  Bands bands;
};

std::string sentence(const theory::Solution& found) {
  const auto line = [](const char* name, double value, double error, const char* meaning) {
    return fmt::format("{:12} {:<22.15g} +- {:.1e}  {}\n", name, value, error, meaning);
  };
  std::string text =
      line("epsilon", found.epsilon, found.error_bound.epsilon, "test error, arccos(R) / pi") +
      line("R", found.R, found.error_bound.R, "cosine between student and teacher") +
      line("rho", found.rho, found.error_bound.rho, "cosine between student and probe") +
      line("kappa", found.kappa, found.error_bound.kappa, "margin");
  text += fmt::format("{:12} {:<.15g}\n{:12} {:<.15g}\n{:12} {:<.15g}\n", "alpha_tot",
                      found.alpha_tot, "alpha_prune", found.alpha_prune, "keep", found.keep);
  text += fmt::format("{:12} {} after {} steps, residual {:.1e}, identity {:.1e}\n", "converged",
                      found.converged ? "yes" : "NO", found.iterations, found.residual,
                      found.identity_error);
  return text;
}

void solve(const Session& session, CLI::App& command, const SolveArguments& arguments) {
  const theory::Setting& setting = arguments.setting;
  setting.validate();
  check_keep(arguments.keep);
  const auto pruning =
      arguments.bands.bands.empty()
          ? setting.keeping(only("keep", arguments.keep))
          : theory::Pruning::of_bands(arguments.bands.bands, setting.margin, setting.probe_angle);
  const auto found =
      theory::solve(pruning, arguments.amount.kept(theory::Alpha::total, pruning.keep()));
  require_theory_out(session);
  Json json = solution_json(found);
  json["policy"] = arguments.bands.bands.empty() ? enum_name(setting.policy) : "bands";
  json["margin"] = enum_name(setting.margin);
  json["probe_angle"] = setting.probe_angle;
  TheoryOutput output{.name = "solution",
                      .table = {solution_columns, {solution_row(setting, found)}},
                      .shown = {},
                      .note = "",
                      .head = json,
                      .more = {}};
  if (!arguments.bands.bands.empty()) output.table.rows.front().front() = "bands";
  const bool plain = command.count("--csv") == 0 && session.common.out.empty();
  if (plain) return session.print(json, sentence(found));
  finish(session, command, output);
}

}  // namespace

void add_theory_solve(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(
      theory, session, "solve", "One point: test error, overlaps and margin of the student.",
      "Examples:\n"
      "  winnow theory solve --alpha-tot 10 --keep 0.3 --probe-angle 15 --json\n"
      "  winnow theory solve --parameters 10000 --examples 50000 --policy easy --keep 0.5\n"
      "  winnow theory solve --alpha-tot 10 --bands 0.3:0.9 --probe-angle 20");
  auto arguments = std::make_shared<SolveArguments>();
  bind_options(command, arguments->setting);
  bind_amount(command, arguments->amount, "Examples P before pruning.");
  bind_keep(command, arguments->keep, "Share of the examples that stays, in (0, 1].");
  bind_option(command, arguments->bands,
              {.name = "bands",
               .help = "Keep these bands of the margin instead, each with a share (1); ends may "
                       "be inf."})
      ->default_str("")
      ->excludes(command.get_option("--keep"))
      ->excludes(command.get_option("--policy"));
  on_run(command, session,
         [&session, &command, arguments] { solve(session, command, *arguments); });
}

}  // namespace winnow::cli
