#pragma once

#include <string>

#include "cli/command.hpp"
#include "winnow/selection/export.hpp"

// Outputs that a subcommand is about to write, checked before any work. All throw WorkFailed where
// nothing can be written: a folder without the right, a file system mounted read-only.

namespace winnow::cli {

/// @throws InvalidArgument when --out is missing; `what` says what it should be.
void require_out_given(const Session& session, const char* what);

/// An array that `flag` names, and the sidecar beside it.
/// @throws InvalidArgument for a folder or a name that does not end in .npy; OutputExists.
void require_new_array(const std::string& flag, const std::string& path, bool force);

/// --out as an array. @throws as require_new_array(); InvalidArgument also when it is missing.
void require_out_array(const Session& session);

/// --out as a file. @throws InvalidArgument when it is missing or a folder; OutputExists.
void require_out_file(const Session& session, const char* what);

/// --out as a folder, new or empty unless --force or --resume was given.
/// @throws InvalidArgument when it is missing or a file; OutputExists.
void require_out_folder(const Session& session, const char* what, bool can_resume = false);

/// Declares --write and --files, what a selection is written as beside ids.
void bind_exports(CLI::App& command, std::string& formats, selection::FileMode& files);

}  // namespace winnow::cli
