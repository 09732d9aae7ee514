#include "cli/help.hpp"

#include <fmt/format.h>

#include <sstream>

namespace winnow::cli {

namespace {

/// `text` with line breaks at spaces, so that no line is longer than `width` unless a word is.
std::string wrap(const std::string& text, std::size_t width) {
  std::istringstream words(text);
  std::string wrapped;
  std::string word;
  std::size_t column = 0;
  while (words >> word) {
    if (column > 0 && column + 1 + word.size() > width) {
      wrapped += '\n';
      column = 0;
    } else if (column > 0) {
      wrapped += ' ';
      ++column;
    }
    wrapped += word;
    column += word.size();
  }
  return wrapped;
}

}  // namespace

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0 || option->get_type_name().empty()) return "";
  return " " + option->get_type_name();
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  constexpr std::size_t line = 100;
  std::string text = option->get_description();
  if (!option->get_default_str().empty()) {
    text += fmt::format(" [default: {}]", option->get_default_str());
  }
  if (option->get_required()) text += " [required]";
  for (const CLI::Option* other : option->get_excludes()) {
    text += fmt::format(" [not with {}]", other->get_name());
  }
  return wrap(text, line - get_column_width());
}

}  // namespace winnow::cli
