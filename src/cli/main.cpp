#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/config.hpp"
#include "cli/help.hpp"
#include "cli/terminal.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
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

/// @throws InvalidArgument for a first word that is no subcommand, naming the near one.
void check_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty()) return;
  const std::string& first = arguments.front();
  if (first.starts_with("-")) {
    const std::vector<std::string> own = {"-h", "--help", "--version"};
    if (std::find(own.begin(), own.end(), first) != own.end()) return;
    const std::string guess = nearest_name(first, own);
    throw InvalidArgument(
        guess.empty()
            ? fmt::format("{} before the command; write winnow COMMAND {} ...", first, first)
            : fmt::format("unknown argument '{}'; did you mean '{}'?", first, guess));
  }
  const auto names = command_names(app);
  if (std::find(names.begin(), names.end(), first) == names.end()) {
    throw_unknown_choice("command", first, names);
  }
}

/// What a configuration file may set: every option of the command but these.
std::vector<std::string> config_names(const CLI::App& app,
                                      const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  if (arguments.empty() || arguments.front().starts_with("-")) return names;
  for (const CLI::Option* option : app.get_subcommand(arguments.front())->get_options()) {
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
  const auto used = app.get_subcommands();
  if (used.empty()) return text + "; winnow --help lists the commands";
  const CLI::App& command = *used.front();
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
  return fmt::format("{}; winnow {} --help lists the options", text, command.get_name());
}

int fail(Session& session, const std::string& message, int code) {
  session.terminal.clear();
  fmt::print(stderr, "winnow: {}\n", message);
  return code;
}

int run(Session& session) {
  CLI::App app(
      "winnow decides which training examples are worth keeping: it scores every example "
      "of a dataset,\nselects a subset, and shows what training on it costs or gains.",
      "winnow");
  app.set_version_flag("--version", fmt::format("winnow {}", version()));
  app.require_subcommand(1);
  app.footer(footer);
  app.formatter(std::make_shared<HelpFormatter>());
  add_prune(app, session);
  add_embed(app, session);
  add_score(app, session);
  add_select(app, session);
  add_train(app, session);
  add_report(app, session);
  add_info(app, session);
  try {
    std::vector<std::string> arguments(session.arguments.begin() + 1, session.arguments.end());
    check_command(app, arguments);
    arguments = expand_config(arguments, config_names(app, arguments));
    if (arguments.empty()) arguments.emplace_back("--help");
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
    app.parse(arguments);
    return 0;
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return fail(session, usage_error_text(app, error), 2);
  } catch (const Error& error) {
    return fail(session, error.what(), error.exit_code());
  } catch (const std::bad_alloc&) {
    return fail(session, "out of memory", 1);
  } catch (const std::exception& error) {
    return fail(session, fmt::format("unexpected failure: {}", error.what()), 1);
  }
}

}  // namespace

}  // namespace winnow::cli

int main(int argc, char** argv) {
  winnow::cli::install_signal_handlers();
  winnow::cli::Session session;
  session.arguments.assign(argv, argv + argc);
  return winnow::cli::run(session);
}
