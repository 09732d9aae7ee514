#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/config.hpp"
#include "cli/help.hpp"
#include "cli/terminal.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"

namespace winnow::cli {

namespace {

constexpr const char* footer =
    "Start with:\n"
    "  winnow prune --data fashion-mnist --keep 0.5 --evaluate --out runs/demo\n"
    "  winnow score --metric self-prototypes --embeddings emb.npy --out scores.npy\n"
    "  winnow select --scores scores.npy --keep 0.3 --policy hard --out kept\n"
    "winnow COMMAND --help tells the options of a command.\n"
    "Exit codes: 0 done, 1 failed while working, 2 bad usage or input, 130 interrupted.";

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

/// How many of the first arguments name the subcommand: `theory solve` takes two.
/// @throws InvalidArgument for a first word that is no subcommand, naming the near one.
std::size_t command_words(const CLI::App& app, const std::vector<std::string>& arguments,
                          std::size_t from = 0) {
  if (arguments.size() <= from) return from;
  const std::string& first = arguments[from];
  if (first.starts_with("-")) {
    const std::vector<std::string> own =
        from > 0 ? std::vector<std::string>{"-h", "--help"}
                 : std::vector<std::string>{"-h", "--help", "--version"};
    if (std::find(own.begin(), own.end(), first) != own.end()) return from;
    const std::string guess = nearest_name(first, own);
    const std::string path = from > 0 ? arguments.front() + " COMMAND" : "COMMAND";
    throw InvalidArgument(
        guess.empty()
            ? fmt::format("{} before the command; write winnow {} {} ...", first, path, first)
            : fmt::format("unknown argument '{}'; did you mean '{}'?", first, guess));
  }
  const auto names = command_names(app);
  if (std::find(names.begin(), names.end(), first) == names.end()) {
    const std::string field = from > 0 ? arguments.front() + " command" : "command";
    throw_unknown_choice(field, first, names);
  }
  const CLI::App& command = *app.get_subcommand(first);
  return command_names(command).empty() ? from + 1 : command_words(command, arguments, from + 1);
}

/// What a configuration file may set: every option of the command but these.
std::vector<std::string> config_names(const CLI::App& app,
                                      std::span<const std::string> command_path) {
  std::vector<std::string> names;
  if (command_path.empty()) return names;
  const CLI::App* command = &app;
  for (const auto& word : command_path) command = command->get_subcommand(word);
  for (const CLI::Option* option : command->get_options()) {
    for (const auto& name : option->get_lnames()) {
      if (name != "help" && name != "config") names.push_back(name);
    }
  }
  return names;
}

/// What a value should have been, by the type that the option's help shows.
std::string expected_text(const CLI::App& command, const std::string& error) {
  for (const CLI::Option* option : command.get_options()) {
    if (error.find(option->get_name() + " = ") == std::string::npos) continue;
    if (option->get_type_name() == "INTEGER") return "; expected a whole number";
    if (option->get_type_name() == "NUMBER") return "; expected a number";
  }
  return "";
}

/// A sentence about a command line that CLI11 refused.
std::string usage_error_text(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  std::string path;
  const CLI::App* used = &app;
  while (!used->get_subcommands().empty()) {
    used = used->get_subcommands().front();
    path += " " + used->get_name();
  }
  if (!command_names(*used).empty()) {
    return fmt::format("{}; winnow{} --help lists the commands", text, path);
  }
  const CLI::App& command = *used;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    for (const auto& extra : command.remaining()) {
      const std::string flag = extra.substr(0, extra.find('='));
      text = fmt::format("unknown argument '{}'", extra);
      const std::string guess = nearest_name(flag, names);
      if (!guess.empty()) text += fmt::format("; did you mean '{}'?", guess);
      break;
    }
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    text += expected_text(command, text);
  }
  return fmt::format("{}; winnow{} --help lists the options", text, path);
}

/// Whether `path` names a group of commands, like `theory`.
bool has_commands(const CLI::App& app, std::span<const std::string> path) {
  const CLI::App* command = &app;
  for (const auto& word : path) command = command->get_subcommand(word);
  return !command_names(*command).empty();
}

void add_commands(CLI::App& app, Session& session) {
  app.set_version_flag("--version", fmt::format("winnow {}", version()));
  app.require_subcommand(1);
  app.footer(footer);
  app.formatter(std::make_shared<HelpFormatter>());
  add_prune(app, session);
  add_embed(app, session);
  add_score(app, session);
  add_cluster(app, session);
  add_dedup(app, session);
  add_select(app, session);
  add_compare(app, session);
  add_benchmark(app, session);
  add_train(app, session);
  add_theory(app, session);
  add_report(app, session);
  add_info(app, session);
}

/// Does what the command line asks for. @throws Error when that fails; InvalidArgument for what
/// CLI11 refuses.
void parse_and_run(CLI::App& app, Session& session) {
  try {
    std::vector<std::string> arguments(session.arguments.begin() + 1, session.arguments.end());
    const std::size_t n_words = command_words(app, arguments);
    const std::span<const std::string> command(arguments.data(), n_words);
    arguments = expand_config(arguments, n_words, config_names(app, command));
    if (arguments.empty() || (n_words == arguments.size() && has_commands(app, arguments))) {
      arguments.emplace_back("--help");
    }
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
    app.parse(arguments);
  } catch (const CLI::Success& success) {  // --help, --version
    if (session.ranks.first()) app.exit(success);
  } catch (const CLI::ParseError& error) {
    throw InvalidArgument(usage_error_text(app, error));
  }
}

int run(Session& session) {
  CLI::App app(
      "winnow decides which training examples are worth keeping: it scores every example "
      "of a dataset,\nselects a subset, and shows what training on it costs or gains.",
      "winnow");
  const comm::Outcome outcome = outcome_of([&] {
    session.ranks.join();
    if (!session.ranks.first()) session.terminal.mute();
    add_commands(app, session);
    parse_and_run(app, session);
  });
  return session.ranks.end(session.terminal, outcome);
}

}  // namespace

}  // namespace winnow::cli

int main(int argc, char** argv) {
  winnow::cli::install_signal_handlers();
  winnow::cli::Session session;
  session.arguments.assign(argv, argv + argc);
  return winnow::cli::run(session);
}
