#include <fmt/format.h>

#include <algorithm>

#include "cli/theory_arguments.hpp"
#include "winnow/core/error.hpp"
#include "winnow/theory/phase.hpp"

namespace winnow::cli {

namespace {

/// A smaller error than with all data by less than this is no loss worth a word.
constexpr double tolerable = 1.05;

struct ExplainArguments {
  theory::Setting setting;
  Amount amount;
};

double error_of(const theory::PhasePoint& point, theory::Policy policy) {
  if (policy == theory::Policy::hard) return point.hard;
  return policy == theory::Policy::easy ? point.easy : point.random;
}

const char* words(theory::Policy policy) {
  if (policy == theory::Policy::hard) return "the hardest";
  return policy == theory::Policy::easy ? "the easiest" : "a random part";
}

/// The smallest fraction whose best policy has an error of at most `bound`; null: none has.
const theory::PhasePoint* smallest_within(const std::vector<theory::PhasePoint>& points,
                                          double bound) {
  const theory::PhasePoint* found = nullptr;
  for (const auto& point : points) {
    if (error_of(point, point.best) <= bound && (found == nullptr || point.keep < found->keep)) {
      found = &point;
    }
  }
  return found;
}

/// What to keep and what it costs, in words; the same for machines into `head`.
std::string advice(const std::vector<theory::PhasePoint>& points, const theory::PhasePoint* free,
                   double angle, double all, Json& head) {
  std::string text = fmt::format(
      "\n{:.4g} examples per parameter, probe {:.4g} degrees from the teacher. All of them give a "
      "test error of {:.3g} %.\n",
      points.front().alpha_tot, angle, 100.0 * all);
  if (free != nullptr) {
    text += fmt::format(
        "Keep {} {:.0f} %: the error stays within {:.0f} % of that, {:.3g} %; a random part of "
        "that size gives {:.3g} %.\n",
        words(free->best), 100.0 * free->keep, 100.0 * (tolerable - 1.0),
        100.0 * error_of(*free, free->best), 100.0 * free->random);
    head["keep"] = free->keep;
    head["policy"] = enum_name(free->best);
    head["error"] = error_of(*free, free->best);
  } else {
    const auto& half = *std::find_if(points.begin(), points.end(),
                                     [](const auto& point) { return point.keep == 0.5; });
    text += fmt::format(
        "No fraction here keeps the error within {:.0f} % of that: every example helps. To keep "
        "half, keep {}: {:.3g} %.\n",
        100.0 * (tolerable - 1.0), words(half.best), 100.0 * error_of(half, half.best));
  }
  const auto least = std::min_element(
      points.begin(), points.end(),
      [](const auto& a, const auto& b) { return error_of(a, a.best) < error_of(b, b.best); });
  if (error_of(*least, least->best) < all / tolerable) {
    text +=
        fmt::format("The least error, {:.3g} %, takes {} {:.0f} %.\n",
                    100.0 * error_of(*least, least->best), words(least->best), 100.0 * least->keep);
  }
  return text;
}

void explain(Session& session, CLI::App& command, const ExplainArguments& arguments) {
  const auto& [policy, margin, angle] = arguments.setting;
  arguments.setting.validate();
  const double alpha = arguments.amount.kept(theory::Alpha::total, 1.0);
  const std::vector<double> alphas{alpha};
  const std::vector<double> keeps = {0.95, 0.9, 0.8,  0.7, 0.6,  0.5,  0.4,
                                     0.3,  0.2, 0.15, 0.1, 0.05, 0.02, 0.01};
  require_theory_out(session);
  const double all = theory::solve(arguments.setting.keeping(1.0), alpha).epsilon;
  const auto points = theory::phase(margin, angle, alphas, keeps, session.terminal);
  const auto* free = smallest_within(points, tolerable * all);
  TheoryOutput output{
      .name = "explain",
      .table = {{"keep", "alpha_prune", "hard", "easy", "random", "best", "error_over_all_data"},
                {}},
      .shown = {},
      .note = "",
      .head = {{"alpha_tot", alpha}, {"probe_angle", angle}, {"error_all_data", all}},
      .more = {}};
  for (const auto& point : points) {
    output.table.rows.push_back({point.keep, point.keep * alpha, point.hard, point.easy,
                                 point.random, enum_name(point.best),
                                 error_of(point, point.best) / all});
  }
  std::string text = advice(points, free, angle, all, output.head);
  if (angle > 0.0) {
    const auto better = theory::phase(margin, 0.5 * angle, alphas, keeps, session.terminal);
    const auto* half_angle = smallest_within(better, tolerable * all);
    const double now = free == nullptr ? 1.0 : free->keep;
    const double then = half_angle == nullptr ? 1.0 : half_angle->keep;
    text += then < now
                ? fmt::format("A probe of {:.3g} degrees would make {:.0f} % enough.\n",
                              0.5 * angle, 100.0 * then)
                : fmt::format("A probe of {:.3g} degrees would not change how much to keep.\n",
                              0.5 * angle);
    output.head["keep_with_half_the_angle"] = then;
  }
  output.note = text;
  finish(session, command, output);
}

}  // namespace

void add_theory_explain(CLI::App& theory, Session& session) {
  CLI::App& command = add_theory_command(theory, session, "explain",
                                         "In words: what to keep, how much, and what it costs.",
                                         "Example:\n"
                                         "  winnow theory explain --alpha-tot 20 --probe-angle 15");
  auto arguments = std::make_shared<ExplainArguments>();
  theory::Setting::fields(arguments->setting, [&]<class T>(T& value, const FieldInfo& info) {
    if (std::string(info.name) != "policy") bind_option(command, value, info);
  });
  bind_amount(command, arguments->amount, "Examples P before pruning.");
  on_run(command, session,
         [&session, &command, arguments] { explain(session, command, *arguments); });
}

}  // namespace winnow::cli
