#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace winnow::cli {

/// CLI11's help with defaults in words and lines that fit a terminal of 100 columns.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(30); }

 protected:
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace winnow::cli
