#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/ranks.hpp"
#include "cli/terminal.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/run.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::cli {

/// What every subcommand takes.
struct Common {
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all
  std::string out;
  bool force = false;
  bool resume = false;
  bool json = false;
  bool quiet = false;
  Isa isa = Isa::automatic;
};

/// What a running subcommand has at hand.
struct Session {
  std::vector<std::string> arguments;  ///< argv as typed
  Common common;
  Terminal terminal;
  Ranks ranks;

  Seed seed() const { return {common.seed}; }
  std::filesystem::path out() const { return common.out; }
  /// Prints the result, on the first rank: one JSON object with --json, else `text`.
  void print(const Json& json, const std::string& text) const;
};

/// Whether a subcommand writes: what --out names, and which of --force and --resume it has.
enum class Output { none, replace, resume };

/// Declares a subcommand with the common options. `out_help` says what --out is.
CLI::App& add_command(CLI::App& app, Session& session, const std::string& name,
                      const std::string& description, Output output, const std::string& out_help,
                      const std::string& examples);

/// What a subcommand does when a launcher started several processes of it: refuse, or work in all,
/// of which only the first writes files.
enum class Processes { one, many };

/// Runs `work` when the command was given, after --threads, --isa and --quiet took effect.
void on_run(CLI::App& command, Session& session, std::function<void()> work,
            Processes processes = Processes::one);

/// Help of one option: sentence, choices, range, unit.
std::string help_text(const FieldInfo& info);

namespace detail {

/// What CLI11 would not say: it clamps integers that T cannot hold.
template <class T>
std::string integer_problem(const std::string& text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc::result_out_of_range ? text + " is out of range" : "";
}

template <class T>
CLI::Option* bind_field(CLI::App& command, T& value, const FieldInfo& info) {
  const std::string flag = std::string("--") + info.name;
  if constexpr (std::is_enum_v<T>) {
    const std::string choices = CLI::detail::join(enum_choices<T>(), "|");
    return command
        .add_option_function<std::string>(
            flag,
            [&value, name = info.name](const std::string& text) {
              value = parse_enum<T>(name, text);
            },
            help_text(info))
        ->type_name(choices)
        ->default_str(enum_name(value));
  } else if constexpr (TextField<T>) {
    return command
        .add_option_function<std::string>(
            flag,
            [&value, name = info.name](const std::string& text) { value = T::parse(name, text); },
            help_text(info))
        ->type_name(T::forms)
        ->default_str(value.text());
  } else if constexpr (std::is_same_v<T, bool>) {
    const std::string flags = value ? flag + ",!--no-" + info.name : flag;
    return command.add_flag(flags, value, help_text(info))->default_str(value ? "on" : "off");
  } else {
    CLI::Option* option = command.add_option(flag, value, help_text(info))
                              ->type_name(std::is_floating_point_v<T> ? "NUMBER"
                                          : std::is_integral_v<T>     ? "INTEGER"
                                                                      : "TEXT")
                              ->capture_default_str();
    if constexpr (std::is_integral_v<T>) option->check(&integer_problem<T>);
    return option;
  }
}

}  // namespace detail

/// One command-line option per described field of `options`, which must outlive the parse.
template <class Options>
void bind_options(CLI::App& command, Options& options) {
  Options::fields(options, [&command]<class T>(T& value, const FieldInfo& info) {
    detail::bind_field(command, value, info);
  });
}

/// One option by a FieldInfo of its own.
template <class T>
CLI::Option* bind_option(CLI::App& command, T& value, const FieldInfo& info) {
  return detail::bind_field(command, value, info);
}

// One function per subcommand, in cmd_<name>.cpp.
void add_embed(CLI::App& app, Session& session);
void add_score(CLI::App& app, Session& session);
void add_cluster(CLI::App& app, Session& session);
void add_dedup(CLI::App& app, Session& session);
void add_select(CLI::App& app, Session& session);
void add_compare(CLI::App& app, Session& session);
void add_benchmark(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_prune(CLI::App& app, Session& session);
void add_theory(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_info(CLI::App& app, Session& session);

}  // namespace winnow::cli
