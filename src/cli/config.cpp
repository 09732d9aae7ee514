#include "cli/config.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <span>
#include <string_view>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/options.hpp"

namespace winnow::cli {

namespace {

std::string value_text(const toml::node& node, const std::string& key, const std::string& file) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto integer = node.value_exact<std::int64_t>()) return fmt::format("{}", *integer);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (const auto* array = node.as_array()) {
    std::string list;
    for (const auto& element : *array) {
      if (!list.empty()) list += ',';
      list += value_text(element, key, file);
    }
    return list;
  }
  throw BadFile(fmt::format("{}: line {}: '{}' is neither text, number, true, false nor a list",
                            file, node.source().begin.line, key));
}

void require_option(const std::string& name, const toml::node& node, const std::string& file,
                    const std::vector<std::string>& options) {
  if (std::find(options.begin(), options.end(), name) != options.end()) return;
  const std::string guess = nearest_name(name, options);
  throw BadFile(fmt::format("{}: line {}: '{}' is no option of this command{}", file,
                            node.source().begin.line, name,
                            guess.empty() ? "" : fmt::format("; did you mean '{}'?", guess)));
}

void append_options(const toml::table& table, const std::string& file,
                    const std::vector<std::string>& options, std::vector<std::string>& out) {
  for (const auto& [key, node] : table) {
    if (node.is_table()) continue;
    const std::string name(key.str());
    require_option(name, node, file, options);
    out.push_back(fmt::format("--{}={}", name, value_text(node, name, file)));
  }
}

/// The file's options for `command`, as they would be typed.
std::vector<std::string> options_in(const std::string& file, std::span<const std::string> command,
                                    const std::vector<std::string>& options) {
  const std::string text = read_file(file, std::size_t{1} << 20U);
  try {
    const toml::table table = toml::parse(text, std::string_view(file));
    std::vector<std::string> found;
    append_options(table, file, options, found);
    const toml::table* section = &table;
    for (const auto& word : command) {
      section = section == nullptr ? nullptr : (*section)[word].as_table();
    }
    if (section != nullptr) append_options(*section, file, options, found);
    return found;
  } catch (const toml::parse_error& error) {
    throw BadFile(fmt::format("{}: line {} column {}: {}", file, error.source().begin.line,
                              error.source().begin.column, error.description()));
  }
}

}  // namespace

std::vector<std::string> expand_config(const std::vector<std::string>& arguments,
                                       std::size_t n_words,
                                       const std::vector<std::string>& options) {
  constexpr std::string_view flag = "--config";
  if (arguments.size() <= n_words) return arguments;
  const std::span<const std::string> command(arguments.data(), n_words);
  std::vector<std::string> expanded(command.begin(), command.end());
  std::vector<std::string> typed;
  for (std::size_t i = n_words; i < arguments.size(); ++i) {
    std::string file;
    if (arguments[i] == flag && i + 1 < arguments.size()) {
      file = arguments[++i];
    } else if (arguments[i].starts_with("--config=")) {
      file = arguments[i].substr(flag.size() + 1);
    } else {
      typed.push_back(arguments[i]);
      continue;
    }
    for (auto& option : options_in(file, command, options)) {
      expanded.push_back(std::move(option));
    }
  }
  expanded.insert(expanded.end(), typed.begin(), typed.end());
  return expanded;
}

}  // namespace winnow::cli
