#include "cli/command.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdio>

#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::cli {

void Session::print(const Json& json, const std::string& text) const {
  if (!ranks.first()) return;
  const std::string output = common.json ? dump_json(json, 2) + "\n" : text;
  if (std::fwrite(output.data(), 1, output.size(), stdout) != output.size() ||
      std::fflush(stdout) != 0) {
    throw WorkFailed("cannot write to standard output");
  }
}

std::string help_text(const FieldInfo& info) {
  const std::string unit = *info.unit == '\0' ? "" : std::string(" ") + info.unit;
  std::string bound;
  if (std::isinf(info.max) && !std::isinf(info.min)) {
    bound = fmt::format(" {} {}{}.", info.min_open ? "Above" : "At least", info.min, unit);
  } else if (!range_text(info).empty()) {
    bound = fmt::format(" In {}{}.", range_text(info), unit);
  } else if (!unit.empty()) {
    bound = fmt::format(" In{}.", unit);
  }
  const std::string sentence = info.help;
  return sentence + (sentence.ends_with('.') ? "" : ".") + bound;
}

CLI::App& add_command(CLI::App& app, Session& session, const std::string& name,
                      const std::string& description, Output output, const std::string& out_help,
                      const std::string& examples) {
  CLI::App& command = *app.add_subcommand(name, description);
  command.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  command.footer(examples);
  Common& common = session.common;
  const std::string group = "Common options";
  if (output != Output::none) {
    command.add_option("--out", common.out, out_help)->type_name("PATH")->group(group);
    command.add_flag("--force", common.force, "Replace output that exists.")->group(group);
  }
  if (output == Output::resume) {
    command.add_flag("--resume", common.resume, "Go on where an interrupted run stopped.")
        ->group(group);
  }
  // Checked as text: CLI11 lets -1 wrap around and clamps what is too large.
  const auto is_seed = [](const std::string& text) -> std::string {
    std::uint64_t seed = 0;
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, seed);
    if (code == std::errc{} && stop == end) return "";
    return fmt::format("'{}'; expected a whole number in [0, 2^64)", text);
  };
  command.add_option("--seed", common.seed, "Seed of every random choice; same seed, same bits.")
      ->check(is_seed)
      ->capture_default_str()
      ->type_name("INTEGER")
      ->group(group);
  command.add_option("--threads", common.threads, "Threads; the result does not depend on them.")
      ->type_name("INTEGER")
      ->default_str("all")
      ->group(group);
  detail::bind_field(command, common.isa,
                     {.name = "isa", .help = "Highest instruction set to use."})
      ->group(group);
  command.add_flag("--json", common.json, "Print one JSON object on stdout, nothing else.")
      ->group(group);
  command.add_flag("--quiet", common.quiet, "No progress on stderr.")->group(group);
  // Replaced by the file's options before parsing (config.hpp); here for the help.
  command.add_option("--config", "Options from a TOML file; typed ones win.")
      ->type_name("FILE.toml")
      ->group(group);
  return command;
}

namespace {

/// "score", "theory solve".
std::string name_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  const bool is_grouped = parent != nullptr && parent->get_parent() != nullptr;
  return (is_grouped ? name_of(*parent) + " " : "") + command.get_name();
}

}  // namespace

void on_run(CLI::App& command, Session& session, std::function<void()> work, Processes processes) {
  command.callback([&command, &session, processes, work = std::move(work)] {
    const Common& common = session.common;
    if (processes == Processes::one) session.ranks.require_one(name_of(command));
    session.ranks.share_cores();
    if (command.count("--threads") > 0) set_thread_count(common.threads);
    if (common.isa != Isa::automatic) numerics::set_isa(common.isa);
    session.terminal.set_quiet(common.quiet);
    const std::string ranks = session.ranks.text();
    if (!ranks.empty()) session.terminal.note(ranks);
    work();
  });
}

}  // namespace winnow::cli
