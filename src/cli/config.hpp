#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace winnow::cli {

/// Replaces `--config FILE.toml` in a command line by the options that the file holds.
///
/// Keys are option names without dashes, at the top of the file or in a table called as the
/// subcommand; true and false turn a flag on and off, an array becomes a comma list. They come
/// before what was typed, so that typed options win.
///
/// @param arguments  subcommand first.
/// @param n_words    how many of them name the subcommand: 2 for `theory solve`, whose table is
///                   [theory.solve].
/// @param options    names, without dashes, that the subcommand takes.
/// @throws BadFile naming line and column of a TOML mistake, or the line of a key that is no option
///         or has a value of a kind that no option takes.
std::vector<std::string> expand_config(const std::vector<std::string>& arguments,
                                       std::size_t n_words,
                                       const std::vector<std::string>& options);

}  // namespace winnow::cli
