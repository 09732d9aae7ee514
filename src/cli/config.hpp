#pragma once

#include <string>
#include <vector>

namespace winnow::cli {

/// Replaces `--config FILE.toml` in a command line by the options that the file holds.
///
/// Keys are option names without dashes, at the top of the file or in a table called as the
/// subcommand; true turns a flag on, an array becomes a comma list. They come before what was
/// typed, so that typed options win.
/// @throws BadFile naming line and column of a TOML mistake, or a value of a kind no option takes.
std::vector<std::string> expand_config(const std::vector<std::string>& arguments);

}  // namespace winnow::cli
